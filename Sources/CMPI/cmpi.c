#include <mpi.h>
#include "cmpi.h"
int cmpi_test(void){int v,s; MPI_Get_version(&v,&s); return v;}
