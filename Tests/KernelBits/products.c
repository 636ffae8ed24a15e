// Prints a checksum of the results of products and convolutions in the version that DLTRAIN_CPU names.
// check.sh compares the lines of several versions, and of several CPUs.
#include "checksums.h"

// Products of odd shapes, of all transposes, over more than one block of terms.
static void products(dl_dtype t, const char *type) {
  const size_t shapes[][3] = {{1, 1, 1}, {7, 33, 19}, {13, 12, 300}, {30, 41, 64}, {2, 5, 700}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const size_t m = shapes[i][0], n = shapes[i][1], k = shapes[i][2];
    const size_t size = t == DL_F64 ? 8 : 4;
    for (int transposes = 0; transposes < 4; transposes++) {
      const int of_a = transposes & 1, of_b = transposes >> 1;
      dl_gemm(t, of_a, of_b, m, n, k, 1, a, of_a ? m : k, b, of_b ? k : n, 0, y, n);
      dl_gemm(t, of_a, of_b, m, n, k, -0.5, b, of_a ? m : k, a, of_b ? k : n, 1, y, n);
      add(y, m * n * size);
    }
    dl_linear(t, m, n, k, a, k, b, k, a, 1, y, n);
    add(y, m * n * size);
  }
  printf("products %s %016llx\n", type, (unsigned long long)sum);
}

// Adds an output in y, and the gradients by its input in z and by its weight in w.
static void add_pass(const dl_conv_geometry *g, size_t out, size_t size) {
  add(y, g->n * g->oh * g->ow * out * size);
  add(z, g->n * g->h * g->w * g->c * size);
  add(w, g->kh * g->kw * g->c * out * size);
}

// Convolutions of odd sizes and each of their gradients; Winograd's where the window allows it, by
// tiles of 4 x 4 and of 2 x 2.
static void convolutions(dl_dtype t, const char *type) {
  const dl_conv_geometry geometries[] = {
      {2, 7, 6, 3, 3, 3, 1, 1, 1, 1, 1, 1, 7, 6},   {1, 9, 8, 5, 3, 3, 2, 2, 1, 1, 1, 1, 5, 4},
      {1, 10, 9, 4, 3, 2, 1, 1, 2, 1, 2, 2, 10, 9}, {3, 8, 8, 1, 5, 5, 1, 1, 0, 0, 1, 1, 4, 4},
      {2, 6, 5, 3, 3, 3, 1, 1, 1, 1, 1, 1, 6, 5},
  };
  for (size_t i = 0; i < sizeof geometries / sizeof *geometries; i++) {
    const dl_conv_geometry *g = geometries + i;
    const size_t size = t == DL_F64 ? 8 : 4, out = 6;
    dl_conv_forward(t, g, a, g->c, b, a, 0, y, out, out);
    dl_conv_backward_input(t, g, y, b, z, g->c, out, out, 0);
    dl_conv_backward_weight(t, g, a, g->c, y, w, out, out, 0);
    add_pass(g, out, size);
    // Winograd's are of float32 and float64 alone.
    if (g->kh != 3 || g->kw != 3 || g->stride_h != 1 || t == DL_BF16) continue;
    dl_winograd_forward(t, g, a, g->c, b, a, 1, y, out, out);
    dl_winograd_backward_input(t, g, y, b, z, g->c, out, out, 0);
    dl_winograd_backward_weight(t, g, a, g->c, y, w, out, out, 0);
    add_pass(g, out, size);
  }
  if (t == DL_F32) {
    // More images than go abreast, of few channels.
    const dl_conv_geometry narrow = {17, 6, 5, 3, 3, 3, 1, 1, 1, 1, 1, 1, 6, 5};
    dl_abreast_forward(t, &narrow, a, narrow.c, b, a, 0, y, 6, 6);
    dl_abreast_backward_input(t, &narrow, y, b, z, narrow.c, 6, 6, 0);
    dl_abreast_backward_weight(t, &narrow, a, narrow.c, y, w, 6, 6, 0);
    add_pass(&narrow, 6, sizeof(float));
  }
  printf("convolutions %s %016llx\n", type, (unsigned long long)sum);
}

int main(void) {
  const dl_dtype types[] = {DL_F32, DL_F64, DL_BF16};
  const char *const names[] = {"f32", "f64", "bf16"};
  for (int i = 0; i < 3; i++) {
    fill(types[i], a);
    fill(types[i], b);
    products(types[i], names[i]);
    convolutions(types[i], names[i]);
  }
  return 0;
}
