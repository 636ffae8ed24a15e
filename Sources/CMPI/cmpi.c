#include "cmpi.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { EXCHANGE_TAG = 7301, POST_TAG = 7302 };
static const size_t default_chunk = (size_t)1 << 30;
// Beyond this total the library's own collectives meet their int arithmetic.
static const size_t library_limit = (size_t)1 << 26;

struct cmpi_comm {
  MPI_Comm comm;
  int rank, size;
  size_t chunk;
  MPI_Request *requests;  // 2 * size, so that an exchange allocates nothing
};

#define TRY(call)                                                                              \
  do {                                                                                         \
    int code_ = (call);                                                                        \
    if (code_ != MPI_SUCCESS) return code_;                                                    \
  } while (0)

int cmpi_init(cmpi_thread_level *provided) {
  int level = MPI_THREAD_SINGLE;
  TRY(MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level));
  *provided = level >= MPI_THREAD_MULTIPLE     ? CMPI_THREAD_MULTIPLE
              : level >= MPI_THREAD_SERIALIZED ? CMPI_THREAD_SERIALIZED
              : level >= MPI_THREAD_FUNNELED   ? CMPI_THREAD_FUNNELED
                                               : CMPI_THREAD_SINGLE;
  return MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
}

int cmpi_finalize(void) { return MPI_Finalize(); }

int cmpi_is_initialized(void) {
  int flag = 0;
  return MPI_Initialized(&flag) == MPI_SUCCESS && flag;
}

int cmpi_is_finalized(void) {
  int flag = 0;
  return MPI_Finalized(&flag) == MPI_SUCCESS && flag;
}

static int wrap(MPI_Comm comm, size_t chunk, cmpi_comm **out) {
  *out = NULL;
  TRY(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN));
  cmpi_comm *made = calloc(1, sizeof *made);
  if (!made) return MPI_ERR_NO_MEM;
  made->comm = comm;
  made->chunk = chunk;
  int code = MPI_Comm_rank(comm, &made->rank);
  if (code == MPI_SUCCESS) code = MPI_Comm_size(comm, &made->size);
  if (code == MPI_SUCCESS) {
    made->requests = malloc(2 * (size_t)made->size * sizeof *made->requests);
    if (!made->requests) code = MPI_ERR_NO_MEM;
    for (int i = 0; made->requests && i < 2 * made->size; i++)
      made->requests[i] = MPI_REQUEST_NULL;
  }
  if (code != MPI_SUCCESS) {
    free(made);
    return code;
  }
  *out = made;
  return MPI_SUCCESS;
}

int cmpi_world(cmpi_comm **out) {
  MPI_Comm copy;
  TRY(MPI_Comm_dup(MPI_COMM_WORLD, &copy));
  return wrap(copy, default_chunk, out);
}

int cmpi_dup(cmpi_comm *comm, cmpi_comm **out) {
  MPI_Comm copy;
  TRY(MPI_Comm_dup(comm->comm, &copy));
  return wrap(copy, comm->chunk, out);
}

int cmpi_split(cmpi_comm *comm, int color, int key, cmpi_comm **out) {
  MPI_Comm part;
  *out = NULL;
  TRY(MPI_Comm_split(comm->comm, color < 0 ? MPI_UNDEFINED : color, key, &part));
  return part == MPI_COMM_NULL ? MPI_SUCCESS : wrap(part, comm->chunk, out);
}

int cmpi_split_host(cmpi_comm *comm, cmpi_comm **out) {
  MPI_Comm part;
  *out = NULL;
  TRY(MPI_Comm_split_type(comm->comm, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &part));
  return wrap(part, comm->chunk, out);
}

int cmpi_free(cmpi_comm *comm) {
  int code = MPI_Comm_free(&comm->comm);
  free(comm->requests);
  free(comm);
  return code;
}

int cmpi_rank(const cmpi_comm *comm) { return comm->rank; }
int cmpi_size(const cmpi_comm *comm) { return comm->size; }
void cmpi_set_chunk(cmpi_comm *comm, size_t bytes) {
  comm->chunk = bytes == 0 ? 1 : bytes > default_chunk ? default_chunk : bytes;
}

