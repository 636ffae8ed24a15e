#include "dl_math.h"

#include "shared/double_math.h"

double dl_exp(double x) { return dl_exp_f64(x); }
double dl_expm1(double x) { return dl_expm1_f64(x); }
double dl_log(double x) { return dl_log_f64(x); }
double dl_log1p(double x) { return dl_log1p_f64(x); }
double dl_tanh(double x) { return dl_tanh_f64(x); }
double dl_erf(double x) { return dl_erf_f64(x); }
double dl_pow(double x, double y) { return dl_pow_f64(x, y); }
double dl_sin(double x) { return dl_sin_f64(x); }
double dl_cos(double x) { return dl_cos_f64(x); }
