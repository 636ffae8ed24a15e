// Numbers drawn alike on every machine, buffers of either type for them, and a checksum of results.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckernels.h"

enum { COUNT = 4096 };

static uint64_t state = 88172645463325252u;

static double draw(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (double)(int64_t)state * 0x1p-62;
}

static uint64_t sum = 0;

static void add(const void *bytes, size_t count) {
  const unsigned char *c = bytes;
  for (size_t i = 0; i < count; i++) sum = (sum ^ c[i]) * 1099511628211u;
}

static void add_double(double value) { add(&value, sizeof value); }

static void tell(const char *name, size_t width, dl_dtype t) {
  printf(
      "%s %zu %s %016llx\n", name, width, t == DL_F32 ? "f32" : "f64", (unsigned long long)sum);
  sum = 14695981039346656037u;
}

// Buffers of either type: a and b hold numbers, the others results.
static double a[COUNT], b[COUNT], y[COUNT], z[COUNT], w[2 * COUNT];

static void fill(dl_dtype t, double *x) {
  for (size_t i = 0; i < COUNT; i++) {
    const double value = draw();
    if (t != DL_F64) {
      ((float *)x)[i] = (float)value;
    } else {
      x[i] = value;
    }
  }
}

// Adds results of which some may be NaN: CPUs give it signs of their own, which no value has.
static void add_with_nan(dl_dtype t, double *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (t == DL_F64) {
      if (x[i] != x[i]) x[i] = NAN;
    } else if (((float *)x)[i] != ((float *)x)[i]) {
      ((float *)x)[i] = NAN;
    }
  }
  add(x, n * (t == DL_F64 ? sizeof(double) : sizeof(float)));
}