int cmpi_node_local(cmpi_comm *comm, int *rank, int *size) {
  MPI_Comm node;
  TRY(MPI_Comm_split_type(comm->comm, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &node));
  int code = MPI_Comm_rank(node, rank);
  if (code == MPI_SUCCESS) code = MPI_Comm_size(node, size);
  int freed = MPI_Comm_free(&node);
  return code != MPI_SUCCESS ? code : freed;
}

int cmpi_barrier(cmpi_comm *comm) { return MPI_Barrier(comm->comm); }

int cmpi_bcast(cmpi_comm *comm, void *buffer, size_t bytes, int root) {
  for (size_t done = 0; done < bytes;) {
    size_t piece = bytes - done < comm->chunk ? bytes - done : comm->chunk;
    TRY(MPI_Bcast((char *)buffer + done, (int)piece, MPI_BYTE, root, comm->comm));
    done += piece;
  }
  return MPI_SUCCESS;
}

// Round k carries piece k of every message. Both ends of a message know its length, so they agree
// on its pieces; a rank that is ahead has posted all that one behind it waits for.
// send_counts == NULL: the same `bytes` at `send` go to everyone.
static int exchange(
    cmpi_comm *comm, const char *send, size_t bytes, const size_t *send_counts,
    const size_t *send_displacements, char *receive, const size_t *receive_counts,
    const size_t *receive_displacements) {
  for (size_t done = 0;; done += comm->chunk) {
    int pending = 0;
    for (int step = 1; step < comm->size; step++) {
      int from = (comm->rank - step + comm->size) % comm->size;
      if (receive_counts[from] <= done) continue;
      size_t left = receive_counts[from] - done;
      TRY(MPI_Irecv(
          receive + receive_displacements[from] + done,
          (int)(left < comm->chunk ? left : comm->chunk), MPI_BYTE, from, EXCHANGE_TAG,
          comm->comm, &comm->requests[pending++]));
    }
    for (int step = 1; step < comm->size; step++) {
      int to = (comm->rank + step) % comm->size;
      size_t count = send_counts ? send_counts[to] : bytes;
      if (count <= done) continue;
      size_t left = count - done;
      TRY(MPI_Isend(
          send + (send_counts ? send_displacements[to] : 0) + done,
          (int)(left < comm->chunk ? left : comm->chunk), MPI_BYTE, to, EXCHANGE_TAG,
          comm->comm, &comm->requests[pending++]));
    }
    if (pending == 0) return MPI_SUCCESS;
    TRY(MPI_Waitall(pending, comm->requests, MPI_STATUSES_IGNORE));
  }
}

static void copy_own(void *to, const void *from, size_t bytes) {
  if (bytes > 0 && to != from) memmove(to, from, bytes);
}

int cmpi_allgather(cmpi_comm *comm, const void *send, size_t bytes, void *receive) {
  char *own = (char *)receive + (size_t)comm->rank * bytes;
  copy_own(own, send, bytes);
  if (bytes <= comm->chunk && bytes * (size_t)comm->size <= library_limit)
    return MPI_Allgather(
        MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, receive, (int)bytes, MPI_BYTE, comm->comm);
  for (size_t done = 0; done < bytes; done += comm->chunk) {
    int pending = 0;
    size_t piece = bytes - done < comm->chunk ? bytes - done : comm->chunk;
    for (int step = 1; step < comm->size; step++) {
      int from = (comm->rank - step + comm->size) % comm->size;
      TRY(MPI_Irecv(
          (char *)receive + (size_t)from * bytes + done, (int)piece, MPI_BYTE, from,
          EXCHANGE_TAG, comm->comm, &comm->requests[pending++]));
    }
    for (int step = 1; step < comm->size; step++) {
      int to = (comm->rank + step) % comm->size;
      TRY(MPI_Isend(
          own + done, (int)piece, MPI_BYTE, to, EXCHANGE_TAG, comm->comm,
          &comm->requests[pending++]));
    }
    TRY(MPI_Waitall(pending, comm->requests, MPI_STATUSES_IGNORE));
  }
  return MPI_SUCCESS;
}

