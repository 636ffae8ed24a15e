#include <math.h>
#include <string.h>

#include "dl_loss.h"
#include "template.h"

// One row: its scores, and the labels that its paths go through; NULL where all paths count.
typedef struct {
  const double *x, *transitions, *start, *end;
  const int32_t *labels;
  size_t steps, tags;
  int32_t ignored;
} crf_row;

static crf_row crf_row_of(const dl_crf_problem *p, const double *x, size_t r) {
  size_t tags = p->tags;
  return (crf_row){
      .x = x + r * p->steps * tags,
      .transitions = p->potentials,
      .start = p->potentials + tags * tags,
      .end = p->potentials + (tags + 1) * tags,
      .labels = NULL,
      .steps = p->lengths ? (size_t)p->lengths[r] : p->steps,
      .tags = tags,
      .ignored = p->ignored};
}

DL_INLINE int crf_allows(const crf_row *row, size_t t, size_t tag) {
  return !row->labels || row->labels[t] == row->ignored || (size_t)row->labels[t] == tag;
}

// log(Σ exp(v)).
static double crf_log_sum(const double *v, size_t n) {
  double most = -INFINITY, sum = 0;
  for (size_t i = 0; i < n; i++) most = v[i] > most ? v[i] : most;
  if (most == -INFINITY) {  // NaN if one is
    for (size_t i = 0; i < n; i++) sum += v[i];
    return sum;
  }
  for (size_t i = 0; i < n; i++) sum += dl_exp_f64(v[i] - most);
  return most + dl_log_f64(sum);
}

static double crf_largest(const double *v, size_t n) {
  double most = v[0];
  for (size_t i = 1; i < n; i++) most = v[i] > most ? v[i] : most;
  return most;
}

typedef double (*crf_merge)(const double *v, size_t n);

// alpha[t][j]: what all ways to tag j at step t come to, merged; returns the same of whole paths.
static double crf_forward(const crf_row *row, crf_merge merge, double *alpha, double *terms) {
  size_t tags = row->tags;
  for (size_t t = 0; t < row->steps; t++) {
    const double *before = t == 0 ? NULL : alpha + (t - 1) * tags, *x = row->x + t * tags;
    for (size_t j = 0; j < tags; j++) {
      double from = row->start[j];
      if (!crf_allows(row, t, j)) {
        alpha[t * tags + j] = -INFINITY;
        continue;
      }
      if (t > 0) {
        for (size_t i = 0; i < tags; i++) terms[i] = before[i] + row->transitions[i * tags + j];
        from = merge(terms, tags);
      }
      alpha[t * tags + j] = from + x[j];
    }
  }
  for (size_t i = 0; i < tags; i++) terms[i] = alpha[(row->steps - 1) * tags + i] + row->end[i];
  return merge(terms, tags);
}

// terms[j]: what all ways on from tag i at step t come to whose next tag is j; returns them merged.
static double crf_onward(
    const crf_row *row, crf_merge merge, size_t t, size_t i, const double *next,
    double *terms) {
  size_t tags = row->tags;
  if (t + 1 == row->steps) return row->end[i];
  const double *x = row->x + (t + 1) * tags;
  for (size_t j = 0; j < tags; j++) {
    terms[j] =
        crf_allows(row, t + 1, j) ? row->transitions[i * tags + j] + x[j] + next[j] : -INFINITY;
  }
  return merge(terms, tags);
}

// Adds the shares of the row's paths that go through each tag and each pair of tags, times `sign`.
static void crf_add_shares(
    const crf_row *row, const double *alpha, double total, double sign, double *dx,
    double *dpotentials, double *scratch) {
  size_t tags = row->tags;
  double *beta = scratch, *next = beta + tags, *terms = next + tags;
  double *dstart = dpotentials + tags * tags, *dend = dstart + tags;
  for (size_t t = row->steps; t-- > 0;) {
    for (size_t i = 0; i < tags; i++) {
      if (!crf_allows(row, t, i)) continue;
      double here = alpha[t * tags + i] - total;
      beta[i] = crf_onward(row, crf_log_sum, t, i, next, terms);
      double share = sign * dl_exp_f64(here + beta[i]);
      dx[t * tags + i] += share;
      if (t == 0) dstart[i] += share;
      if (t + 1 == row->steps) {
        dend[i] += share;
        continue;
      }
      for (size_t j = 0; j < tags; j++) {
        dpotentials[i * tags + j] += sign * dl_exp_f64(here + terms[j]);
      }
    }
    double *swap = beta;
    beta = next;
    next = swap;
  }
}

