// tally-worker: the program behind the process path. The daemon starts it as a zygote;
// it is of no use by hand, and says so.
#include <cstdio>
#include <cstring>
#include <optional>

#include "runtime/exec/process/sandbox.h"
#include "runtime/exec/process/zygote_main.h"
#include "runtime/exec/process/zygote_protocol.h"
#include "runtime/reduce/simd_level.h"

int main(int argc, char** argv) {
  using namespace tally::exec;
  if (const auto limited = tally::reduce::limit_simd_by_environment(); !limited) {
    std::fprintf(stderr, "tally-worker: %s\n", limited.error().message().c_str());
    return 2;
  }
  std::optional<SandboxPlan> sandbox;
  if (argc == 3) sandbox = plan_of(argv[2]);
  if (sandbox && std::strcmp(argv[1], kZygoteArgument) == 0)
    return zygote_main(kZygoteSocket, -1, *sandbox);
  if (sandbox && std::strcmp(argv[1], kOrphanArgument) == 0)
    return zygote_main(kZygoteSocket, kZygoteOwner, *sandbox);
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
