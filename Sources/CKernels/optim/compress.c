#include "dl_optim.h"

#include "template.h"

static inline uint32_t bits_of(float x) {
  uint32_t b;
  memcpy(&b, &x, sizeof b);
  return b;
}

static inline float float_of(uint32_t b) {
  float x;
  memcpy(&x, &b, sizeof x);
  return x;
}

DL_CLONES int dl_add_finite(float *restrict x, const float *restrict r, size_t n) {
  uint32_t found = 0;
  for (size_t i = 0; i < n; i++) {
    x[i] += r[i];
    found |= (bits_of(x[i]) & 0x7f800000) == 0x7f800000;
  }
  return found == 0;
}

static inline uint32_t to_bf16(float x) {
  const uint32_t b = bits_of(x), magnitude = b & 0x7fffffff;
  uint32_t r = (b + 0x7fff + (b >> 16 & 1)) >> 16;
  r -= (r & 0x7fff) == 0x7f80 && magnitude < 0x7f800000;
  return magnitude > 0x7f800000 ? b >> 16 | 0x40 : r;
}

DL_CLONES void dl_bf16_encode(float *restrict x, size_t n, uint16_t *restrict y) {
  for (size_t i = 0; i < n; i++) {
    const uint32_t r = to_bf16(x[i]);
    y[i] = (uint16_t)r;
    x[i] -= float_of(r << 16);
  }
}

DL_CLONES void dl_bf16_decode(const uint16_t *restrict y, size_t n, float *restrict x) {
  for (size_t i = 0; i < n; i++) x[i] = float_of((uint32_t)y[i] << 16);
}

// Adding 0.5 puts the last bit of a subnormal half at the last of the sum, which rounds it.
static inline uint32_t to_half(float x) {
  const uint32_t b = bits_of(x), a = b & 0x7fffffff;
  const uint32_t small = bits_of(float_of(a) + 0.5f) - 0x3f000000;
  const uint32_t normal = (a - 0x38000000 + 0xfff + (a >> 13 & 1)) >> 13;
  const uint32_t large = a > 0x7f800000 ? 0x7e00 : 0x7c00;
  const uint32_t h = a < 0x38800000 ? small : a >= 0x47800000 ? large : normal;
  return h | (b >> 16 & 0x8000);
}

static inline float from_half(uint32_t h) {
  const uint32_t shifted = (h & 0x7fff) << 13, exponent = shifted & 0x0f800000;
  const uint32_t small = bits_of(float_of(shifted + 0x38800000) - float_of(0x38800000));
  const uint32_t normal = shifted + 0x38000000 + (exponent == 0x0f800000 ? 0x38000000 : 0);
  return float_of((exponent == 0 ? small : normal) | (h & 0x8000) << 16);
}

DL_CLONES void dl_fp16_encode(
    float *restrict x, size_t n, float *restrict scale, uint16_t *restrict y) {
  uint32_t largest = 0;
  for (size_t i = 0; i < n; i++) {
    const uint32_t a = bits_of(x[i]) & 0x7fffffff;
    largest = a > largest ? a : largest;
  }
  float s = 1;
  if (largest > 0 && largest < 0x7f800000) {
    int exponent;
    frexpf(float_of(largest), &exponent);
    s = ldexpf(1, exponent < -111 ? 126 : 15 - exponent);
  }
  const float inverse = 1 / s;
  *scale = s;
  for (size_t i = 0; i < n; i++) {
    const uint32_t h = to_half(x[i] * s);
    y[i] = (uint16_t)h;
    x[i] -= from_half(h) * inverse;
  }
}

DL_CLONES void dl_fp16_decode(
    float scale, const uint16_t *restrict y, size_t n, float *restrict x) {
  const float inverse = 1 / scale;
  for (size_t i = 0; i < n; i++) x[i] = from_half(y[i]) * inverse;
}

// The magnitude that the k-th largest has, as bits; *ties of those that have it are among the k.
static uint32_t kth_magnitude(const float *x, size_t n, size_t k, size_t *ties) {
  static const struct { int shift, width; } digits[3] = {{20, 11}, {10, 10}, {0, 10}};
  uint32_t prefix = 0, mask = 0;
  for (int d = 0; d < 3; d++) {
    uint32_t counts[2048] = {0};
    const uint32_t digit = (1u << digits[d].width) - 1;
    for (size_t i = 0; i < n; i++) {
      const uint32_t a = bits_of(x[i]) & 0x7fffffff;
      if ((a & mask) == prefix) counts[a >> digits[d].shift & digit]++;
    }
    uint32_t bin = digit;
    while (counts[bin] < k) k -= counts[bin--];
    prefix |= bin << digits[d].shift;
    mask |= digit << digits[d].shift;
  }
  *ties = k;
  return prefix;
}

void dl_top_k_encode(float *x, size_t n, size_t k, float *values, uint16_t *indices) {
  if (k == 0 || k > n) return;
  size_t ties, count = 0;
  const uint32_t bound = kth_magnitude(x, n, k, &ties);
  for (size_t i = 0; i < n; i++) {
    const uint32_t a = bits_of(x[i]) & 0x7fffffff;
    if (a < bound || (a == bound && ties == 0)) continue;
    ties -= a == bound;
    values[count] = x[i];
    indices[count++] = (uint16_t)i;
    x[i] = 0;
  }
}

void dl_top_k_decode(
    const float *values, const uint16_t *indices, size_t k, size_t n, float *x) {
  memset(x, 0, n * sizeof *x);
  for (size_t i = 0; i < k; i++) {
    if (indices[i] < n)
      x[indices[i]] = values[i];
    else
      x[0] = NAN;
  }
}
