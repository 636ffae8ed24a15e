#include "dl_indexing.h"
#include "template.h"

#define DL_INC "indexing/embedding.inc"
#include "instantiate.h"

size_t dl_first_outside(const int32_t *index, size_t n, size_t entries) {
  size_t i = 0;
  while (i < n && index[i] >= 0 && (size_t)index[i] < entries) i++;
  return i;
}

void dl_gather_rows(
    dl_dtype t, const void *table, const int32_t *index, size_t n, size_t width, void *y) {
  DL_CALL(gather_rows, t, table, index, n, width, y);
}

void dl_positions_by_row(
    const int32_t *index, size_t n, size_t entries, int32_t *start, int32_t *order) {
  memset(start, 0, (entries + 1) * sizeof *start);
  for (size_t p = 0; p < n; p++) start[index[p] + 1]++;
  for (size_t r = 0; r < entries; r++) start[r + 1] += start[r];
  // Filling moves each row's start to the next row's; then all move back by one.
  for (size_t p = 0; p < n; p++) order[start[index[p]]++] = (int32_t)p;
  memmove(start + 1, start, entries * sizeof *start);
  start[0] = 0;
}

void dl_segment_sums(
    dl_dtype t, const void *x, size_t width, const int32_t *start, size_t segments,
    const int32_t *order, const int32_t *from, const void *scale, ptrdiff_t skipped,
    double *sums, void *y, int accumulate) {
  DL_CALL(
      segment_sums, t, x, width, start, segments, order, from, scale, skipped, sums, y,
      accumulate);
}

void dl_bag_scales(
    dl_dtype t, const int32_t *index, const int32_t *start, size_t bags, const void *weight,
    int mean, ptrdiff_t padding, int32_t *bag, void *scale) {
  DL_CALL(bag_scales, t, index, start, bags, weight, mean, padding, bag, scale);
}

void dl_bag_max(
    dl_dtype t, const void *table, size_t width, const int32_t *index, const int32_t *start,
    size_t bags, ptrdiff_t padding, void *y, int32_t *from) {
  DL_CALL(bag_max, t, table, width, index, start, bags, padding, y, from);
}

void dl_bag_max_backward(
    dl_dtype t, const void *dy, const int32_t *from, size_t bags, size_t width, void *dtable) {
  DL_CALL(bag_max_backward, t, dy, from, bags, width, dtable);
}

void dl_bag_weight_backward(
    dl_dtype t, const void *dy, const void *table, size_t width, const int32_t *index,
    const int32_t *bag, size_t n, ptrdiff_t padding, void *dweight, int accumulate) {
  DL_CALL(
      bag_weight_backward, t, dy, table, width, index, bag, n, padding, dweight, accumulate);
}

void dl_mark_rows(const int32_t *index, size_t n, size_t entries, float *used) {
  for (size_t i = 0; i < n; i++) {
    if (index[i] >= 0 && (size_t)index[i] < entries) used[index[i]] = 1;
  }
}

void dl_renormalize_rows(
    dl_dtype t, void *table, size_t entries, size_t width, const float *used, double bound,
    double p) {
  DL_CALL(renormalize_rows, t, table, entries, width, used, bound, p);
}
