// Child: another process that takes part in a region, held at a point and killed there.
//
// The body runs in a fork with its own mapping of the region. It says here() when it is
// where the test wants it, and stay()s until it is killed, or ends by itself: its
// return value says whether all was as it should be. It dies with the test.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>

#include "ipc/base/unique_fd.h"
#include "ipc/sync/participant.h"

namespace tally::sync {

inline constexpr Nanoseconds kMilli = 1'000'000;
// Longer than anything takes on a loaded machine; a time-out that hides no hang.
inline constexpr Nanoseconds kPatience = 30'000 * kMilli;

// A region and a participant of this thread in it.
struct Shared {
  explicit Shared(const RegionOptions& options = {});
  UniqueFd fd;
  std::unique_ptr<Region> region;
  std::unique_ptr<Participant> self;

  // The state behind the name that was opened as number `index`.
  template <typename State>
  State* state(std::uint32_t index = 0) const {
    const NameEntry& entry = region->entry(index);
    return reinterpret_cast<State*>(region->object(entry, entry.bytes));
  }
};

class Child {
 public:
  // What the body is given.
  class Life {
   public:
    Life(int told, int let_go, std::unique_ptr<Region> mapped,
         std::unique_ptr<Participant> participant);
    Participant& participant() { return *participant_; }
    void here() const;
    [[noreturn]] static void stay();
    void await_go() const;  // until go()
    void detach() { participant_.reset(); }

   private:
    int told_, let_go_;
    std::unique_ptr<Region> region_;
    std::unique_ptr<Participant> participant_;
  };
  using Body = std::function<bool(Life&)>;

  Child(const Shared& shared, const Body& body);
  ~Child();  // kills it if it is still there
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool is_here() const;  // waits until it says so; false if it ended instead
  void go() const;
  void kill();        // SIGKILL, and waits for its end
  bool ended_well();  // waits for its end

 private:
  UniqueFd told_, let_go_;
  pid_t pid_ = -1;
};

// Waits for a state that another process brings about.
bool comes_true(const std::function<bool()>& condition);

}  // namespace tally::sync
