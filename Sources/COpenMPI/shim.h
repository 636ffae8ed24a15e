// Empty on purpose: MPI's handles are macros that Swift cannot import, so only CMPI includes mpi.h.
// This module exists to carry Open MPI's include and library paths from pkg-config to CMPI.
