#include "cimage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define BITS 22

// For each place of the output the first place of the input, how many follow, and their weights.
typedef struct {
  size_t *first;
  size_t *count;
  int32_t *weights;
  size_t taps;
} triangle;

static void drop(triangle *filter) {
  free(filter->first);
  free(filter->count);
  free(filter->weights);
}

// The filter of `count` places, from `begin` on, of `to` that `from` places are brought to.
static int make(triangle *filter, size_t from, size_t to, size_t begin, size_t count) {
  double scale = (double)from / (double)to;
  double reach = scale > 1 ? scale : 1;
  filter->taps = (size_t)ceil(reach) * 2 + 2;
  filter->first = malloc(count * sizeof(size_t));
  filter->count = malloc(count * sizeof(size_t));
  filter->weights = calloc(count * filter->taps, sizeof(int32_t));
  double *raw = malloc(filter->taps * sizeof(double));
  if (!filter->first || !filter->count || !filter->weights || !raw) {
    free(raw);
    drop(filter);
    return -1;
  }
  for (size_t place = 0; place < count; place++) {
    double center = ((double)(begin + place) + 0.5) * scale;
    double low = center - reach + 0.5;
    double high = center + reach + 0.5;
    size_t first = low > 0 ? (size_t)low : 0;
    size_t end = high < (double)from ? (size_t)high : from;
    size_t taps = end > first ? end - first : 0;
    double sum = 0;
    for (size_t tap = 0; tap < taps; tap++) {
      double weight = 1 - fabs(((double)(first + tap) - center + 0.5) / reach);
      raw[tap] = weight > 0 ? weight : 0;
      sum += raw[tap];
    }
    for (size_t tap = 0; tap < taps; tap++) {
      double weight = sum == 0 ? raw[tap] : raw[tap] / sum;
      filter->weights[place * filter->taps + tap] = (int32_t)(0.5 + weight * (1 << BITS));
    }
    filter->first[place] = first;
    filter->count[place] = taps;
  }
  free(raw);
  return 0;
}

static inline uint8_t rounded(int32_t sum) {
  int32_t value = sum >> BITS;
  return value > 255 ? 255 : (uint8_t)value;
}

static void across(
    const uint8_t *in, size_t stride, size_t height, size_t channels, const triangle *filter,
    uint8_t *out, size_t to) {
  for (size_t row = 0; row < height; row++) {
    const uint8_t *line = in + row * stride;
    uint8_t *target = out + row * to * channels;
    for (size_t place = 0; place < to; place++) {
      const int32_t *weights = filter->weights + place * filter->taps;
      const uint8_t *from = line + filter->first[place] * channels;
      size_t count = filter->count[place];
      if (channels == 3) {
        int32_t red = 1 << (BITS - 1), green = red, blue = red;
        for (size_t tap = 0; tap < count; tap++) {
          red += from[3 * tap] * weights[tap];
          green += from[3 * tap + 1] * weights[tap];
          blue += from[3 * tap + 2] * weights[tap];
        }
        target[3 * place] = rounded(red);
        target[3 * place + 1] = rounded(green);
        target[3 * place + 2] = rounded(blue);
      } else {
        int32_t sum = 1 << (BITS - 1);
        for (size_t tap = 0; tap < count; tap++) sum += from[tap] * weights[tap];
        target[place] = rounded(sum);
      }
    }
  }
}

static void down(
    const uint8_t *in, size_t stride, size_t bytes, const triangle *filter, uint8_t *out,
    size_t to, int32_t *sums) {
  for (size_t place = 0; place < to; place++) {
    for (size_t index = 0; index < bytes; index++) sums[index] = 1 << (BITS - 1);
    for (size_t tap = 0; tap < filter->count[place]; tap++) {
      const uint8_t *line = in + (filter->first[place] + tap) * stride;
      int32_t weight = filter->weights[place * filter->taps + tap];
      for (size_t index = 0; index < bytes; index++) sums[index] += line[index] * weight;
    }
    for (size_t index = 0; index < bytes; index++)
      out[place * bytes + index] = rounded(sums[index]);
  }
}

int cimage_resize(
    const uint8_t *window, size_t stride, size_t height, size_t width, size_t channels,
    size_t full_height, size_t full_width, size_t top, size_t left, uint8_t *out,
    size_t out_height, size_t out_width) {
  size_t bytes = out_width * channels;
  if (height == full_height && width == full_width) {
    for (size_t row = 0; row < out_height; row++) {
      memcpy(out + row * bytes, window + (top + row) * stride + left * channels, bytes);
    }
    return 0;
  }
  triangle columns, rows;
  if (make(&columns, width, full_width, left, out_width)) return -1;
  if (make(&rows, height, full_height, top, out_height)) {
    drop(&columns);
    return -1;
  }
  // Down comes first where that makes the picture between both smaller than it is and was; else
  // only the rows that are looked at are brought to their width.
  int down_first = full_height < height && full_width > width;
  size_t first = rows.first[0], last = rows.first[out_height - 1] + rows.count[out_height - 1];
  size_t line = down_first ? width * channels : bytes;
  uint8_t *between = malloc((down_first ? out_height : last - first) * line);
  int32_t *sums = malloc(line * sizeof(int32_t));
  int status = between && sums ? 0 : -1;
  if (!status && down_first) {
    down(window, stride, line, &rows, between, out_height, sums);
    across(between, line, out_height, channels, &columns, out, out_width);
  } else if (!status) {
    across(
        window + first * stride, stride, last - first, channels, &columns, between, out_width);
    for (size_t place = 0; place < out_height; place++) rows.first[place] -= first;
    down(between, line, line, &rows, out, out_height, sums);
  }
  free(sums);
  free(between);
  drop(&rows);
  drop(&columns);
  return status;
}

void cimage_affine(
    const uint8_t *pixels, uint8_t *out, size_t height, size_t width, size_t channels,
    const double *m) {
  for (size_t row = 0; row < height; row++) {
    for (size_t column = 0; column < width; column++, out += channels) {
      double x = m[0] * ((double)column + 0.5) + m[1] * ((double)row + 0.5) + m[2];
      double y = m[3] * ((double)column + 0.5) + m[4] * ((double)row + 0.5) + m[5];
      // What is not a number is outside too.
      if (!(x >= 0 && x < (double)width && y >= 0 && y < (double)height)) {
        memset(out, 0, channels);
        continue;
      }
      double left = floor(x - 0.5), top = floor(y - 0.5);
      double right_share = x - 0.5 - left, low_share = y - 0.5 - top;
      size_t x0 = left < 0 ? 0 : (size_t)left, y0 = top < 0 ? 0 : (size_t)top;
      size_t x1 = left + 1 < (double)width ? (size_t)(left + 1) : width - 1;
      size_t y1 = top + 1 < (double)height ? (size_t)(top + 1) : height - 1;
      const uint8_t *high = pixels + y0 * width * channels,
                    *low = pixels + y1 * width * channels;
      for (size_t channel = 0; channel < channels; channel++) {
        double a = high[x0 * channels + channel], b = high[x1 * channels + channel];
        double c = low[x0 * channels + channel], d = low[x1 * channels + channel];
        double above = a + (b - a) * right_share, below = c + (d - c) * right_share;
        out[channel] = (uint8_t)(above + (below - above) * low_share);
      }
    }
  }
}
