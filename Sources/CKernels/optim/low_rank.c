#include "dl_optim.h"
#include "template.h"

// Columns that are summed up at a time.
enum { TILE = 256 };

size_t dl_low_rank_columns(size_t n) {
  size_t columns = 1;
  while (4 * columns * columns <= n) columns *= 2;
  return columns;
}

size_t dl_row_count(dl_rows s) { return (s.start + s.count + s.columns - 1) / s.columns; }

// What row r has of the columns from `first` on, at most a tile of them.
typedef struct {
  size_t place, column, count;
} piece;

static inline piece piece_of(dl_rows s, size_t r, size_t first, size_t width) {
  const size_t row = r * s.columns;
  size_t begin = row + first, end = row + first + width;
  if (end > row + s.columns) end = row + s.columns;
  if (begin < s.start) begin = s.start;
  if (end > s.start + s.count) end = s.start + s.count;
  if (begin >= end) return (piece){0, 0, 0};
  return (piece){begin - s.start, begin - row, end - begin};
}

static DL_CLONES double product(const float *a, const float *b, size_t n) {
  double sum;
  DL_LANE_SUM(sum, n, DL_WIDE(DL_TERMS(a)) * DL_WIDE(DL_TERMS(b)));
  return sum;
}

static DL_CLONES void add_row(const float *row, double factor, size_t n, double *sums) {
  for (size_t i = 0; i < n; i++) sums[i] += factor * (double)row[i];
}

// row = what the factors make of a piece of row r; encoder and decoder get the same bits.
static DL_CLONES void make_row(
    const float *left, const float *right, size_t r, size_t rows, size_t columns, size_t rank,
    piece part, float *restrict row) {
  for (size_t i = 0; i < part.count; i++) row[i] = 0;
  for (size_t j = 0; j < rank; j++) {
    const float factor = left[j * rows + r];
    const float *q = right + j * columns + part.column;
    for (size_t i = 0; i < part.count; i++) row[i] += factor * q[i];
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

void dl_low_rank_encode(
    float *x, dl_rows shape, size_t rank, uint64_t seed, float *warm, float *left,
    float *right) {
  const size_t columns = shape.columns, rows = dl_row_count(shape);
  fill_zero_columns(warm, columns, rank, seed);
  for (size_t j = 0; j < rank; j++) {
    for (size_t r = 0; r < rows; r++) {
      const piece row = piece_of(shape, r, 0, columns);
      left[j * rows + r] =
          (float)product(x + row.place, warm + j * columns + row.column, row.count);
    }
  }
  orthonormalise(left, rows, rank);
  for (size_t first = 0; first < columns; first += TILE) {
    const size_t width = columns - first < TILE ? columns - first : TILE;
    for (size_t j = 0; j < rank; j++) {
      double sums[TILE] = {0};
      for (size_t r = 0; r < rows; r++) {
        const piece part = piece_of(shape, r, first, width);
        if (part.count == 0) continue;
        add_row(x + part.place, left[j * rows + r], part.count, sums + (part.column - first));
      }
      for (size_t c = 0; c < width; c++) right[j * columns + first + c] = (float)sums[c];
    }
  }
  memcpy(warm, right, rank * columns * sizeof *warm);
  for (size_t r = 0; r < rows; r++) {
    for (size_t first = 0; first < columns; first += TILE) {
      float row[TILE];
      const piece part = piece_of(shape, r, first, TILE);
      make_row(left, right, r, rows, columns, rank, part, row);
      for (size_t i = 0; i < part.count; i++) x[part.place + i] -= row[i];
    }
  }
}

void dl_low_rank_decode(
    const float *left, const float *right, dl_rows shape, size_t rank, float *x) {
  const size_t rows = dl_row_count(shape);
  for (size_t r = 0; r < rows; r++) {
    for (size_t first = 0; first < shape.columns; first += TILE) {
      const piece part = piece_of(shape, r, first, TILE);
      make_row(left, right, r, rows, shape.columns, rank, part, x + part.place);
    }
  }
}
