// Prints a checksum of the results of kernels that are compiled once per instruction set, over rows of
// odd widths, in float and double. check.sh compares the lines of several compilations.
#include "checksums.h"

enum { OPS = DL_ERF + 1 };

static double mean[COUNT], deviation[COUNT], scratch[4 * COUNT];
static int32_t labels[COUNT];

static void run(dl_dtype t, size_t width) {
  const size_t size = t == DL_F32 ? 4 : 8, rows = COUNT / width, n = rows * width;
  fill(t, a);
  fill(t, b);
  for (size_t i = 0; i < COUNT; i++) labels[i] = (int32_t)(i * 7 % width);

  for (int op = 0; op < OPS; op++) {
    dl_unary_forward(t, (dl_unary)op, 0.1, a, y, n);
    dl_unary_backward(t, (dl_unary)op, 0.1, a, y, b, z, n, 0);
    add_with_nan(t, y, n);
    add_with_nan(t, z, n);
  }
  for (int op = DL_GELU; op <= DL_GELU_TANH; op++) {
    dl_gelu_with_slope(t, (dl_unary)op, a, y, z, n);
    add_with_nan(t, y, n);
    add_with_nan(t, z, n);
  }
  tell("unary", width, t);
  add_double(dl_sum(t, a, n));
  add_double(dl_dot(t, a, b, n));
  add_double(dl_abs_sum(t, a, n));
  int nonfinite = 0;
  dl_square_sum_blocks(t, a, n, 300, w, &nonfinite);
  add(w, (n + 299) / 300 * sizeof *w);
  dl_column_sums(t, a, rows, width, y, 0);
  add(y, width * size);
  dl_sum_axes(t, a, rows, width, 1, 0.5, y, 0);
  add(y, rows * size);
  tell("sums", width, t);
  dl_softmax_forward(t, a, rows, width, y);
  dl_softmax_backward(t, y, b, rows, width, z, 0);
  add(y, n * size);
  add(z, n * size);
  dl_log_softmax_forward(t, a, rows, width, y);
  dl_log_softmax_backward(t, y, b, rows, width, z, 0);
  add(y, n * size);
  add(z, n * size);
  tell("softmax", width, t);
  dl_layer_norm_forward(t, a, rows, width, b, b, 1e-5, y, mean, deviation);
  dl_layer_norm_backward(t, a, b, rows, width, b, mean, deviation, z, w, w + width, 0, scratch);
  add(y, n * size);
  add(z, n * size);
  add(w, width * size);
  dl_layer_norm_backward(
      t, a, b, rows, width, NULL, mean, deviation, z, NULL, NULL, 0, scratch);
  add(z, n * size);
  tell("layer norm", width, t);
  dl_rms_norm_forward(t, a, rows, width, b, 1e-5, y, scratch);
  dl_rms_norm_backward(t, a, b, rows, width, b, scratch, z, w, 0, scratch + COUNT);
  add(y, n * size);
  add(z, n * size);
  add(w, width * size);
  dl_rms_norm_backward(t, a, b, rows, width, NULL, scratch, z, NULL, 0, scratch + COUNT);
  add(z, n * size);
  tell("rms norm", width, t);
  dl_batch_norm_moments(t, a, rows, width, mean, deviation);
  add(mean, width * sizeof *mean);
  add(deviation, width * sizeof *deviation);
  for (size_t i = 0; i < width; i++) deviation[i] = 1 / (1 + deviation[i]);
  dl_batch_norm_normalize(t, a, rows, width, mean, deviation, b, b, a, 1, y);
  dl_batch_norm_backward_sums(
      t, a, b, NULL, rows, width, mean, deviation, scratch, scratch + COUNT);
  dl_batch_norm_backward_input(
      t, a, b, rows, width, mean, deviation, b, scratch, scratch + COUNT, (double)rows, z, 0);
  add(y, n * size);
  add(z, n * size);
  add(scratch, width * sizeof *scratch);
  memcpy(z, b, n * size);
  dl_batch_norm_backward_sums(
      t, a, z, y, rows, width, mean, deviation, scratch, scratch + COUNT);
  add(z, n * size);
  add(scratch, width * sizeof *scratch);
  tell("batch norm", width, t);
  size_t correct = 0, counted = 0;
  double loss = 0;
  dl_cross_entropy_forward(t, a, labels, rows, width, -1, &loss, y, z, &correct, &counted);
  add_double(loss);
  add(y, n * size);
  add(z, rows * size);
  dl_class_cross_entropy_forward(t, a, labels, NULL, rows, width, -1, NULL, 0.1, &loss, y);
  add_double(loss);
  add(y, n * size);
  add_double(dl_mse_forward(t, a, b, n));
  add_double(dl_bce_with_logits_forward(t, a, b, n));
  add_double(dl_class_bce_forward(t, a, b, rows, width, NULL, NULL));
  for (size_t i = 0; i < rows; i++) labels[i] = i % 2 ? 1 : -1;
  add_double(dl_cosine_embedding_forward(t, a, b, labels, rows, width, 0.1));
  dl_cosine_embedding_backward(t, a, b, labels, rows, width, 0.1, 0.5, z, 0);
  add(z, n * size);
  add_double(dl_triplet_margin_forward(t, a, b, a, rows, width, 1, 1e-6, 1));
  dl_triplet_margin_backward(t, a, b, a, rows, width, 1, 1e-6, 1, 0, 0.5, z, 0);
  add(z, n * size);
  tell("losses", width, t);
  memcpy(y, a, n * size);
  memset(z, 0, sizeof z);
  memset(w, 0, sizeof w);
  dl_lamb_scalars lamb = {
      .gradient_scale = 1,
      .beta1 = 0.9,
      .beta2 = 0.999,
      .first_scale = 10,
      .second_scale = 30,
      .epsilon = 1e-6,
      .weight_decay = 0.01};
  double norms[2];
  dl_lamb_moments(t, (ptrdiff_t)n, y, b, z, w, &lamb, norms);
  dl_lamb(t, (ptrdiff_t)n, y, z, w, &lamb, 0.01);
  add(norms, sizeof norms);
  add(y, n * size);
  tell("lamb", width, t);
  dl_dropout_forward(t, a, rows, width, 5, 7, 0.3, y);
  add(y, n * size);
  tell("dropout", width, t);
}

