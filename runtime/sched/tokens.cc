#include "runtime/sched/tokens.h"

#include <algorithm>

#include "ipc/base/check.h"

namespace tally::sched {

void Tokens::add(JobNumber job, const std::vector<model::TokenLimit>& limits) {
  if (limits.empty()) return;
  const auto [place, is_new] = holders_.try_emplace(job);
  if (!is_new) return;
  for (const model::TokenLimit& limit : limits) {
    const auto token = tokens_.try_emplace(limit.name).first;
    const std::uint32_t count = std::max<std::uint32_t>(limit.count, 1);
    auto& needs = place->second.needs;
    const auto named = std::find_if(needs.begin(), needs.end(), [&](const Need& need) {
      return need.token == token;
    });
    if (named != needs.end()) {
      named->count = std::min(named->count, count);
      continue;
    }
    ++token->second.named_by;
    needs.push_back({token, count});
  }
}

void Tokens::remove(JobNumber job) {
  const auto holder = holders_.find(job);
  if (holder == holders_.end()) return;
  holder->second.ended = true;
  step_out(holder->second);
  forget_if_done(holder);
}

bool Tokens::may_go(const Holder& holder) {
  return std::all_of(holder.needs.begin(), holder.needs.end(), [&](const Need& need) {
    const Token& token = need.token->second;
    const bool first = token.line.empty() || token.line.begin()->first == holder.ticket;
    return first && token.in_use < need.count;
  });
}

bool Tokens::take(JobNumber job) {
  const auto found = holders_.find(job);
  if (found == holders_.end()) return true;
  Holder& holder = found->second;
  if (!may_go(holder)) {
    if (holder.ticket) return false;
    holder.ticket = next_ticket_++;
    for (const Need& need : holder.needs) need.token->second.line[*holder.ticket] = job;
    return false;
  }
  ++holder.chunks;
  for (const Need& need : holder.needs) ++need.token->second.in_use;
  step_out(holder);
  return true;
}

void Tokens::give_back(JobNumber job) {
  const auto holder = holders_.find(job);
  if (holder == holders_.end() || holder->second.chunks == 0) return;
  --holder->second.chunks;
  for (const Need& need : holder->second.needs) --need.token->second.in_use;
  call_next(holder->second);
  forget_if_done(holder);
}

void Tokens::leave_line(JobNumber job) {
  const auto holder = holders_.find(job);
  if (holder != holders_.end()) step_out(holder->second);
}

// Those behind may be first now.
void Tokens::step_out(Holder& holder) {
  if (!holder.ticket) return;
  for (const Need& need : holder.needs) need.token->second.line.erase(*holder.ticket);
  holder.ticket.reset();
  holder.called = false;
  call_next(holder);
}

// Whoever is first in a line of `after` and can go, is told so, once.
void Tokens::call_next(const Holder& after) {
  for (const Need& need : after.needs) {
    const auto& line = need.token->second.line;
    if (line.empty()) continue;
    const JobNumber job = line.begin()->second;
    Holder& first = holders_.at(job);
    if (first.called || !may_go(first)) continue;
    first.called = true;
    called_.push_back(job);
  }
}

void Tokens::forget_if_done(Holders::iterator holder) {
  if (!holder->second.ended || holder->second.chunks > 0) return;
  for (const Need& need : holder->second.needs)
    if (--need.token->second.named_by == 0) tokens_.erase(need.token);
  holders_.erase(holder);
}

bool Tokens::held_up(JobNumber job) const {
  const auto holder = holders_.find(job);
  return holder != holders_.end() && holder->second.ticket && !holder->second.called;
}

std::optional<Tokens::JobNumber> Tokens::next_called() {
  while (!called_.empty()) {
    const JobNumber job = called_.front();
    called_.pop_front();
    const auto holder = holders_.find(job);
    if (holder != holders_.end() && holder->second.called) return job;
  }
  return std::nullopt;
}

std::vector<model::TokenStatus> Tokens::uses() const {
  std::vector<model::TokenStatus> uses;
  for (const auto& [name, token] : tokens_)
    if (token.in_use > 0 || !token.line.empty())
      uses.push_back(
          {name, token.in_use, static_cast<std::uint32_t>(token.line.size())});
  return uses;
}

void Tokens::check_invariants(const std::map<JobNumber, std::uint32_t>& chunks) const {
  TALLY_CHECK(called_.empty());
  std::map<const Token*, std::uint32_t> in_use;
  std::map<const Token*, std::uint32_t> named_by;
  std::map<const Token*, std::size_t> waiting;
  for (const auto& [job, holder] : holders_) {
    const auto held = chunks.find(job);
    TALLY_CHECK(holder.chunks == (held == chunks.end() ? 0 : held->second));
    TALLY_CHECK(!holder.ended || (holder.chunks > 0 && !holder.ticket));
    TALLY_CHECK(!holder.called || (holder.ticket && may_go(holder)));
    // Nobody stands and could go, but those who were told.
    TALLY_CHECK(!holder.ticket || holder.called || !may_go(holder));
    for (const Need& need : holder.needs) {
      const Token* token = &need.token->second;
      in_use[token] += holder.chunks;
      ++named_by[token];
      TALLY_CHECK(holder.chunks <= need.count);
      if (!holder.ticket) continue;
      const auto place = token->line.find(*holder.ticket);
      TALLY_CHECK(place != token->line.end() && place->second == job);
      ++waiting[token];
    }
  }
  for (const auto& [name, token] : tokens_) {
    TALLY_CHECK(token.in_use == in_use[&token]);
    TALLY_CHECK(token.named_by == named_by[&token] && token.named_by > 0);
    TALLY_CHECK(token.line.size() == waiting[&token]);
  }
}

}  // namespace tally::sched
