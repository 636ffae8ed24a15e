// exp, tanh, erf and the normal distribution for float, of fused multiply-adds, without branches or
// tables, so that loops over them vectorize. Errors of the first three are below 2 ulp where the result
// is normal. NaN stays NaN.
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
  float shifted = fmaf(clamped, 1.44269504f, 12582912.0f);  // the integer lands in the low bits
  int32_t n = (int32_t)(dl_bits_from_float(shifted) - 0x4b400000u);
  float fn = shifted - 12582912.0f;
  float r = fmaf(fn, -0.693359375f, clamped);
  r = fmaf(fn, 2.12194440e-4f, r);
  float z = r * r;
  float p = fmaf(1.9875691500e-4f, r, 1.3981999507e-3f);
  float q = fmaf(4.1665795894e-2f, r, 1.6666665459e-1f);
  p = fmaf(p, r, 8.3334519073e-3f);
  p = fmaf(p, z, q);
  p = fmaf(p, r, 5.0000001201e-1f);
  p = fmaf(p, z, r) + 1.0f;
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
  p = fmaf(p, z, 2.06390887954e-2f);
  p = fmaf(p, z, -5.37397155531e-2f);
  p = fmaf(p, z, 1.33314422036e-1f);
  p = fmaf(p, z, -3.33332819422e-1f);
  float near = fmaf(p * z, x, x);
  float far = copysignf(1.0f - 2.0f / (dl_exp_f32(2.0f * a) + 1.0f), x);
  return a < 0.625f ? near : far;
}

// erf(x) for |x| <= 0.93, by an odd minimax polynomial of N. Juffa's.
DL_INLINE float dl_small_erf_f32(float x) {
  float s = x * x;
  float p = -5.96761703e-4f;
  p = fmaf(p, s, 4.99119423e-3f);
  p = fmaf(p, s, -2.67681349e-2f);
  p = fmaf(p, s, 1.12819925e-1f);
  p = fmaf(p, s, -3.76125336e-1f);
  p = fmaf(p, s, 1.28379166e-1f);
  return fmaf(p, x, x);
}

// After N. Juffa: far from zero 1 - exp(q(|x|)), q a minimax polynomial.
DL_INLINE float dl_erf_f32(float x) {
  float a = fabsf(x);
  float s = x * x;
  float q = fmaf(-1.72853470e-5f, a, 3.83197126e-4f);
  float u = fmaf(-3.88396438e-3f, a, 2.42546219e-2f);
  q = fmaf(q, s, u);
  q = fmaf(q, a, -1.06777877e-1f);
  q = fmaf(q, a, -6.34846687e-1f);
  q = fmaf(q, a, -1.28717512e-1f);
  q = fmaf(q, a, -a);
  float far = a > 4.0f ? 1.0f : 1.0f - dl_exp_f32(q);
  return a > 0.921875f ? copysignf(far, x) : dl_small_erf_f32(x);
}

// The normal distribution's P(X <= x), where `decay` is exp(-x^2 / 2): near zero by that of
// erf, elsewhere decay t p(t) on the side that is small, with t = 1 / (1 + 0.525 |x|), the form of
// Abramowitz and Stegun 26.2.17. The polynomial fits erfcx to 1.3e-8; errors are below 1e-7, and of small
// probabilities, down to 1e-32, below 5e-6 of them.
DL_INLINE float dl_normal_cdf_f32(float x, float decay) {
  float a = fabsf(x);
  float t = 1.0f / fmaf(0.525f, a, 1.0f);
  float q = 1.36859268e-1f;
  q = fmaf(q, t, -3.07731122e-1f);
  q = fmaf(q, t, 1.16999023e-1f);
  q = fmaf(q, t, 1.36009917e-1f);
  q = fmaf(q, t, 2.10995704e-1f);
  q = fmaf(q, t, 2.09383845e-1f);
  q = decay * t * q;
  float far = x < 0.0f ? q : 1.0f - q;
  float near = fmaf(0.5f, dl_small_erf_f32(x * 7.07106781e-1f), 0.5f);
  return a < 1.3f ? near : far;
}

#endif
