// exp, tanh and erf for float without branches or tables, so that loops over them vectorize.
// Errors are below 2 ulp where the result is normal. NaN stays NaN.
#ifndef DL_FAST_MATH_H
#define DL_FAST_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define DL_INLINE static inline __attribute__((always_inline))

DL_INLINE float dl_float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

DL_INLINE uint32_t dl_bits_from_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// exp(x) = 2^n exp(r), |r| <= ln2/2; polynomial of Cephes' expf. 2^n is applied in two factors so
// that subnormal results and overflow to infinity come out right.
DL_INLINE float dl_exp_f32(float x) {
  float clamped = x < -104.0f ? -104.0f : (x > 89.0f ? 89.0f : x);
  float shifted = clamped * 1.44269504f + 12582912.0f;  // the integer lands in the low bits
  int32_t n = (int32_t)(dl_bits_from_float(shifted) - 0x4b400000u);
  float fn = shifted - 12582912.0f;
  float r = clamped - fn * 0.693359375f;
  r = r - fn * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  int32_t half = n >> 1;
  float first = dl_float_from_bits((uint32_t)(half + 127) << 23);
  float second = dl_float_from_bits((uint32_t)(n - half + 127) << 23);
  return p * first * second;
}

// Cephes' tanhf: an odd polynomial near zero, 1 - 2 / (exp(2|x|) + 1) elsewhere.
DL_INLINE float dl_tanh_f32(float x) {
  float a = fabsf(x);
  float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z + -5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z + -3.33332819422e-1f;
  float near = p * z * x + x;
  float far = copysignf(1.0f - 2.0f / (dl_exp_f32(2.0f * a) + 1.0f), x);
  return a < 0.625f ? near : far;
}

// Minimax polynomials after N. Juffa: odd near zero, 1 - exp(q(|x|)) elsewhere.
DL_INLINE float dl_erf_f32(float x) {
  float a = fabsf(x);
  float s = x * x;
  float q = -1.72853470e-5f * a + 3.83197126e-4f;
  float u = -3.88396438e-3f * a + 2.42546219e-2f;
  q = q * s + u;
  q = q * a + -1.06777877e-1f;
  q = q * a + -6.34846687e-1f;
  q = q * a + -1.28717512e-1f;
  q = q * a - a;
  float far = a > 4.0f ? 1.0f : 1.0f - dl_exp_f32(q);
  float p = -5.96761703e-4f;
  p = p * s + 4.99119423e-3f;
  p = p * s + -2.67681349e-2f;
  p = p * s + 1.12819925e-1f;
  p = p * s + -3.76125336e-1f;
  p = p * s + 1.28379166e-1f;
  float near = p * x + x;
  return a > 0.921875f ? copysignf(far, x) : near;
}

#endif
