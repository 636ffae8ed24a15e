#ifndef DL_TYPES_H
#define DL_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef enum { DL_F32 = 0, DL_F64 = 1 } dl_dtype;

#endif
