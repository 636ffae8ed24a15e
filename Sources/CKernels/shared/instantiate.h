// Includes DL_INC for float and for double; see template.h. Has no guard: it is included per family.
#define T float
#define F(name) name##_f32
#define EXP(x) dl_exp_f32(x)
#define TANH(x) dl_tanh_f32(x)
#define ERF(x) dl_erf_f32(x)
#define NORMAL_CDF(x, decay) dl_normal_cdf_f32(x, decay)
#define LOG(x) ((float)dl_log_f64((double)(x)))
#define LOG1P(x) ((float)dl_log1p_f64((double)(x)))
#define SQRT(x) sqrtf(x)
#define FABS(x) fabsf(x)
#include DL_INC
#undef T
#undef F
#undef EXP
#undef TANH
#undef ERF
#undef NORMAL_CDF
#undef LOG
#undef LOG1P
#undef SQRT
#undef FABS

#define T double
#define F(name) name##_f64
#define EXP(x) dl_exp_f64(x)
#define TANH(x) dl_tanh_f64(x)
#define ERF(x) dl_erf_f64(x)
#define NORMAL_CDF(x, decay) (0.5 * (1 + dl_erf_f64((x)*0.70710678118654752440)))
#define LOG(x) dl_log_f64(x)
#define LOG1P(x) dl_log1p_f64(x)
#define SQRT(x) sqrt(x)
#define FABS(x) fabs(x)
#include DL_INC
#undef T
#undef F
#undef EXP
#undef TANH
#undef ERF
#undef NORMAL_CDF
#undef LOG
#undef LOG1P
#undef SQRT
#undef FABS
#undef DL_INC
