#include "cimage.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// ITU-R 601's luma in 16 bits, as RasterImage has it.
static inline uint8_t gray(const uint8_t *pixel) {
  return (uint8_t)((pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u + 0x8000u) >> 16);
}

static inline uint8_t blended(uint8_t base, uint8_t value, float factor) {
  float result = (float)base + factor * (float)(value - base);
  return result <= 0 ? 0 : result >= 255 ? 255 : (uint8_t)result;
}

static inline uint8_t limited(int value) {
  return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

// Replaces each channel's bytes by those of a table [channels, 256].
static void map(uint8_t *pixels, size_t count, size_t channels, const uint8_t *table) {
  for (size_t pixel = 0; pixel < count; pixel++) {
    for (size_t channel = 0; channel < channels; channel++) {
      uint8_t *byte = pixels + pixel * channels + channel;
      *byte = table[channel * 256 + *byte];
    }
  }
}

static void blend_all(uint8_t *pixels, size_t bytes, uint8_t base, float factor) {
  uint8_t table[256];
  for (int value = 0; value < 256; value++)
    table[value] = blended(base, (uint8_t)value, factor);
  map(pixels, bytes, 1, table);
}

void cimage_brightness(uint8_t *pixels, size_t count, size_t channels, float factor) {
  blend_all(pixels, count * channels, 0, factor);
}

void cimage_contrast(uint8_t *pixels, size_t count, size_t channels, float factor) {
  if (count == 0) return;
  uint64_t sum = 0;
  for (size_t pixel = 0; pixel < count; pixel++) {
    sum += channels == 3 ? gray(pixels + 3 * pixel) : pixels[pixel];
  }
  double mean = (double)sum / (double)count;
  blend_all(pixels, count * channels, (uint8_t)(mean + 0.5), factor);
}

void cimage_saturation(uint8_t *pixels, size_t count, size_t channels, float factor) {
  if (channels != 3) return;
  for (uint8_t *pixel = pixels; pixel < pixels + 3 * count; pixel += 3) {
    uint8_t base = gray(pixel);
    for (int channel = 0; channel < 3; channel++) {
      pixel[channel] = blended(base, pixel[channel], factor);
    }
  }
}

// Smith 1978, "Color Gamut Transform Pairs": hue and saturation as bytes, cut off below one.
static void to_hue(const uint8_t *pixel, uint8_t *hue, uint8_t *saturation, uint8_t *value) {
  uint8_t r = pixel[0], g = pixel[1], b = pixel[2];
  uint8_t most = r > g ? (r > b ? r : b) : (g > b ? g : b);
  uint8_t least = r < g ? (r < b ? r : b) : (g < b ? g : b);
  *value = most;
  *hue = *saturation = 0;
  if (most == least) return;
  float range = (float)(most - least);
  float share = range / (float)most;
  float red = (float)(most - r) / range, green = (float)(most - g) / range;
  float blue = (float)(most - b) / range;
  float turn;
  if (r == most) {
    turn = blue - green;
  } else if (g == most) {
    turn = (float)(2.0 + (double)red - (double)blue);
  } else {
    turn = (float)(4.0 + (double)green - (double)red);
  }
  // A sixth of the circle a unit; red lies at both ends.
  turn = (float)fmod((double)turn / 6.0 + 1.0, 1.0);
  *hue = limited((int)((double)turn * 255.0));
  *saturation = limited((int)((double)share * 255.0));
}

static void from_hue(uint8_t hue, uint8_t saturation, uint8_t value, uint8_t *pixel) {
  if (saturation == 0) {
    memset(pixel, value, 3);
    return;
  }
  double sixths = (double)(float)hue * 6.0 / 255.0;
  int sector = (int)floor(sixths);
  float rest = (float)(sixths - (double)(float)sector);
  float share = (float)((double)(float)saturation / 255.0);
  double v = value;
  uint8_t least = limited((int)round(v * (1.0 - (double)share)));
  uint8_t falling = limited((int)round(v * (1.0 - (double)(share * rest))));
  uint8_t rising = limited((int)round(v * (1.0 - (double)share * (1.0 - (double)rest))));
  const uint8_t colors[6][3] = {{value, rising, least}, {falling, value, least},
                                {least, value, rising}, {least, falling, value},
                                {rising, least, value}, {value, least, falling}};
  memcpy(pixel, colors[sector % 6], 3);
}

void cimage_hue(uint8_t *pixels, size_t count, size_t channels, uint8_t shift) {
  if (channels != 3) return;
  for (uint8_t *pixel = pixels; pixel < pixels + 3 * count; pixel += 3) {
    uint8_t hue, saturation, value;
    to_hue(pixel, &hue, &saturation, &value);
    from_hue((uint8_t)(hue + shift), saturation, value, pixel);
  }
}

void cimage_sharpness(
    uint8_t *pixels, uint8_t *scratch, size_t height, size_t width, size_t channels,
    float factor) {
  size_t stride = width * channels;
  memcpy(scratch, pixels, height * stride);
  for (size_t row = 0; row < height; row++) {
    for (size_t place = 0; place < stride; place++) {
      size_t at = row * stride + place;
      const uint8_t *center = scratch + at;
      unsigned smooth = *center;
      if (row > 0 && row + 1 < height && place >= channels && place + channels < stride) {
        unsigned sum = 4u * *center;
        for (const uint8_t *line = center - stride; line <= center + stride; line += stride) {
          sum += line[-(ptrdiff_t)channels] + line[0] + line[channels];
        }
        smooth = (2 * sum + 13) / 26;
      }
      pixels[at] = blended((uint8_t)smooth, *center, factor);
    }
  }
}

void cimage_posterize(uint8_t *pixels, size_t count, size_t channels, int bits) {
  uint8_t mask = (uint8_t)(0xff << (8 - bits));
  for (size_t index = 0; index < count * channels; index++) pixels[index] &= mask;
}

void cimage_solarize(uint8_t *pixels, size_t count, size_t channels, double threshold) {
  for (size_t index = 0; index < count * channels; index++) {
    if (pixels[index] >= threshold) pixels[index] = 255 - pixels[index];
  }
}

static void histogram(
    const uint8_t *pixels, size_t count, size_t channels, size_t channel, uint64_t *counts) {
  memset(counts, 0, 256 * sizeof(uint64_t));
  for (size_t pixel = 0; pixel < count; pixel++) counts[pixels[pixel * channels + channel]]++;
}

void cimage_autocontrast(uint8_t *pixels, size_t count, size_t channels) {
  uint8_t table[3 * 256];
  uint64_t counts[256];
  for (size_t channel = 0; channel < channels && channel < 3; channel++) {
    histogram(pixels, count, channels, channel, counts);
    int low = 0, high = 255;
    while (low < 255 && counts[low] == 0) low++;
    while (high > 0 && counts[high] == 0) high--;
    double scale = high > low ? 255.0 / (high - low) : 1;
    double offset = high > low ? -low * scale : 0;
    for (int value = 0; value < 256; value++) {
      table[channel * 256 + (size_t)value] = limited((int)(value * scale + offset));
    }
  }
  map(pixels, count, channels, table);
}

void cimage_equalize(uint8_t *pixels, size_t count, size_t channels) {
  uint8_t table[3 * 256];
  uint64_t counts[256];
  for (size_t channel = 0; channel < channels && channel < 3; channel++) {
    histogram(pixels, count, channels, channel, counts);
    int last = 255;
    while (last > 0 && counts[last] == 0) last--;
    uint64_t step = (count - counts[last]) / 255;
    uint64_t sum = step / 2;
    for (size_t value = 0; value < 256; value++) {
      uint64_t level = step == 0 ? value : sum / step;
      table[channel * 256 + value] = level > 255 ? 255 : (uint8_t)level;
      sum += counts[value];
    }
  }
  map(pixels, count, channels, table);
}

void cimage_spread(const uint8_t *gray, uint8_t *out, size_t count) {
  for (size_t pixel = 0; pixel < count; pixel++) memset(out + 3 * pixel, gray[pixel], 3);
}
