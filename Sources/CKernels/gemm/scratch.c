#include "gemm/gemm.h"

#include <pthread.h>
#include <stdlib.h>

// One block of memory per thread. A key's destructor frees it; the pair is the block and its size.
typedef struct {
  void *memory;
  size_t size;
} scratch;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void release(void *of_thread) {
  scratch *mine = of_thread;
  free(mine->memory);
  free(mine);
}

static void make_key(void) {
  if (pthread_key_create(&key, release) != 0) abort();
}

void *dl_gemm_scratch(size_t bytes) {
  pthread_once(&once, make_key);
  scratch *mine = pthread_getspecific(key);
  if (!mine) {
    mine = calloc(1, sizeof *mine);
    if (!mine || pthread_setspecific(key, mine) != 0) abort();
  }
  if (bytes > mine->size) {
    free(mine->memory);
    size_t size = (bytes + 4095) / 4096 * 4096;
    mine->memory = aligned_alloc(4096, size);
    if (!mine->memory) abort();
    mine->size = size;
  }
  return mine->memory;
}