// What stands between the products of attention and of recurrent cells.
static void run_sequences(dl_dtype t, size_t width) {
  const size_t size = t == DL_F32 ? 4 : 8, rows = COUNT / (8 * width), n = rows * width;
  fill(t, a);
  fill(t, b);
  dl_attention_mask mask = {.valid = width - width / 4, .causal = 1, .window = -1};
  memcpy(y, a, n * size);
  dl_masked_softmax(t, &mask, 0, rows, width, y);
  memcpy(z, b, n * size);
  dl_masked_softmax_backward(t, y, rows, width, 0, width, z);
  add(y, n * size);
  add(z, n * size);
  const size_t pairs = width / 2;
  dl_rotary_table(t, 3, rows, pairs, 10000, w, w + COUNT / 2);
  dl_rotary(t, a, 1, rows, 1, 1, width, pairs, w, w + COUNT / 2, 0, 0, y, 0);
  dl_sinusoids(t, 3, rows, width, 10000, z);
  add(y, n * size);
  add(z, n * size);
  tell("attention", width, t);
  for (size_t i = 0; i < rows; i++) labels[i] = (int32_t)(i % 3);
  const dl_recurrent_step step = {rows, width, labels, 1, width};
  dl_rnn_forward(t, step, 0, a, b, b, y, z);
  add(y, n * size);
  add(z, n * size);
  memcpy(y, b, n * size);
  dl_rnn_backward(t, step, 0, a, b, y, z);
  add(y, n * size);
  add(z, n * size);
  tell("rnn", width, t);
  memcpy(w, a, 4 * n * size);
  dl_lstm_forward(t, step, w, b, b, b, y, z, scratch);
  add(w, 4 * n * size);
  add(y, n * size);
  add(z, n * size);
  memcpy(y, b, n * size);
  memcpy(scratch, a, n * size);
  dl_lstm_backward(t, step, w, b, z, a, y, scratch);
  add(w, 4 * n * size);
  add(scratch, n * size);
  tell("lstm", width, t);
  memcpy(w, a, 3 * n * size);
  dl_gru_forward(t, step, w, b, a, b, b, y, z, scratch);
  add(w, 3 * n * size);
  add(z, n * size);
  memcpy(z, b, n * size);
  dl_gru_backward(t, step, w, y, b, a, z, scratch);
  add(z, n * size);
  add(scratch, 3 * n * size);
  tell("gru", width, t);
}

