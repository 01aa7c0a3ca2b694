#include "client/check/row_set.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <type_traits>

#include "ipc/model/element_type.h"

namespace tally::check {
namespace {

enum class Flavour { BothSigns, Positive };

// std::mt19937_64 gives the same numbers everywhere; the distributions of the standard
// library do not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
  double unit() { return static_cast<double>(engine_() >> 11U) * 0x1p-53; }

 private:
  std::mt19937_64 engine_;
};

template <typename T>
T element(Random& random, Flavour flavour) {
  if constexpr (std::is_floating_point_v<T>) {
    // Magnitudes apart: a sum in another order has other bits.
    const double size =
        std::ldexp(0.5 + random.unit(), static_cast<int>(random.below(40)) - 20);
    const bool negative = flavour == Flavour::BothSigns && random.below(2) != 0;
    return static_cast<T>(negative ? -size : size);
  } else {
    constexpr std::uint64_t most = sizeof(T) == 1   ? 100
                                   : sizeof(T) == 2 ? 30'000
                                                    : 1'000'000;
    const auto size = static_cast<std::int64_t>(random.below(most) + 1);
    const bool negative =
        std::is_signed_v<T> && flavour == Flavour::BothSigns && random.below(2) != 0;
    return static_cast<T>(negative ? -size : size);
  }
}

RowSet numbers(model::ElementType type, std::uint32_t columns, std::size_t rows,
               Flavour flavour) {
  RowSet set;
  set.title = std::string(model::name_of(type)) +
              (flavour == Flavour::Positive ? ", positive" : "");
  set.type = static_cast<std::int32_t>(type);
  set.rows = rows;
  set.element_bytes = model::size_of(type);
  Random random(static_cast<std::uint64_t>(type) * 2 + 1);
  for (std::uint32_t i = 0; i < columns; ++i) {
    std::vector<std::byte>& column = set.columns.emplace_back(rows * set.element_bytes);
    model::with_type(type, [&](auto zero) {
      using T = decltype(zero);
      for (std::size_t row = 0; row < rows; ++row) {
        const T value = element<T>(random, flavour);
        std::memcpy(column.data() + row * sizeof(T), &value, sizeof(T));
      }
    });
  }
  return set;
}

RowSet texts(std::uint32_t columns, std::size_t rows) {
  RowSet set;
  set.title = "text";
  set.type = TALLY_KERNEL_TYPE_TEXT;
  set.rows = rows;
  set.element_bytes = sizeof(tally_kernel_text);
  Random random(7);
  for (std::uint32_t i = 0; i < columns; ++i) {
    std::vector<std::string>& column = set.texts.emplace_back(rows);
    for (std::string& line : column) {
      for (std::uint64_t words = random.below(6); words != 0; --words) {
        if (!line.empty()) line += ' ';
        line += "word" + std::to_string(random.below(random.below(500) + 1));
      }
    }
  }
  return set;
}

}  // namespace

std::vector<std::vector<RowSet>> generate(const model::KernelInfo& kernel,
                                          std::size_t rows) {
  if (model::takes_text(kernel)) return {{texts(kernel.columns, rows)}};
  std::vector<std::vector<RowSet>> sets;
  for (std::uint8_t number = 1; number <= model::kLastElementType; ++number) {
    if ((kernel.types >> number & 1U) == 0) continue;
    const auto type = static_cast<model::ElementType>(number);
    std::vector<RowSet>& of_type = sets.emplace_back();
    of_type.push_back(numbers(type, kernel.columns, rows, Flavour::BothSigns));
    of_type.push_back(numbers(type, kernel.columns, rows, Flavour::Positive));
  }
  return sets;
}

TriedBlock::TriedBlock(const RowSet& rows, std::size_t begin, std::size_t end)
    : count_(end - begin) {
  const bool text = rows.type == TALLY_KERNEL_TYPE_TEXT;
  const std::size_t columns = text ? rows.texts.size() : rows.columns.size();
  column_bytes_ = (count_ * rows.element_bytes + 63) / 64 * 64 + 64;
  memory_.resize(columns * column_bytes_ + 64);
  texts_.resize(text ? columns : 0);
  for (std::size_t i = 0; i < columns; ++i) {
    values_.push_back(aligned(i));
    if (!text) {
      std::memcpy(aligned(i), rows.columns[i].data() + begin * rows.element_bytes,
                  count_ * rows.element_bytes);
      continue;
    }
    for (std::size_t row = begin; row < end; ++row) texts_[i] += rows.texts[i][row];
    auto* cells = reinterpret_cast<tally_kernel_text*>(aligned(i));
    const char* at = texts_[i].data();
    for (std::size_t row = 0; row < count_; ++row) {
      cells[row] = {at, rows.texts[i][begin + row].size()};
      at += cells[row].size;
    }
  }
  before_ = memory_;
  texts_before_ = texts_;
  block_.struct_size = sizeof block_;
  block_.type = rows.type;
  block_.columns = static_cast<std::uint32_t>(columns);
  block_.count = count_;
  block_.values = values_.data();
  block_.first_row = begin;
  block_.file_name = rows.file_name.c_str();
}

std::byte* TriedBlock::aligned(std::size_t column) {
  const auto beyond = reinterpret_cast<std::uintptr_t>(memory_.data()) % 64;
  return memory_.data() + (64 - beyond) % 64 + column * column_bytes_;
}

bool TriedBlock::changed() const {
  return memory_ != before_ || texts_ != texts_before_;
}

}  // namespace tally::check
