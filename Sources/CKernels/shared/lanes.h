// Sums whose bits do not depend on the width of a vector: lane j adds up the elements j, j + 16, j + 32
// and so on, and the 16 lanes are added in halves, each lane of the lower half with its counterpart
// of the upper one. The compiler maps the lanes to the vectors that a CPU has.
#ifndef DL_LANES_H
#define DL_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DL_SUM_LANES = 16 };
typedef float dl_lanes_f32 __attribute__((ext_vector_type(DL_SUM_LANES)));
typedef double dl_lanes_f64 __attribute__((ext_vector_type(DL_SUM_LANES)));
typedef int64_t dl_lane_numbers __attribute__((ext_vector_type(DL_SUM_LANES)));

// Copies fewer than 16 elements, without a call.
static inline __attribute__((always_inline)) void dl_copy_lanes(
    void *target, const void *source, size_t bytes) {
  char *to = target;
  const char *from = source;
#define COPY(size)                                                                             \
  if (bytes & (size)) {                                                                        \
    memcpy(to, from, size);                                                                    \
    to += (size);                                                                              \
    from += (size);                                                                            \
  }
  COPY(64)
  COPY(32)
  COPY(16)
  COPY(8)
  COPY(4)
#undef COPY
}

// The elements of x that a turn of DL_LANE_SUM adds, as a vector; zeros behind the last. For its terms.
#define DL_TERMS(x)                                                                            \
  ({                                                                                           \
    __typeof__(_Generic(*(x), float : (dl_lanes_f32)0, double : (dl_lanes_f64)0)) lanes_;      \
    if (count_ == DL_SUM_LANES) {                                                              \
      memcpy(&lanes_, (x) + at_, sizeof lanes_);                                               \
    } else {                                                                                   \
      lanes_ = 0;                                                                              \
      dl_copy_lanes(&lanes_, (x) + at_, count_ * sizeof *(x));                                 \
    }                                                                                          \
    lanes_;                                                                                    \
  })

// DL_TERMS of floats as doubles.
#define DL_WIDE(lanes) __builtin_convertvector(lanes, dl_lanes_f64)

// target = the sum over i < n of a term, an expression of doubles in DL_TERMS of arrays. For vectors of
// terms that are of use to no sum, in the last turn, zeros are added.
#define DL_LANE_SUM(target, n, term)                                                           \
  do {                                                                                         \
    dl_lanes_f64 sums_ = 0;                                                                    \
    size_t at_ = 0;                                                                            \
    for (; at_ + DL_SUM_LANES <= (size_t)(n); at_ += DL_SUM_LANES) {                           \
      const size_t count_ = DL_SUM_LANES;                                                      \
      sums_ += (term);                                                                         \
    }                                                                                          \
    if (at_ < (size_t)(n)) {                                                                   \
      const size_t count_ = (size_t)(n)-at_;                                                   \
      const dl_lane_numbers number_ = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};  \
      const dl_lanes_f64 last_ = (term);                                                       \
      sums_ += number_ < (int64_t)count_ ? last_ : (dl_lanes_f64)0;                            \
    }                                                                                          \
    const double __attribute__((ext_vector_type(8))) eight_ = sums_.lo + sums_.hi;             \
    const double __attribute__((ext_vector_type(4))) four_ = eight_.lo + eight_.hi;            \
    const double __attribute__((ext_vector_type(2))) two_ = four_.lo + four_.hi;               \
    (target) = two_.x + two_.y;                                                                \
  } while (0)

#endif
