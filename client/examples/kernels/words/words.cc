// words: how many words a text has, how many different ones, and the most frequent.
// The state has no fixed size, so it says itself how it travels: save and load. A map
// in order of its keys writes equal states as equal bytes.
#include <map>
#include <tally/tally_kernel.hpp>

struct Words {
  static constexpr auto name = "words";
  static constexpr auto summary =
      "words between white space: all, different, the most frequent";
  static constexpr bool exact = true;

  std::map<std::string, std::uint64_t, std::less<>> counts;

  void update(std::span<const std::string_view> lines) {
    for (std::string_view line : lines) {
      while (!line.empty()) {
        const std::size_t end = std::min(line.find_first_of(" \t\v\f\r"), line.size());
        if (end != 0) add(line.substr(0, end), 1);
        line.remove_prefix(std::min(end + 1, line.size()));
      }
    }
  }

  void merge(const Words& other) {
    for (const auto& [word, count] : other.counts) add(word, count);
  }

  tally::kernel::Outputs finish() const {
    std::uint64_t all = 0;
    const std::pair<const std::string, std::uint64_t>* most = nullptr;
    for (const auto& entry : counts) {
      all += entry.second;
      if (most == nullptr || entry.second > most->second) most = &entry;
    }
    tally::kernel::Outputs outputs{{"all", all}, {"different", counts.size()}};
    if (most == nullptr) {
      outputs.push_back({"most", tally::kernel::none("there are no words")});
    } else {
      outputs.push_back({"most", most->first});
      outputs.push_back({"times", most->second});
    }
    return outputs;
  }

  void save(tally::kernel::Writer& to) const {
    to.write(std::uint64_t{counts.size()});
    for (const auto& [word, count] : counts) {
      to.write(word);
      to.write(count);
    }
  }

  void load(tally::kernel::Reader& from) {
    for (std::size_t left = from.count(16); left != 0; --left) {
      const std::string_view word = from.text();
      counts.emplace(word, from.read<std::uint64_t>());
    }
  }

  void add(std::string_view word, std::uint64_t count) {
    const auto found = counts.find(word);
    if (found != counts.end())
      found->second += count;
    else
      counts.emplace(word, count);
  }
};
TALLY_KERNEL(Words)
