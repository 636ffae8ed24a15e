#include "checksum.h"

#include "template.h"

DL_CLONES uint64_t dl_checksum(const void *bytes, size_t count) {
  uint64_t lanes[DL_LANES] = {0};
  dl_checksum_take(lanes, bytes, 0, count);
  return dl_checksum_end(lanes, count);
}
