// Prints a checksum of the results of each kernel that is compiled once per instruction set, over rows of
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

int main(void) {
  const size_t widths[] = {1, 3, 10, 16, 37, 64, 100, 131};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    run(DL_F32, widths[i]);
    run(DL_F64, widths[i]);
  }
  return 0;
}
