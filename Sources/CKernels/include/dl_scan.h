#ifndef DL_SCAN_H
#define DL_SCAN_H

#include "dl_types.h"

// Passes over the columns of a data set, to tell whether their values are what is expected.

/// What float32 numbers lie between, those that are not finite left out.
typedef struct {
  float least, greatest;       // least > greatest where none is finite
  size_t non_finite;           // how many are not finite
  ptrdiff_t first_non_finite;  // the first of them; -1: none
} dl_float_scan;

/// Scans x[0..<n].
dl_float_scan dl_scan_f32(const float *x, size_t n);

/// The two least and the two greatest different values: what integers lie between whichever single
/// value is left out. INT64_MAX and INT64_MIN where there are not so many.
typedef struct {
  int64_t least, next_least, greatest, next_greatest;
} dl_int_scan;

/// Scans x[0..<n].
dl_int_scan dl_scan_i32(const int32_t *x, size_t n);

/// The index of the first number that is not in low...high, NaN being nowhere; n where all are.
size_t dl_first_beyond_f32(const float *x, size_t n, double low, double high);

/// The index of the first number that is neither in low...high nor *except, which may be NULL; n
/// where all are.
size_t dl_first_beyond_i32(
    const int32_t *x, size_t n, int32_t low, int32_t high, const int32_t *except);

/// y[i] = map[y[i]] for y[i] in 0..<count; *except, which may be NULL, stays where it is outside.
///
/// Returns the index of the first other number, or of the first that the map has -1 for, and changes
/// nothing from there on; n where there is none.
size_t dl_map_i32(
    int32_t *y, size_t n, const int32_t *map, size_t count, const int32_t *except);

/// The index of the first row of labels [rows, width], filled up at the end with `blank`, that has a
/// label behind a blank, or needs more than `steps` time steps: one for each label, and one between
/// two equal ones. `rows` where there is none.
size_t dl_first_ctc_misfit(
    const int32_t *labels, size_t rows, size_t width, int32_t blank, size_t steps);

#endif
