#include "dl_reduction.h"

#include "template.h"

// What is looked at as a whole before the place within it is found.
enum { SCAN_BLOCK = 1024 };

static const uint32_t exponent_mask = 0x7f800000u;

// Floats in their order as integers, which have a least and a greatest in any order of comparison.
DL_INLINE int32_t scan_key(uint32_t bits) {
  int32_t sign = (int32_t)bits >> 31;
  return (int32_t)(bits ^ ((uint32_t)sign & 0x7fffffffu));
}

DL_INLINE float scan_float(int32_t key) {
  uint32_t bits = (uint32_t)scan_key((uint32_t)key);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

DL_CLONES dl_float_scan dl_scan_f32(const float *x, size_t n) {
  int32_t least = INT32_MAX, greatest = INT32_MIN;
  dl_float_scan scan = {INFINITY, -INFINITY, 0, -1};
  for (size_t begin = 0; begin < n; begin += SCAN_BLOCK) {
    size_t count = n - begin < SCAN_BLOCK ? n - begin : SCAN_BLOCK;
    uint32_t bits[SCAN_BLOCK];
    memcpy(bits, x + begin, count * sizeof(float));
    uint32_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
      int is_wrong = (bits[i] & exponent_mask) == exponent_mask;
      int32_t key = scan_key(bits[i]);
      int32_t low = is_wrong ? INT32_MAX : key, high = is_wrong ? INT32_MIN : key;
      least = low < least ? low : least;
      greatest = high > greatest ? high : greatest;
      wrong += (uint32_t)is_wrong;
    }
    if (wrong && scan.first_non_finite < 0) {
      size_t i = 0;
      while ((bits[i] & exponent_mask) != exponent_mask) i++;
      scan.first_non_finite = (ptrdiff_t)(begin + i);
    }
    scan.non_finite += wrong;
  }
  if (scan.non_finite < n) {
    scan.least = scan_float(least);
    scan.greatest = scan_float(greatest);
  }
  return scan;
}

DL_CLONES dl_int_scan dl_scan_i32(const int32_t *x, size_t n) {
  dl_int_scan scan = {INT64_MAX, INT64_MAX, INT64_MIN, INT64_MIN};
  if (n == 0) return scan;
  int32_t least = INT32_MAX, greatest = INT32_MIN;
  for (size_t i = 0; i < n; i++) {
    least = x[i] < least ? x[i] : least;
    greatest = x[i] > greatest ? x[i] : greatest;
  }
  scan.least = least;
  scan.greatest = greatest;
  if (least == greatest) return scan;
  int32_t above = INT32_MAX, below = INT32_MIN;
  for (size_t i = 0; i < n; i++) {
    int32_t low = x[i] == least ? INT32_MAX : x[i], high = x[i] == greatest ? INT32_MIN : x[i];
    above = low < above ? low : above;
    below = high > below ? high : below;
  }
  scan.next_least = above;
  scan.next_greatest = below;
  return scan;
}

DL_CLONES size_t dl_first_beyond_f32(const float *x, size_t n, double low, double high) {
  for (size_t begin = 0; begin < n; begin += SCAN_BLOCK) {
    size_t end = n - begin < SCAN_BLOCK ? n : begin + SCAN_BLOCK;
    int wrong = 0;
    for (size_t i = begin; i < end; i++) wrong |= !(x[i] >= low) | !(x[i] <= high);
    if (!wrong) continue;
    for (size_t i = begin; i < end; i++)
      if (!(x[i] >= low && x[i] <= high)) return i;
  }
  return n;
}

DL_CLONES size_t dl_first_beyond_i32(
    const int32_t *x, size_t n, int32_t low, int32_t high, const int32_t *except) {
  // A number that is inside anyway stands for none.
  const int32_t allowed = except ? *except : low;
  for (size_t begin = 0; begin < n; begin += SCAN_BLOCK) {
    size_t end = n - begin < SCAN_BLOCK ? n : begin + SCAN_BLOCK;
    int wrong = 0;
    for (size_t i = begin; i < end; i++)
      wrong |= ((x[i] < low) | (x[i] > high)) & (x[i] != allowed);
    if (!wrong) continue;
    for (size_t i = begin; i < end; i++)
      if ((x[i] < low || x[i] > high) && !(except && x[i] == *except)) return i;
  }
  return n;
}

size_t dl_map_i32(
    int32_t *y, size_t n, const int32_t *map, size_t count, const int32_t *except) {
  for (size_t i = 0; i < n; i++) {
    if (y[i] >= 0 && (size_t)y[i] < count) {
      if (map[y[i]] < 0) return i;
      y[i] = map[y[i]];
    } else if (!(except && y[i] == *except)) {
      return i;
    }
  }
  return n;
}

size_t dl_first_ctc_misfit(
    const int32_t *labels, size_t rows, size_t width, int32_t blank, size_t steps) {
  for (size_t r = 0; r < rows; r++) {
    const int32_t *row = labels + r * width;
    size_t length = 0, needed = 0;
    while (length < width && row[length] != blank) {
      needed += length > 0 && row[length] == row[length - 1] ? 2 : 1;
      length++;
    }
    if (needed > steps) return r;
    for (size_t i = length; i < width; i++)
      if (row[i] != blank) return r;
  }
  return rows;
}
