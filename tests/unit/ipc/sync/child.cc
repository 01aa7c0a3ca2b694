#include "tests/unit/ipc/sync/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

namespace tally::sync {

Shared::Shared(const RegionOptions& options) {
  Result<UniqueFd> created = Region::create(options);
  TALLY_CHECK(created);
  fd = *std::move(created);
  Result<std::unique_ptr<Region>> mapped = Region::map(fd.get());
  TALLY_CHECK(mapped);
  region = *std::move(mapped);
  Result<std::unique_ptr<Participant>> attached = Participant::attach(*region);
  TALLY_CHECK(attached);
  self = *std::move(attached);
}

Child::Life::Life(int told, int let_go, std::unique_ptr<Region> mapped,
                  std::unique_ptr<Participant> participant)
    : told_(told),
      let_go_(let_go),
      region_(std::move(mapped)),
      participant_(std::move(participant)) {}

void Child::Life::here() const {
  TALLY_CHECK(::write(told_, "h", 1) == 1);
}

void Child::Life::stay() {
  for (;;) ::pause();
}

void Child::Life::await_go() const {
  char letter = 0;
  TALLY_CHECK(::read(let_go_, &letter, 1) == 1);
}

Child::Child(const Shared& shared, const Body& body) {
  int told[2], let_go[2];
  TALLY_CHECK(::pipe2(told, O_CLOEXEC) == 0 && ::pipe2(let_go, O_CLOEXEC) == 0);
  std::fflush(nullptr);  // or the child says it again
  pid_ = ::fork();
  TALLY_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(told[0]);
    ::close(let_go[1]);
    Result<std::unique_ptr<Region>> region = Region::map(shared.fd.get());
    TALLY_CHECK(region);
    Result<std::unique_ptr<Participant>> participant = Participant::attach(**region);
    TALLY_CHECK(participant);
    bool well = false;
    {
      Life life(told[1], let_go[0], *std::move(region), *std::move(participant));
      well = body(life);
    }
    ::_exit(well ? 0 : 1);
  }
  ::close(told[1]);
  ::close(let_go[0]);
  told_.reset(told[0]);
  let_go_.reset(let_go[1]);
}

Child::~Child() {
  kill();
}

bool Child::is_here() const {
  pollfd ready{told_.get(), POLLIN, 0};
  char letter = 0;
  return ::poll(&ready, 1, static_cast<int>(kPatience / kMilli)) == 1 &&
         ::read(told_.get(), &letter, 1) == 1;
}

void Child::go() const {
  TALLY_CHECK(::write(let_go_.get(), "g", 1) == 1);
}

void Child::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool Child::ended_well() {
  // Its end closes the pipe; a child that hangs is killed, and that is not well.
  pollfd ended{told_.get(), POLLIN, 0};
  char letters[64];
  while (::poll(&ended, 1, static_cast<int>(kPatience / kMilli)) == 1)
    if (::read(told_.get(), letters, sizeof letters) <= 0) {
      int status = -1;
      ::waitpid(pid_, &status, 0);
      pid_ = -1;
      return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
  return false;
}

bool comes_true(const std::function<bool()>& condition) {
  const Nanoseconds until = monotonic_ns() + kPatience;
  while (!condition()) {
    if (monotonic_ns() > until) return false;
    ::sched_yield();
  }
  return true;
}

}  // namespace tally::sync
