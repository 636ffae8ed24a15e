#ifndef DL_MATH_H
#define DL_MATH_H

/// Functions of double with the same bits on every CPU, which those of a C library have not: errors
/// are below 2 ulp, dl_tanh's below 5, and dl_pow's below |y log x| more.
double dl_exp(double x);
double dl_log(double x);
double dl_tanh(double x);
double dl_pow(double x, double y);
/// Angles from 2^20 on are left to the C library.
double dl_sin(double x);
double dl_cos(double x);
/// The rest, for tests of the kernels that use them.
double dl_expm1(double x);
double dl_log1p(double x);
double dl_erf(double x);

#endif