int cmpi_allgatherv(
    cmpi_comm *comm, const void *send, size_t bytes, void *receive, const size_t *counts,
    const size_t *displacements) {
  copy_own((char *)receive + displacements[comm->rank], send, bytes);
  return exchange(comm, send, bytes, NULL, NULL, receive, counts, displacements);
}

int cmpi_alltoallv(
    cmpi_comm *comm, const void *send, const size_t *send_counts,
    const size_t *send_displacements, void *receive, const size_t *receive_counts,
    const size_t *receive_displacements) {
  int me = comm->rank;
  copy_own(
      (char *)receive + receive_displacements[me], (const char *)send + send_displacements[me],
      receive_counts[me]);
  return exchange(
      comm, send, 0, send_counts, send_displacements, receive, receive_counts,
      receive_displacements);
}

int cmpi_post_receive(cmpi_comm *comm, int from, void *buffer, size_t bytes) {
  return MPI_Irecv(
      buffer, (int)bytes, MPI_BYTE, from, POST_TAG, comm->comm, &comm->requests[from]);
}

int cmpi_post_send(cmpi_comm *comm, int to, const void *buffer, size_t bytes) {
  return MPI_Isend(
      buffer, (int)bytes, MPI_BYTE, to, POST_TAG, comm->comm, &comm->requests[comm->size + to]);
}

int cmpi_is_received(cmpi_comm *comm, int peer, int *done) {
  return MPI_Test(&comm->requests[peer], done, MPI_STATUS_IGNORE);
}

int cmpi_is_sent(cmpi_comm *comm, int peer, int *done) {
  return MPI_Test(&comm->requests[comm->size + peer], done, MPI_STATUS_IGNORE);
}

int cmpi_allreduce_reference(cmpi_comm *comm, void *buffer, size_t count, int is_double) {
  size_t width = is_double ? sizeof(double) : sizeof(float), largest = default_chunk / width;
  for (size_t done = 0; done < count;) {
    size_t piece = count - done < largest ? count - done : largest;
    TRY(MPI_Allreduce(
        MPI_IN_PLACE, (char *)buffer + done * width, (int)piece,
        is_double ? MPI_DOUBLE : MPI_FLOAT, MPI_SUM, comm->comm));
    done += piece;
  }
  return MPI_SUCCESS;
}

void cmpi_abort(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  _Exit(code);
}

static void copy_text(char *out, size_t capacity, const char *text) {
  if (capacity == 0) return;
  size_t length = strnlen(text, capacity - 1);
  memcpy(out, text, length);
  out[length] = 0;
}

void cmpi_error_string(int code, char *out, size_t capacity) {
  char text[MPI_MAX_ERROR_STRING + 1] = {0};
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) text[0] = 0;
  copy_text(out, capacity, text[0] ? text : "unknown MPI error");
}

void cmpi_library_version(char *out, size_t capacity) {
  char text[MPI_MAX_LIBRARY_VERSION_STRING + 1] = {0};
  int length = 0;
  if (MPI_Get_library_version(text, &length) != MPI_SUCCESS) text[0] = 0;
  copy_text(out, capacity, text);
}

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x

const char *cmpi_compiled_version(void) {
#ifdef OMPI_MAJOR_VERSION
  return "Open MPI " TEXT(OMPI_MAJOR_VERSION) "." TEXT(OMPI_MINOR_VERSION) "." TEXT(
      OMPI_RELEASE_VERSION);
#else
  return "MPI " TEXT(MPI_VERSION) "." TEXT(MPI_SUBVERSION);
#endif
}

int cmpi_processor_name(char *out, size_t capacity) {
  char text[MPI_MAX_PROCESSOR_NAME + 1] = {0};
  int length = 0;
  TRY(MPI_Get_processor_name(text, &length));
  copy_text(out, capacity, text);
  return MPI_SUCCESS;
}
