// tally-worker: the program behind the process path. The daemon starts it as a zygote;
// it is of no use by hand, and says so.
#include <cstdio>
#include <cstring>

#include "runtime/exec/process/zygote_main.h"
#include "runtime/exec/process/zygote_protocol.h"

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], tally::exec::kZygoteArgument) == 0)
    return tally::exec::zygote_main(tally::exec::kZygoteSocket, -1);
  if (argc == 2 && std::strcmp(argv[1], tally::exec::kOrphanArgument) == 0)
    return tally::exec::zygote_main(tally::exec::kZygoteSocket,
                                    tally::exec::kZygoteOwner);
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::puts("tally-worker " TALLY_VERSION);
    return 0;
  }
  std::fputs(
      "tally-worker: started by tallyd and by programs that embed tally, not by "
      "hand\n",
      stderr);
  return 2;
}
