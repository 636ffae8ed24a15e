#include "dl_compress.h"
#include "template.h"

enum { COLUMNS = 256 };

size_t dl_low_rank_columns(size_t n) {
  size_t columns = 1;
  while (columns < COLUMNS && 4 * columns * columns <= n) columns *= 2;
  return columns;
}

static DL_CLONES double product(const float *a, const float *b, size_t n) {
#pragma clang fp reassociate(on)
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static DL_CLONES void add_row(const float *row, double factor, size_t n, double *sums) {
  for (size_t i = 0; i < n; i++) sums[i] += factor * (double)row[i];
}

// row[i] = what the factors make of row r; encoder and decoder get the same bits.
static DL_CLONES void make_row(
  const float *left, const float *right, size_t r, size_t rows, size_t columns, size_t rank,
  size_t n, float *row) {
  for (size_t i = 0; i < n; i++) row[i] = 0;
  for (size_t j = 0; j < rank; j++) {
    const float factor = left[j * rows + r];
    const float *q = right + j * columns;
    for (size_t i = 0; i < n; i++) row[i] += factor * q[i];
  }
}

// SplitMix64's output for a counter, as a number in -1 ..< 1.
static float random_number(uint64_t seed, uint64_t index) {
  uint64_t z = seed * 0xd1342543de82ef95u + (index + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return (float)(int32_t)(z >> 32) * 0x1p-31f;
}

static void fill_zero_columns(float *warm, size_t columns, size_t rank, uint64_t seed) {
  for (size_t j = 0; j < rank; j++) {
    float *q = warm + j * columns;
    if (product(q, q, columns) > 0) continue;
    for (size_t c = 0; c < columns; c++) q[c] = random_number(seed, j * columns + c);
  }
}

// Gram-Schmidt, one column behind another; what depends on those before becomes zero.
static void orthonormalise(float *left, size_t rows, size_t rank) {
  for (size_t j = 0; j < rank; j++) {
    float *p = left + j * rows;
    const double before = product(p, p, rows);
    for (size_t k = 0; k < j; k++) {
      const float *other = left + k * rows;
      const double part = product(p, other, rows);
      for (size_t r = 0; r < rows; r++) p[r] = (float)((double)p[r] - part * (double)other[r]);
    }
    const double square = product(p, p, rows);
    const double factor = square > 1e-10 * before ? 1 / sqrt(square) : 0;
    for (size_t r = 0; r < rows; r++) p[r] = (float)((double)p[r] * factor);
  }
}

static inline size_t row_length(size_t r, size_t columns, size_t n) {
  return n - r * columns < columns ? n - r * columns : columns;
}

void dl_low_rank_encode(
  float *x, size_t n, size_t rank, uint64_t seed, float *warm, float *left, float *right) {
  const size_t columns = dl_low_rank_columns(n), rows = (n + columns - 1) / columns;
  fill_zero_columns(warm, columns, rank, seed);
  for (size_t j = 0; j < rank; j++) {
    for (size_t r = 0; r < rows; r++) {
      const size_t length = row_length(r, columns, n);
      left[j * rows + r] = (float)product(x + r * columns, warm + j * columns, length);
    }
  }
  orthonormalise(left, rows, rank);
  for (size_t j = 0; j < rank; j++) {
    double sums[COLUMNS] = {0};
    for (size_t r = 0; r < rows; r++) {
      const size_t length = row_length(r, columns, n);
      add_row(x + r * columns, left[j * rows + r], length, sums);
    }
    for (size_t c = 0; c < columns; c++) right[j * columns + c] = (float)sums[c];
  }
  memcpy(warm, right, rank * columns * sizeof *warm);
  for (size_t r = 0; r < rows; r++) {
    float row[COLUMNS];
    const size_t length = row_length(r, columns, n);
    make_row(left, right, r, rows, columns, rank, length, row);
    for (size_t i = 0; i < length; i++) x[r * columns + i] -= row[i];
  }
}

void dl_low_rank_decode(const float *left, const float *right, size_t n, size_t rank, float *x) {
  const size_t columns = dl_low_rank_columns(n), rows = (n + columns - 1) / columns;
  for (size_t r = 0; r < rows; r++) {
    make_row(
      left, right, r, rows, columns, rank, row_length(r, columns, n), x + r * columns);
  }
}
