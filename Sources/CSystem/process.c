#define _GNU_SOURCE
#include "dl_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static int redirect(int descriptor, int target) {
  if (descriptor == -1) return 0;
  if (descriptor == -2) {
    descriptor = open("/dev/null", O_WRONLY);
    if (descriptor < 0 || dup2(descriptor, target) < 0) return -1;
    if (descriptor > STDERR_FILENO) close(descriptor);
    return 0;
  }
  return dup2(descriptor, target) < 0 ? -1 : 0;
}

// Runs in the memory of the parent, which waits: it calls nothing but the system.
static int become(
    char *const *arguments, char *const *environment, int output, int errors, pid_t parent) {
  static const int reset[] = {SIGPIPE, SIGUSR1, SIGTERM, SIGINT};
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (unsigned i = 0; i < sizeof reset / sizeof *reset; i++)
    sigaction(reset[i], &action, NULL);
  int input = open("/dev/null", O_RDONLY);
  if (input < 0 || dup2(input, STDIN_FILENO) < 0 || redirect(output, STDOUT_FILENO) ||
      redirect(errors, STDERR_FILENO) || setpgid(0, 0) || prctl(PR_SET_PDEATHSIG, SIGTERM))
    return errno;
  if (input != STDIN_FILENO) close(input);
  if (getppid() != parent) return ESRCH;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvpe(arguments[0], arguments, environment);
  return errno;
}

int dl_spawn(
    char *const *arguments, char *const *environment, int output, int errors, int *process) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  volatile int failure = 0;
  pid_t parent = getpid();
  // fork would run the handlers of libraries, which stop and start their threads.
  pid_t child = vfork();
  if (child == 0) {
    failure = become(arguments, environment, output, errors, parent);
    _exit(127);
  }
  if (child < 0) failure = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  *process = child;
  return failure;
}
