#ifndef DL_SEQUENCE_H
#define DL_SEQUENCE_H

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

// The gates of recurrent cells, one time step of all rows in a call; the matrix products around
// them are BLAS's. Biases may not be NULL. A row at or past its length keeps its state, puts out 0,
// and takes no part in the gradient of that step.

/// One time step: `rows` sequences with a state of `hidden` numbers each.
typedef struct {
  size_t rows, hidden;
  const int32_t *lengths;  // one a row; NULL: no row ends early
  int32_t time;
  size_t stride;  // elements from row to row of y and dy
} dl_recurrent_step;

/// h = act(gates + bias), act being max(x, 0) if `relu`, else tanh; y = h.
///
/// gates, h_prev, h [rows, hidden], bias [hidden]. y may be NULL, here and below.
void dl_rnn_forward(
    dl_dtype t, dl_recurrent_step step, int relu, const void *gates, const void *bias,
    const void *h_prev, void *h, void *y);

/// gates = act'(h) (dh + dy), then dh = what passes the gates by on its way to the state before: 0,
/// or dh where the row had ended.
void dl_rnn_backward(
    dl_dtype t, dl_recurrent_step step, int relu, const void *h, const void *dy, void *dh,
    void *gates);

/// i, f, o = sigmoid and g = tanh of gates + bias, in place; c = f c_prev + i g; h = o tanh(c).
///
/// gates [rows, 4 hidden] in the order i, f, g, o; bias [4 hidden]; states [rows, hidden].
void dl_lstm_forward(
    dl_dtype t, dl_recurrent_step step, void *gates, const void *bias, const void *h_prev,
    const void *c_prev, void *h, void *c, void *y);

/// The gradients of the gates before their activations, in place of the gates; dh as in
/// `dl_rnn_backward`, dc = the gradient of c_prev.
void dl_lstm_backward(
    dl_dtype t, dl_recurrent_step step, void *gates, const void *c_prev, const void *c,
    const void *dy, void *dh, void *dc);

/// r, z = sigmoid(gates + bias + product + bias_hidden), n = tanh(gates + bias + r q) with
/// q = product + bias_hidden; h = (1 - z) n + z h_prev.
///
/// gates [rows, 3 hidden] in the order r, z, n, in place; product [rows, 3 hidden], of the state
/// and its weight; q [rows, hidden] is kept for the gradient.
void dl_gru_forward(
    dl_dtype t, dl_recurrent_step step, void *gates, const void *bias, const void *product,
    const void *bias_hidden, const void *h_prev, void *q, void *h, void *y);

/// The gradients of the gates before their activations, in place of the gates on the input's side
/// and in `product` on the state's side; dh as in `dl_rnn_backward`, z dh where the row had not
/// ended.
void dl_gru_backward(
    dl_dtype t, dl_recurrent_step step, void *gates, const void *q, const void *h_prev,
    const void *dy, void *dh, void *product);

#endif