// What looks at images by windows, and norms over groups of channels.
static void run_images(dl_dtype t, size_t width) {
  const size_t size = t == DL_F32 ? 4 : 8, side = width > 37 ? 4 : 8;
  const dl_conv_geometry g = {1, side, side, width, 3, 3, 2, 1, 1, 1, 1, 1, side / 2, side};
  const size_t inputs = side * side * width, outputs = inputs / 2;
  if (inputs > COUNT) return;
  fill(t, a);
  fill(t, b);
  dl_depthwise_forward(t, &g, a, b, y);
  dl_depthwise_backward_input(t, &g, a, b, z, 0);
  dl_depthwise_backward_weight(t, &g, a, b, w, 0, scratch);
  add(y, outputs * size);
  add(z, inputs * size);
  add(w, 9 * width * size);
  dl_max_pool_forward(t, &g, a, y, labels);
  dl_max_pool_backward(t, &g, b, labels, z, 0);
  add(y, outputs * size);
  add(z, inputs * size);
  dl_avg_pool_forward(t, &g, a, side, side, y);
  dl_avg_pool_backward(t, &g, b, side, side, z, 0);
  add(y, outputs * size);
  add(z, inputs * size);
  dl_global_avg_pool_forward(t, a, 1, side * side, width, y);
  add(y, width * size);
  tell("windows", width, t);
  dl_group_norm_forward(
      t, a, 1, side * side, width, 1, b, b, 1e-5, y, mean, deviation, scratch);
  dl_group_norm_backward(
      t, a, b, 1, side * side, width, 1, b, mean, deviation, z, w, w + COUNT / 2, 0, scratch);
  add(y, inputs * size);
  add(z, inputs * size);
  add(w, width * size);
  tell("group norm", width, t);
}

// Updates, with the checksums of what they read and write.
static void run_updates(dl_dtype t, size_t width) {
  const size_t size = t == DL_F32 ? 4 : 8, n = COUNT / width * width;
  fill(t, a);
  fill(t, b);
  memcpy(y, a, n * size);
  memset(z, 0, sizeof z);
  memset(w, 0, sizeof w);
  dl_adam_scalars adam = {
      .gradient_scale = 0.5,
      .l2 = 0.01,
      .decay = 0.99,
      .beta1 = 0.9,
      .beta2 = 0.999,
      .step_size = 0.01,
      .second_scale = 30,
      .epsilon = 1e-8};
  dl_adam(t, (ptrdiff_t)n, y, b, z, w, NULL, &adam, NULL);
  add(y, n * size);
  add(z, n * size);
  add(w, n * size);
  const uint64_t checksum = dl_checksum(y, n * size);
  add(&checksum, sizeof checksum);
  tell("adam", width, t);
}

int main(void) {
  const size_t widths[] = {1, 3, 10, 16, 37, 64, 100, 131};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    run(DL_F32, widths[i]);
    run(DL_F64, widths[i]);
    for (dl_dtype t = DL_F32; t <= DL_F64; t++) {
      run_sequences(t, widths[i]);
      run_images(t, widths[i]);
      run_updates(t, widths[i]);
    }
  }
  return 0;
}
