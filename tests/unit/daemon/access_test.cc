#include "daemon/access.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "ipc/base/unique_fd.h"

namespace tally::daemon {
namespace {

constexpr std::uint32_t kOwn = 500;
constexpr std::uint32_t kOverflow = 65'534;
constexpr std::uint32_t kOverflowGroup = 65'533;

using Ids = std::vector<std::uint32_t>;

// Lists: users, groups, administrators, admin_groups.
Access access(config::AccessConfig lists = {}) {
  return {kOwn, kOverflow, kOverflowGroup, std::move(lists)};
}

enum class Verdict { Refused, User, Administrator };

Verdict verdict(std::uint32_t uid, std::uint32_t gid, const Ids& groups,
                const Access& by) {
  const Admission admission = decide({uid, gid, 4242}, groups, by);
  if (admission.refusal) {
    EXPECT_FALSE(admission.administrator) << "refused, yet an administrator";
    return Verdict::Refused;
  }
  return admission.administrator ? Verdict::Administrator : Verdict::User;
}

TEST(AccessTest, WithoutListsTheOwnUserAndRootAreAdministratorsAndOthersRefused) {
  EXPECT_EQ(verdict(kOwn, 1, {}, access()), Verdict::Administrator);
  EXPECT_EQ(verdict(0, 1, {}, access()), Verdict::Administrator);
  EXPECT_EQ(verdict(501, kOwn, {kOwn, 0}, access()), Verdict::Refused);
}

TEST(AccessTest, AListedUserIsAdmittedAndNoAdministrator) {
  const Access by = access({{7, 9}, {}, {}, {}});
  EXPECT_EQ(verdict(9, 1, {}, by), Verdict::User);
  EXPECT_EQ(verdict(8, 9, {7, 9}, by), Verdict::Refused) << "gids are no uids";
}

TEST(AccessTest, AGroupCountsAsPrimaryAndAsSupplementaryOne) {
  const Access by = access({{}, {40, 41}, {}, {}});
  EXPECT_EQ(verdict(8, 41, {}, by), Verdict::User);
  EXPECT_EQ(verdict(8, 1, {2, 40, 3}, by), Verdict::User);
  EXPECT_EQ(verdict(40, 1, {2, 3}, by), Verdict::Refused) << "uids are no gids";
}

TEST(AccessTest, AdministratorsAreAdmittedWithoutBeingListedAsUsers) {
  const Access by = access({{}, {}, {7}, {40}});
  EXPECT_EQ(verdict(7, 1, {}, by), Verdict::Administrator);
  EXPECT_EQ(verdict(8, 1, {40}, by), Verdict::Administrator);
  EXPECT_EQ(verdict(8, 40, {}, by), Verdict::Administrator);
  EXPECT_EQ(verdict(8, 1, {41}, by), Verdict::Refused);
}

TEST(AccessTest, WhoIsOnBothListsIsAnAdministrator) {
  const Access by = access({{7}, {40}, {}, {40}});
  EXPECT_EQ(verdict(7, 40, {}, by), Verdict::Administrator);
}

TEST(AccessTest, TheOverflowUidIsRefusedWhateverElseHolds) {
  Access by = access({{kOverflow}, {40}, {kOverflow}, {40}});
  EXPECT_EQ(verdict(kOverflow, 40, {40}, by), Verdict::Refused);
  by.own_uid = kOverflow;
  EXPECT_EQ(verdict(kOverflow, 40, {40}, by), Verdict::Refused);
}

TEST(AccessTest, TheOverflowGidAdmitsNobody) {
  const Access by = access({{}, {kOverflowGroup}, {}, {kOverflowGroup}});
  EXPECT_EQ(verdict(8, kOverflowGroup, {kOverflowGroup}, by), Verdict::Refused);
}

TEST(AccessTest, ARefusalNamesTheUidAndIsOfTheClassThatExitsWithFour) {
  const Admission admission = decide({8, 1, 4242}, {}, access());
  ASSERT_TRUE(admission.refusal);
  EXPECT_EQ(admission.refusal->errc(), Errc::PermissionDenied);
  EXPECT_EQ(exit_code_of(admission.refusal->errc()), 4);
  EXPECT_EQ(admission.refusal->code(), "not_admitted");
  ASSERT_NE(admission.refusal->field("uid"), nullptr);
  EXPECT_EQ(std::get<std::int64_t>(*admission.refusal->field("uid")), 8);
}

// More groups than the first buffer holds, if we may take them on.
TEST(AccessTest, ThePeersGroupsAreThoseOfTheProcess) {
  constexpr gid_t kMany = 300;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Ids wanted;
    for (gid_t gid = 1000; gid < 1000 + kMany; ++gid) wanted.push_back(gid);
    if (::setgroups(wanted.size(), wanted.data()) != 0) {
      const int count = ::getgroups(0, nullptr);
      wanted.resize(static_cast<std::size_t>(count));
      ::getgroups(count, wanted.data());
    }
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) ::_exit(2);
    Result<Ids> groups = groups_of_peer(ends[0]);
    if (!groups) ::_exit(3);
    std::ranges::sort(*groups);
    std::ranges::sort(wanted);
    ::_exit(*groups == wanted ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(AccessTest, GroupsOfWhatIsNoSocketAreAnError) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd reads(ends[0]);
  const UniqueFd writes(ends[1]);
  EXPECT_FALSE(groups_of_peer(reads.get()));
}

}  // namespace
}  // namespace tally::daemon
