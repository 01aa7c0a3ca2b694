#include "ipc/base/give_way.h"

#include <sys/resource.h>

namespace tally {

int own_niceness() {
  return ::getpriority(PRIO_PROCESS, 0);
}

GivingWay::GivingWay(int own) : own_(own) {
  ::setpriority(PRIO_PROCESS, 0, own_ + kNiceSteps);
}

GivingWay::~GivingWay() {
  ::setpriority(PRIO_PROCESS, 0, own_);
}

}  // namespace tally