ptrdiff_t dl_crf_loss(
    dl_crf_problem p, const int32_t *labels, const double *x, double *loss, double *dx,
    double *dpotentials, double *scratch) {
  size_t size = p.steps * p.tags;
  double *alpha = scratch, *rest = scratch + size;
  if (dx) memset(dx, 0, p.rows * size * sizeof(double));
  if (dx) memset(dpotentials, 0, (p.tags + 2) * p.tags * sizeof(double));
  *loss = 0;
  for (size_t r = 0; r < p.rows; r++) {
    crf_row row = crf_row_of(&p, x, r);
    if (row.steps == 0) continue;
    const int32_t *tags = labels + r * p.steps;
    for (size_t t = 0; t < row.steps; t++) {
      if (tags[t] != p.ignored && (tags[t] < 0 || (size_t)tags[t] >= p.tags)) {
        return (ptrdiff_t)(r * p.steps + t);
      }
    }
    for (int right = 0; right < 2; right++) {
      row.labels = right ? tags : NULL;
      double total = crf_forward(&row, crf_log_sum, alpha, rest);
      *loss += right ? -total : total;
      if (dx) {
        crf_add_shares(&row, alpha, total, right ? -1 : 1, dx + r * size, dpotentials, rest);
      }
    }
  }
  return -1;
}

// y[t][i]: the score of the best path through tag i at step t.
static void crf_best(const crf_row *row, double *y, double *scratch) {
  size_t tags = row->tags;
  double *beta = scratch, *next = beta + tags, *terms = next + tags;
  crf_forward(row, crf_largest, y, terms);
  for (size_t t = row->steps; t-- > 0;) {
    for (size_t i = 0; i < tags; i++) {
      beta[i] = crf_onward(row, crf_largest, t, i, next, terms);
      y[t * tags + i] += beta[i];
    }
    double *swap = beta;
    beta = next;
    next = swap;
  }
}

// y[t][i]: the logarithm of the share of paths that go through tag i at step t.
static void crf_marginals(const crf_row *row, double *y, double *scratch) {
  size_t tags = row->tags;
  double *beta = scratch, *next = beta + tags, *terms = next + tags;
  double total = crf_forward(row, crf_log_sum, y, terms);
  for (size_t t = row->steps; t-- > 0;) {
    for (size_t i = 0; i < tags; i++) {
      beta[i] = crf_onward(row, crf_log_sum, t, i, next, terms);
      y[t * tags + i] += beta[i] - total;
    }
    double *swap = beta;
    beta = next;
    next = swap;
  }
}

// y[t][i]: the score of tag i behind the tag that had the largest one before.
static void crf_greedy(const crf_row *row, double *y) {
  size_t tags = row->tags, last = 0;
  for (size_t t = 0; t < row->steps; t++) {
    const double *from = t > 0 ? row->transitions + last * tags : row->start;
    size_t best = 0;
    for (size_t i = 0; i < tags; i++) {
      double *score = y + t * tags + i;
      *score = from[i] + row->x[t * tags + i] + (t + 1 == row->steps ? row->end[i] : 0);
      if (*score > y[t * tags + best]) best = i;
    }
    last = best;
  }
}

void dl_crf_decode(
    dl_crf_problem p, dl_crf_decoding decoding, const double *x, double *y, double *scratch) {
  size_t size = p.steps * p.tags;
  memcpy(y, x, p.rows * size * sizeof(double));
  for (size_t r = 0; r < p.rows; r++) {
    crf_row row = crf_row_of(&p, x, r);
    if (row.steps == 0) continue;
    switch (decoding) {
      case DL_CRF_BEST: crf_best(&row, y + r * size, scratch); break;
      case DL_CRF_MARGINALS: crf_marginals(&row, y + r * size, scratch); break;
      case DL_CRF_GREEDY: crf_greedy(&row, y + r * size); break;
    }
  }
}
