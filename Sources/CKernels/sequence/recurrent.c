#include "dl_sequence.h"

#include "template.h"

DL_INLINE int recurrent_ended(const dl_recurrent_step *s, size_t row) {
  return s->lengths && s->time >= s->lengths[row];
}

#define DL_INC "sequence/recurrent.inc"
#include "instantiate.h"

void dl_rnn_forward(
    dl_dtype t, dl_recurrent_step step, int relu, const void *gates, const void *bias,
    const void *h_prev, void *h, void *y) {
  DL_CALL(rnn_forward, t, &step, relu, gates, bias, h_prev, h, y);
}

void dl_rnn_backward(
    dl_dtype t, dl_recurrent_step step, int relu, const void *h, const void *dy, void *dh,
    void *gates) {
  DL_CALL(rnn_backward, t, &step, relu, h, dy, dh, gates);
}

void dl_lstm_forward(
    dl_dtype t, dl_recurrent_step step, void *gates, const void *bias, const void *h_prev,
    const void *c_prev, void *h, void *c, void *y) {
  DL_CALL(lstm_forward, t, &step, gates, bias, h_prev, c_prev, h, c, y);
}

void dl_lstm_backward(
    dl_dtype t, dl_recurrent_step step, void *gates, const void *c_prev, const void *c,
    const void *dy, void *dh, void *dc) {
  DL_CALL(lstm_backward, t, &step, gates, c_prev, c, dy, dh, dc);
}

void dl_gru_forward(
    dl_dtype t, dl_recurrent_step step, void *gates, const void *bias, const void *product,
    const void *bias_hidden, const void *h_prev, void *q, void *h, void *y) {
  DL_CALL(gru_forward, t, &step, gates, bias, product, bias_hidden, h_prev, q, h, y);
}

void dl_gru_backward(
    dl_dtype t, dl_recurrent_step step, void *gates, const void *q, const void *h_prev,
    const void *dy, void *dh, void *product) {
  DL_CALL(gru_backward, t, &step, gates, q, h_prev, dy, dh, product);
}
