// exp, log, tanh, erf and their kin for double, from additions, products and quotients alone, so that
// they have the same bits on every CPU, which those of a C library have not. All but the last three
// are without branches or tables, so that loops over them vectorize. Errors are below 2 ulp where the
// result is normal, below 5 for tanh and, in pow, below |y log x| more. NaN stays NaN.
#ifndef DL_DOUBLE_MATH_H
#define DL_DOUBLE_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#ifndef DL_INLINE
#define DL_INLINE static inline __attribute__((always_inline))
#endif

DL_INLINE double dl_double_from_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

DL_INLINE uint64_t dl_bits_from_double(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// ln 2 in a part of 32 bits, whose products with exponents are exact, and the rest.
#define DL_LN2_HIGH 0x1.62e42feep-1
#define DL_LN2_LOW 0x1.a39ef35793c76p-33

// x = n ln 2 + r with |r| <= ln2 / 2: n, exp(r) - 1, and 2^n in two factors, so that subnormal results
// and overflow come out right. x is within [-746, 710].
typedef struct {
  double n, rest, first, second;
} dl_exponential;

DL_INLINE dl_exponential dl_exponential_of(double x) {
  const double shift = 0x1.8p52;  // the integer lands in the low bits
  const double shifted = x * 0x1.71547652b82fep0 + shift;
  const double n = shifted - shift;
  const double r = (x - n * DL_LN2_HIGH) - n * DL_LN2_LOW;
  // The series of exp: r^14 / 14! is below 2^-57.
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  // n + 2048 is positive, so that half of it is a shift.
  const uint64_t biased = dl_bits_from_double(shifted) - dl_bits_from_double(shift) + 2048;
  const uint64_t half = biased >> 1;
  dl_exponential result = {n, p * (r * r) + r, dl_double_from_bits((half - 1) << 52), 0};
  result.second = dl_double_from_bits((biased - half - 1) << 52);
  return result;
}

DL_INLINE double dl_exp_f64(double x) {
  const dl_exponential e = dl_exponential_of(x < -746 ? -746 : (x > 710 ? 710 : x));
  return (1 + e.rest) * e.first * e.second;
}

// exp(x) - 1, exact near 0.
DL_INLINE double dl_expm1_f64(double x) {
  const dl_exponential e = dl_exponential_of(x < -746 ? -746 : (x > 710 ? 710 : x));
  const double power = e.first * e.second;  // 2^n, infinite for n = 1024
  const double small = power * e.rest + (power - 1);
  const double large = (1 + e.rest) * e.first * e.second - 1;
  const double value = e.n > 60 ? large : small;
  return x == 0 ? x : value;
}

// With x = 2^e m, m within [sqrt(1/2), sqrt(2)], f = m - 1 and s = f / (2 + f):
// log m = f - f^2/2 + s (f^2/2 + R), R = 2/3 s^2 + 2/5 s^4 + ..., of which s^22 is below 2^-55.
DL_INLINE double dl_log_f64(double x) {
  const int subnormal = x < 0x1p-1022;
  const double scaled = subnormal ? x * 0x1p54 : x;
  const uint64_t root = 0x3fe6a09e00000000, one = 0x3ff0000000000000;
  const uint64_t bits = dl_bits_from_double(scaled) + (one - root);
  // The exponent as a double: its bits below the point of 2^52.
  const double biased = dl_double_from_bits((bits >> 52) | 0x4330000000000000) - 0x1p52;
  const double e = biased - (subnormal ? 1077.0 : 1023.0);
  const double m = dl_double_from_bits((bits & 0x000fffffffffffff) + root);
  const double f = m - 1, s = f / (2 + f), z = s * s;
  double r = 2.0 / 21;
  r = r * z + 2.0 / 19;
  r = r * z + 2.0 / 17;
  r = r * z + 2.0 / 15;
  r = r * z + 2.0 / 13;
  r = r * z + 2.0 / 11;
  r = r * z + 2.0 / 9;
  r = r * z + 2.0 / 7;
  r = r * z + 2.0 / 5;
  r = r * z + 2.0 / 3;
  const double square = 0.5 * f * f;
  const double value =
      e * DL_LN2_HIGH - ((square - (s * (square + r * z) + e * DL_LN2_LOW)) - f);
  const double special = x < 0 ? (double)NAN : (x == 0 ? -(double)INFINITY : x);
  return x > 0 && x < (double)INFINITY ? value : special;
}

// log(1 + x), exact near 0: what 1 + x loses by rounding is added as a slope.
DL_INLINE double dl_log1p_f64(double x) {
  const double sum = 1 + x;
  const double lost = x - (sum - 1);
  const double value = dl_log_f64(sum) + lost / sum;
  return sum > 0 && sum < (double)INFINITY && x != 0 ? value : (x == 0 ? x : dl_log_f64(sum));
}

// (exp(2|x|) - 1) / (exp(2|x|) + 1), which is 1 from 22 on.
DL_INLINE double dl_tanh_f64(double x) {
  const double a = fabs(x);
  const double power = dl_expm1_f64(a > 22 ? 44 : 2 * a);
  return copysign(power / (power + 2), x);
}

// The series below 1; above, 1 - exp(-a^2) q(t) / (a + 5/2) with t = (a - 5/2) / (a + 5/2), whose
// polynomial q interpolates exp(a^2) erfc(a) (a + 5/2) on [1, 6] at the Chebyshev points to 5e-18.
DL_INLINE double dl_erf_f64(double x) {
  const double a = fabs(x), z = x * x;
  double p = -2.378459885277429425e-19;
  p = p * z + 4.76334804051506812e-18;
  p = p * z + -9.063970842808672479e-17;
  p = p * z + 1.634261409536715189e-15;
  p = p * z + -2.783516207210921355e-14;
  p = p * z + 4.463224263286477345e-13;
  p = p * z + -6.711366855164110378e-12;
  p = p * z + 9.422759064650410971e-11;
  p = p * z + -1.229055530171792735e-9;
  p = p * z + 1.480719281587921724e-8;
  p = p * z + -1.636584469123492432e-7;
  p = p * z + 1.64621143658892474e-6;
  p = p * z + -0.00001492565035840625098;
  p = p * z + 0.0001205533298178966425;
  p = p * z + -0.0008548327023450852833;
  p = p * z + 0.005223977625442187842;
  p = p * z + -0.02686617064513125176;
  p = p * z + 0.1128379167095512574;
  p = p * z + -0.3761263890318375246;
  const double near = p * z * x + 0.128379167095512574 * x + x;
  const double b = a > 6 ? 6 : a, t = (b - 2.5) / (b + 2.5);
  double q = 2.586410556678428568e-8;
  q = q * t + -1.653291359021244576e-6;
  q = q * t + -2.320795147031058619e-6;
  q = q * t + 6.662084502282126684e-6;
  q = q * t + 0.00001823840187424805489;
  q = q * t + -0.00001951745730109702467;
  q = q * t + -0.0001126037676486946865;
  q = q * t + 0.00005830646026564187508;
  q = q * t + 0.0007026936250482646999;
  q = q * t + -0.00043920819801547106;
  q = q * t + -0.004818785518040893574;
  q = q * t + 0.008393044300600054463;
  q = q * t + 0.028361550131845196;
  q = q * t + -0.171251145246023839;
  q = q * t + 0.4539141166480979676;
  q = q * t + -0.8046518494391489509;
  q = q * t + 1.054031820305717902;
  const double far = 1 - dl_exp_f64(-b * b) * q / (b + 2.5);
  const double value = a < 1 || x != x ? near : copysign(far, x);
  return x == 0 ? x : value;
}

// x^n by squaring, n >= 0.
DL_INLINE double dl_integer_power(double x, uint64_t n) {
  double result = 1;
  for (; n; n >>= 1, x *= x) {
    if (n & 1) result *= x;
  }
  return result;
}

// Whole powers up to 64 by products, others by exp(y log |x|).
DL_INLINE double dl_pow_f64(double x, double y) {
  const double whole = fabs(y);
  if (whole <= 64 && whole == (double)(uint64_t)whole) {
    const double power = dl_integer_power(x, (uint64_t)whole);
    return y < 0 ? 1 / power : power;
  }
  if (x == 1 || (x == -1 && isinf(y))) return 1;
  const double value = dl_exp_f64(y * dl_log_f64(fabs(x)));
  // Doubles from 2^53 on are even.
  if (!signbit(x) || !(whole < 0x1p53)) return value;
  if (whole != (double)(uint64_t)whole) return x < 0 && !isinf(x) ? (double)NAN : value;
  return (uint64_t)whole & 1 ? -value : value;
}

// sin and cos of r, |r| <= pi/4, by their series.
DL_INLINE double dl_sine_series(double r) {
  const double z = r * r;
  double p = -1.0 / 1307674368000.0;
  p = p * z + 1.0 / 6227020800.0;
  p = p * z + -1.0 / 39916800.0;
  p = p * z + 1.0 / 362880.0;
  p = p * z + -1.0 / 5040.0;
  p = p * z + 1.0 / 120.0;
  p = p * z + -1.0 / 6.0;
  return p * z * r + r;
}

DL_INLINE double dl_cosine_series(double r) {
  const double z = r * r;
  double p = 1.0 / 20922789888000.0;
  p = p * z + -1.0 / 87178291200.0;
  p = p * z + 1.0 / 479001600.0;
  p = p * z + -1.0 / 3628800.0;
  p = p * z + 1.0 / 40320.0;
  p = p * z + -1.0 / 720.0;
  p = p * z + 1.0 / 24.0;
  const double half = 0.5 * z, near = 1 - half;
  return near + ((1 - near - half) + p * z * z);
}

// sin(x + quarter pi/2), where x = n pi/2 + r by three parts of pi/2, of which the first two have 33
// bits: |x| < 2^20.
DL_INLINE double dl_sine_of_quarter(double x, uint64_t quarter) {
  const double shift = 0x1.8p52;
  const double shifted = x * 0.6366197723675813431 + shift;
  const double n = shifted - shift;
  const double r =
      ((x - n * 0x1.921fb544p0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
  const uint64_t place = dl_bits_from_double(shifted) + quarter;
  const double value = place & 1 ? dl_cosine_series(r) : dl_sine_series(r);
  return place & 2 ? -value : value;
}

// Angles from 2^20 on are left to the C library.
DL_INLINE double dl_sin_f64(double x) {
  if (x == 0) return x;
  return fabs(x) < 0x1p20 ? dl_sine_of_quarter(x, 0) : sin(x);
}

DL_INLINE double dl_cos_f64(double x) {
  return fabs(x) < 0x1p20 ? dl_sine_of_quarter(x, 1) : cos(x);
}

#endif
