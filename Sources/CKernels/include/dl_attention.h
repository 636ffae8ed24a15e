#ifndef DL_ATTENTION_H
#define DL_ATTENTION_H

#include "dl_types.h"

/// What the queries of one head may see. Query r stands at position first + r among the keys.
typedef struct {
  ptrdiff_t first;
  size_t valid;            // keys from this one on are masked
  int causal;              // keys behind the query's position are masked
  ptrdiff_t window;        // keys further than this from it are masked; -1: none
  const uint8_t *allowed;  // [query * allowed_query + key * allowed_key]; NULL: all
  size_t allowed_query, allowed_key;
  const void *bias;  // added to the scores, indexed alike; NULL: none
  size_t bias_query, bias_key;
} dl_attention_mask;

/// Softmax of each of `rows` rows of `keys` scores over the keys that it may see, in place; the
/// others, and rows without any, become 0. The first row is query `query` of the mask.
void dl_masked_softmax(
    dl_dtype t, const dl_attention_mask *mask, size_t query, size_t rows, size_t keys,
    void *scores);

/// dy = y * (dy - sum(dy * y)) over columns low ..< high of rows of `keys`, in place.
void dl_masked_softmax_backward(
    dl_dtype t, const void *y, size_t rows, size_t keys, size_t low, size_t high, void *dy);

/// dbias[r * bias_query + k * bias_key] += ds[r, k] over columns low ..< high of rows of `keys`.
void dl_attention_bias_backward(
    dl_dtype t, const void *ds, size_t rows, size_t keys, size_t low, size_t high,
    size_t bias_query, size_t bias_key, void *dbias);

/// cosine and sine of (first + i) * base^(-j / pairs), [time, pairs].
void dl_rotary_table(
    dl_dtype t, size_t first, size_t time, size_t pairs, double base, void *cosine, void *sine);

/// Turns pairs of x [outer, time, heads, width] by the table's angles, back if `inverse`.
///
/// Pair j is (2j, 2j + 1) if `interleaved`, else (j, j + pairs). Heads from `turned` on, and
/// features behind the pairs, are copied. y may be x unless accumulate.
void dl_rotary(
    dl_dtype t, const void *x, size_t outer, size_t time, size_t heads, size_t turned,
    size_t width, size_t pairs, const void *cosine, const void *sine, int interleaved,
    int inverse, void *y, int accumulate);

/// y[i, 2j] = sin((first + i) / base^(2j / width)), y[i, 2j + 1] the cosine; [time, width].
void dl_sinusoids(dl_dtype t, size_t first, size_t time, size_t width, double base, void *y);

#endif
