// Plain C over MPI. mpi.h stays inside: its handles are macros that Swift cannot import.
// Every int function returns 0 or an MPI error code; cmpi_error_string tells what it means.
#ifndef CMPI_H
#define CMPI_H

#include <stddef.h>

typedef struct cmpi_comm cmpi_comm;

typedef enum {
  CMPI_THREAD_SINGLE = 0,
  CMPI_THREAD_FUNNELED = 1,
  CMPI_THREAD_SERIALIZED = 2,
  CMPI_THREAD_MULTIPLE = 3
} cmpi_thread_level;

// Asks for MPI_THREAD_MULTIPLE and reports the level that the library provides.
int cmpi_init(cmpi_thread_level *provided);
int cmpi_finalize(void);
int cmpi_is_initialized(void);
int cmpi_is_finalized(void);

// A duplicate of MPI_COMM_WORLD whose errors are returned and not fatal.
int cmpi_world(cmpi_comm **out);
int cmpi_dup(cmpi_comm *comm, cmpi_comm **out);
// color < 0 takes part without joining any group: *out is NULL.
int cmpi_split(cmpi_comm *comm, int color, int key, cmpi_comm **out);
// The processes that share this one's memory, in the order of their ranks.
int cmpi_split_host(cmpi_comm *comm, cmpi_comm **out);
// Collective, as MPI_Comm_free is.
int cmpi_free(cmpi_comm *comm);

int cmpi_rank(const cmpi_comm *comm);
int cmpi_size(const cmpi_comm *comm);
// Rank and size among the processes that share this one's memory. Collective.
int cmpi_node_local(cmpi_comm *comm, int *rank, int *size);
// Messages longer than this many bytes go in pieces (1 GiB at first); the same on all ranks.
void cmpi_set_chunk(cmpi_comm *comm, size_t bytes);

int cmpi_barrier(cmpi_comm *comm);
int cmpi_bcast(cmpi_comm *comm, void *buffer, size_t bytes, int root);
// Each rank gives `bytes`; receive holds size * bytes. send may be its own part of receive.
int cmpi_allgather(cmpi_comm *comm, const void *send, size_t bytes, void *receive);
// send may be its own part of receive.
int cmpi_allgatherv(
    cmpi_comm *comm, const void *send, size_t bytes, void *receive, const size_t *counts,
    const size_t *displacements);
int cmpi_alltoallv(
    cmpi_comm *comm, const void *send, const size_t *send_counts,
    const size_t *send_displacements, void *receive, const size_t *receive_counts,
    const size_t *receive_displacements);

// Messages that nobody waits for, one each way per peer at a time, on a communicator that serves
// nothing else. A buffer is the library's until its message is done.
int cmpi_post_receive(cmpi_comm *comm, int from, void *buffer, size_t bytes);
int cmpi_post_send(cmpi_comm *comm, int to, const void *buffer, size_t bytes);
// Whether the message posted last, from or to `peer`, is done; true where none was.
int cmpi_is_received(cmpi_comm *comm, int peer, int *done);
int cmpi_is_sent(cmpi_comm *comm, int peer, int *done);

// MPI's own sum of `count` floats, or doubles with `is_double`, in place: a reference to measure
// against. Its order of additions is the library's, so that training never uses it.
int cmpi_allreduce_reference(cmpi_comm *comm, void *buffer, size_t count, int is_double);

// Ends every process of the job; does not return.
void cmpi_abort(int code);

// Text goes to `out`, cut at `capacity`, always terminated.
void cmpi_error_string(int code, char *out, size_t capacity);
void cmpi_library_version(char *out, size_t capacity);
const char *cmpi_compiled_version(void);
int cmpi_processor_name(char *out, size_t capacity);

#endif
