/* The table as a kernel in C uses it: that the header is C, and that it works. */
#include "tally/tally_sync.h"

#include <string.h>

int count_under_lock(const tally_sync* sync, tally_sync_context* context,
                     long* counter);
int through_queue(const tally_sync* sync, tally_sync_context* context);

int count_under_lock(const tally_sync* sync, tally_sync_context* context,
                     long* counter) {
  const int taken = sync->lock_acquire(context, "counter", TALLY_SYNC_FOREVER);
  if (taken != TALLY_SYNC_OK && taken != TALLY_SYNC_OWNER_DIED) return taken;
  ++*counter;
  return sync->lock_release(context, "counter");
}

int through_queue(const tally_sync* sync, tally_sync_context* context) {
  char record[8];
  size_t bytes = 0;
  int code = sync->queue_open(context, "notes", 4, sizeof record);
  if (code == TALLY_SYNC_OK) code = sync->queue_put(context, "notes", "odd", 3, 0);
  if (code == TALLY_SYNC_OK)
    code = sync->queue_get(context, "notes", record, sizeof record, &bytes, 0);
  if (code != TALLY_SYNC_OK) return code;
  return bytes == 3 && memcmp(record, "odd", 3) == 0 ? TALLY_SYNC_OK
                                                     : TALLY_SYNC_FAILED;
}
