#define _GNU_SOURCE
#include "dl_sync.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Poison, arrivals and phase share one word, so that a phase either completes for all its ranks or
// fails for all: nobody leaves a collective while a peer still reads its buffer.
#define POISON UINT32_C(1)
#define ARRIVAL UINT32_C(2)
#define ARRIVALS UINT32_C(0x0000fffe)
#define PHASE UINT32_C(0x00010000)
#define PHASES UINT32_C(0xffff0000)

// How long a waiting rank keeps its core to itself.
#define SPIN_NANOSECONDS 20000

struct dl_barrier {
  _Alignas(128) _Atomic uint32_t state;
  _Atomic uint32_t sleepers;
  uint32_t ranks;
  uint32_t spin_nanoseconds;
  uint32_t is_shared;
};
_Static_assert(sizeof(dl_barrier) <= DL_BARRIER_BYTES, "a barrier fits its place");

static dl_barrier *place(
    void *memory, uint32_t ranks, uint32_t spin_nanoseconds, uint32_t shared) {
  dl_barrier *barrier = memory;
  atomic_init(&barrier->state, 0);
  atomic_init(&barrier->sleepers, 0);
  barrier->ranks = ranks;
  barrier->spin_nanoseconds = spin_nanoseconds;
  barrier->is_shared = shared;
  return barrier;
}

dl_barrier *dl_barrier_create(uint32_t ranks, uint32_t spin_nanoseconds) {
  if (ranks == 0 || ranks > ARRIVALS / ARRIVAL) return NULL;
  void *memory = aligned_alloc(128, sizeof(dl_barrier));
  return memory ? place(memory, ranks, spin_nanoseconds, 0) : NULL;
}

dl_barrier *dl_barrier_place(void *memory, uint32_t ranks, uint32_t spin_nanoseconds) {
  if (ranks == 0 || ranks > ARRIVALS / ARRIVAL) return NULL;
  return place(memory, ranks, spin_nanoseconds, 1);
}

void dl_barrier_destroy(dl_barrier *barrier) { free(barrier); }

static void wake_sleepers(dl_barrier *barrier) {
  // Sequentially consistent after the change of state: a waiter either counts here or sees it.
  if (atomic_load(&barrier->sleepers) > 0)
    syscall(
        SYS_futex, &barrier->state, barrier->is_shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE,
        INT_MAX, NULL, NULL, 0);
}

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// -1 while the phase goes on.
static inline int outcome(uint32_t state, uint32_t phase, int poisonable) {
  if ((state & PHASES) != phase) return 0;
  return poisonable && (state & POISON) ? 1 : -1;
}

static int wait(dl_barrier *barrier, int poisonable, const volatile uint32_t *failed) {
  uint32_t old = atomic_load(&barrier->state);
  for (;;) {
    if (poisonable && (old & POISON)) return 1;
    int last = (old & ARRIVALS) / ARRIVAL + 1 == barrier->ranks;
    uint32_t next = last ? (old & ~ARRIVALS) + PHASE : old + ARRIVAL;
    if (!atomic_compare_exchange_weak(&barrier->state, &old, next)) continue;
    if (!last) break;
    wake_sleepers(barrier);
    return 0;
  }
  uint32_t phase = old & PHASES;
  int result;
  if (barrier->spin_nanoseconds > 0) {
    int64_t now = nanoseconds(), shy = now + SPIN_NANOSECONDS,
            end = now + barrier->spin_nanoseconds;
    do {
      for (int i = 0; i < 32; i++) {
        uint32_t state = atomic_load_explicit(&barrier->state, memory_order_acquire);
        if ((result = outcome(state, phase, poisonable)) >= 0) return result;
        relax();
      }
      // Whoever else wants the core, a rank of another container perhaps, has it from here on.
      if (now > shy) sched_yield();
      now = nanoseconds();
    } while (now < end);
  }
  static const struct timespec look = {.tv_nsec = 50000000};
  atomic_fetch_add(&barrier->sleepers, 1);
  for (;;) {
    uint32_t state = atomic_load(&barrier->state);
    if ((result = outcome(state, phase, poisonable)) >= 0) break;
    if (failed && *failed) {
      result = 1;
      break;
    }
    syscall(
        SYS_futex, &barrier->state, barrier->is_shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE, state,
        failed ? &look : NULL, NULL, 0);
  }
  atomic_fetch_sub(&barrier->sleepers, 1);
  return result;
}

int dl_barrier_wait(dl_barrier *barrier, int poisonable) {
  return wait(barrier, poisonable, NULL);
}

int dl_barrier_wait_shared(dl_barrier *barrier, const volatile uint32_t *failed) {
  return *failed ? 1 : wait(barrier, 1, failed);
}

void dl_barrier_poison(dl_barrier *barrier) {
  atomic_fetch_or(&barrier->state, POISON);
  wake_sleepers(barrier);
}

void dl_count_up(uint32_t *count) {
  atomic_fetch_add((_Atomic uint32_t *)count, 1);
  syscall(SYS_futex, count, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

int dl_count_wait(const uint32_t *count, uint32_t target, const volatile uint32_t *stop) {
  static const struct timespec look = {.tv_nsec = 50000000};
  for (;;) {
    uint32_t now = atomic_load((const _Atomic uint32_t *)count);
    if ((int32_t)(now - target) >= 0) return 0;
    if (*stop) return 1;
    syscall(SYS_futex, count, FUTEX_WAIT, now, &look, NULL, 0);
  }
}

int dl_cores_in_mask(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return dl_cores_online();
  int cores = CPU_COUNT(&set);
  return cores > 0 ? cores : 1;
}

int dl_cores_online(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores > 0 ? (int)cores : 1;
}

void dl_thread_name(const char *name) {
  char text[16] = {0};
  strncpy(text, name, sizeof text - 1);
  pthread_setname_np(pthread_self(), text);
}
