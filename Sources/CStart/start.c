#define _GNU_SOURCE
#include "cstart.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { most_variables = 4096 };

// The stack of the first thread, and of those that libraries start.
static const rlim_t usual_stack = 8 << 20;
static const rlim_t most_stack = 64 << 20;
static const rlim_t least_stack = 256 << 10;
// Below it other processes of the user may leave no thread to the libraries.
static const rlim_t many_processes = 16384;

static int has(char **environment, const char *name) {
  size_t length = strlen(name);
  for (; *environment; environment++)
    if (!strncmp(*environment, name, length) && (*environment)[length] == '=') return 1;
  return 0;
}

// Whether this process speaks for all that a launcher has started.
static int is_first(char **environment) {
  for (; *environment; environment++) {
    const char *rank = NULL;
    if (!strncmp(*environment, "OMPI_COMM_WORLD_RANK=", 21)) rank = *environment + 21;
    if (!strncmp(*environment, "PMI_RANK=", 9)) rank = *environment + 9;
    if (rank) return !strcmp(rank, "0");
  }
  return 1;
}

// Whether the limit was another: then it is one that threads can be started with.
static int change_stack(char **environment) {
  struct rlimit stack;
  if (getrlimit(RLIMIT_STACK, &stack)) return 0;
  rlim_t before = stack.rlim_cur;
  // Without a limit the C library takes a size of its own.
  if (before == RLIM_INFINITY || (before >= least_stack && before <= most_stack)) return 0;
  stack.rlim_cur = usual_stack;
  if (stack.rlim_max != RLIM_INFINITY && stack.rlim_max < usual_stack)
    stack.rlim_cur = stack.rlim_max;
  if (stack.rlim_cur < least_stack) {
    // A process that may raise its hard limits.
    struct rlimit raised = {usual_stack, usual_stack};
    if (!setrlimit(RLIMIT_STACK, &raised)) return 1;
    static const char line[] =
        "dltrain: stack: less than 256 KiB is allowed; raise its limit (ulimit -s)\n";
    // Nothing is left to do where even this cannot be said.
    if (is_first(environment) && write(STDERR_FILENO, line, sizeof line - 1) < 0) _exit(74);
    _exit(74);
  }
  return stack.rlim_cur != before && !setrlimit(RLIMIT_STACK, &stack);
}

static int is_limited(int resource, rlim_t most) {
  struct rlimit limit;
  return !getrlimit(resource, &limit) && limit.rlim_cur != RLIM_INFINITY &&
         limit.rlim_cur < most;
}

// Runs before the constructors of all libraries, those of the C library among them: it calls nothing
// but the system and takes no memory.
static void prepare(int count, char **arguments, char **environment) {
  (void)count;
  static char one_thread[] = "OPENBLAS_NUM_THREADS=1", one_heap[] = "MALLOC_ARENA_MAX=1";
  static char *variables[most_variables + 3];
  int is_little = is_limited(RLIMIT_AS, RLIM_INFINITY);
  int has_few = is_little || is_limited(RLIMIT_NPROC, many_processes);
  int is_changed = change_stack(environment);
  char **next = variables;
  // Ranks multiply by one thread each, and those that OpenBLAS makes only take room.
  if (has_few && !has(environment, "OPENBLAS_NUM_THREADS")) *next++ = one_thread;
  if (is_little && !has(environment, "MALLOC_ARENA_MAX")) *next++ = one_heap;
  if (next == variables && !is_changed) return;
  for (char **variable = environment; *variable; variable++) {
    if (next - variables >= most_variables + 2) return;
    *next++ = *variable;
  }
  // Refused: goes on as it is.
  execve("/proc/self/exe", arguments, variables);
}

__attribute__((used, section(".preinit_array"))) static void (*const entry)(
    int, char **, char **) = prepare;
