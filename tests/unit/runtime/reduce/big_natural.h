// BigNatural: natural numbers of any size, by the schoolbook, in decimal digits.
//
// For oracles: nothing here is shared with the engine's limbs.
#pragma once

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tally::reduce::testing {

class BigNatural {
 public:
  BigNatural(std::uint64_t value = 0) {
    for (; value != 0; value /= kBase) digits_.push_back(value % kBase);
  }

  // value * 2^1075. Precondition: value is finite and not negative.
  static BigNatural scaled(double value) {
    int exponent = 0;
    const double fraction = std::frexp(value, &exponent);
    const int shift = exponent + 1075 - 53;  // down to -1074 + 1075
    const auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
    if (shift < 0) return mantissa >> -shift;  // a subnormal: nothing is lost
    static const std::vector<BigNatural> kPowers = [] {
      std::vector<BigNatural> powers{1};
      while (powers.size() < 2048) powers.push_back(powers.back() + powers.back());
      return powers;
    }();
    return BigNatural(mantissa) * kPowers[static_cast<std::size_t>(shift)];
  }

  friend BigNatural operator+(const BigNatural& a, const BigNatural& b) {
    BigNatural sum;
    std::uint64_t carry = 0;
    for (std::size_t i = 0; carry != 0 || i < std::max(a.size(), b.size()); ++i) {
      carry += a.digit(i) + b.digit(i);
      sum.digits_.push_back(carry % kBase);
      carry /= kBase;
    }
    return sum;
  }

  // |a - b|
  static BigNatural distance(const BigNatural& a, const BigNatural& b) {
    if (a < b) return distance(b, a);
    BigNatural difference;
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::uint64_t taken = b.digit(i) + borrow;
      borrow = a.digits_[i] < taken ? 1 : 0;
      difference.digits_.push_back(a.digits_[i] + borrow * kBase - taken);
    }
    difference.trim();
    return difference;
  }

  friend BigNatural operator*(const BigNatural& a, const BigNatural& b) {
    BigNatural product;
    product.digits_.resize(a.size() + b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      std::uint64_t carry = 0;
      for (std::size_t j = 0; j < b.size() || carry != 0; ++j) {
        carry += product.digits_[i + j] + a.digits_[i] * b.digit(j);
        product.digits_[i + j] = carry % kBase;
        carry /= kBase;
      }
    }
    product.trim();
    return product;
  }

  friend bool operator==(const BigNatural& a, const BigNatural& b) = default;
  friend std::strong_ordering operator<=>(const BigNatural& a, const BigNatural& b) {
    if (a.size() != b.size()) return a.size() <=> b.size();
    for (std::size_t i = a.size(); i-- > 0;)
      if (a.digits_[i] != b.digits_[i]) return a.digits_[i] <=> b.digits_[i];
    return std::strong_ordering::equal;
  }

 private:
  static constexpr std::uint64_t kBase = 1'000'000'000;

  std::size_t size() const { return digits_.size(); }
  std::uint64_t digit(std::size_t i) const { return i < size() ? digits_[i] : 0; }
  void trim() {
    while (!digits_.empty() && digits_.back() == 0) digits_.pop_back();
  }

  std::vector<std::uint64_t> digits_;  // base 10^9, least first, none zero at the top
};

}  // namespace tally::reduce::testing
