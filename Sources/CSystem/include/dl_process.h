#ifndef DL_PROCESS_H
#define DL_PROCESS_H

// Starts a program found on PATH, in a process group of its own, with empty standard input and
// signals as any program has them. It gets SIGTERM when the calling thread ends, also by SIGKILL.
// arguments and environment end with NULL. output and errors are descriptors to use as its standard
// output and error; -1 leaves this process's, -2 throws away. Returns 0 or an errno.
int dl_spawn(
    char *const *arguments, char *const *environment, int output, int errors, int *process);

#endif
