#ifndef DL_SYNC_H
#define DL_SYNC_H

#include <stdint.h>

// A barrier for the threads of one process, or of several that share memory, that a failing thread
// can poison.
typedef struct dl_barrier dl_barrier;
enum { DL_BARRIER_BYTES = 128 };

// Waiting spins for spin_nanoseconds, then sleeps in the kernel. NULL when out of memory.
dl_barrier *dl_barrier_create(uint32_t ranks, uint32_t spin_nanoseconds);
void dl_barrier_destroy(dl_barrier *barrier);
// Makes a barrier of several processes in DL_BARRIER_BYTES of their shared memory, on a boundary of
// 128 bytes; one of them does, before any waits. NULL for a number of ranks that it cannot have.
dl_barrier *dl_barrier_place(void *memory, uint32_t ranks, uint32_t spin_nanoseconds);

// Returns 0 when all ranks have arrived. With `poisonable`, returns 1 if the barrier was poisoned
// before that: then it fails for every rank. All ranks pass the same `poisonable`.
int dl_barrier_wait(dl_barrier *barrier, int poisonable);
void dl_barrier_poison(dl_barrier *barrier);
// For a barrier of several processes: returns 1 as well, within 50 ms, once `failed` of the caller's
// own memory is set. No collective on it completes after that.
int dl_barrier_wait_shared(dl_barrier *barrier, const volatile uint32_t *failed);

// A count that grows by ones, in memory that processes may share, and wraps.
void dl_count_up(uint32_t *count);
// Returns 0 when the count has reached `target`; 1 within 50 ms once `stop` is set before that.
int dl_count_wait(const uint32_t *count, uint32_t target, const volatile uint32_t *stop);

// The cores in the calling thread's affinity mask, and those online in the machine.
int dl_cores_in_mask(void);
int dl_cores_online(void);

// Names the calling thread for debuggers; cut at 15 bytes.
void dl_thread_name(const char *name);

#endif
