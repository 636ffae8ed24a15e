// What Swift has not of the system: barriers over futexes, affinity masks, child processes.
#ifndef CSYSTEM_H
#define CSYSTEM_H

#include "dl_process.h"
#include "dl_sync.h"

#endif
