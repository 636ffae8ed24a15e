#include "dl_sequence.h"
#include "template.h"

// The run of keys that query `query` may see by position and length.
static void dl_visible_keys(
    const dl_attention_mask *mask, size_t query, size_t keys, size_t *low, size_t *high) {
  ptrdiff_t at = mask->first + (ptrdiff_t)query, begin = 0;
  ptrdiff_t end = (ptrdiff_t)(mask->valid < keys ? mask->valid : keys);
  if (mask->window >= 0) {
    if (at - mask->window > begin) begin = at - mask->window;
    if (at + mask->window + 1 < end) end = at + mask->window + 1;
  }
  if (mask->causal && at + 1 < end) end = at + 1;
  if (end < 0) end = 0;
  *low = (size_t)(begin < end ? begin : end);
  *high = (size_t)end;
}

#define DL_INC "sequence/attention.inc"
#include "instantiate.h"

void dl_masked_softmax(
    dl_dtype t, const dl_attention_mask *mask, size_t query, size_t rows, size_t keys,
    void *scores) {
  DL_CALL(masked_softmax, t, mask, query, rows, keys, scores);
}

void dl_masked_softmax_backward(
    dl_dtype t, const void *y, size_t rows, size_t keys, size_t low, size_t high, void *dy) {
  DL_CALL(masked_softmax_backward, t, y, rows, keys, low, high, dy);
}

void dl_attention_bias_backward(
    dl_dtype t, const void *ds, size_t rows, size_t keys, size_t low, size_t high,
    size_t bias_query, size_t bias_key, void *dbias) {
  DL_CALL(attention_bias_backward, t, ds, rows, keys, low, high, bias_query, bias_key, dbias);
}

void dl_rotary_table(
    dl_dtype t, size_t first, size_t time, size_t pairs, double base, void *cosine,
    void *sine) {
  DL_CALL(rotary_table, t, first, time, pairs, base, cosine, sine);
}

void dl_rotary(
    dl_dtype t, const void *x, size_t outer, size_t time, size_t heads, size_t turned,
    size_t width, size_t pairs, const void *cosine, const void *sine, int interleaved,
    int inverse, void *y, int accumulate) {
  DL_CALL(
      rotary, t, x, outer, time, heads, turned, width, pairs, cosine, sine, interleaved,
      inverse, y, accumulate);
}

void dl_sinusoids(dl_dtype t, size_t first, size_t time, size_t width, double base, void *y) {
  DL_CALL(sinusoids, t, first, time, width, base, y);
}
