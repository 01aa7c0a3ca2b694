// kernel_adapter.hpp: how a class becomes a table of functions. Part of
// tally_kernel.hpp, which says what the class may have; nothing here is for use
// elsewhere.
#ifndef TALLY_CPP_KERNEL_ADAPTER_HPP_
#define TALLY_CPP_KERNEL_ADAPTER_HPP_

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tally/tally_kernel.hpp>

#pragma GCC visibility push(hidden)
namespace tally::kernel {
namespace detail {

using AllTypes =
    Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t,
          std::uint16_t, std::uint32_t, std::uint64_t, float, double, std::string_view>;

template <typename T>
constexpr int number_of() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, std::string_view>) return TALLY_KERNEL_TYPE_TEXT;
  if constexpr (std::is_same_v<U, double>) return TALLY_KERNEL_TYPE_F64;
  if constexpr (std::is_same_v<U, float>) return TALLY_KERNEL_TYPE_F32;
  constexpr int first =
      std::is_signed_v<U> ? TALLY_KERNEL_TYPE_I8 : TALLY_KERNEL_TYPE_U8;
  return first + (sizeof(U) == 1 ? 0 : sizeof(U) == 2 ? 1 : sizeof(U) == 4 ? 2 : 3);
}

template <typename T, std::size_t>
using Column = std::span<const T>;

// Whether K has an update for columns of T, and whether that wants the Block too.
template <typename K, typename T, std::size_t... I>
constexpr int update_kind(std::index_sequence<I...>) {
  if constexpr (requires(K & k, Column<T, I>... columns) { k.update(columns...); })
    return 1;
  else if constexpr (requires(K & k, const Block& block, Column<T, I>... columns) {
                       k.update(columns..., block);
                     })
    return 2;
  else
    return 0;
}
template <typename K, typename T, std::size_t N>
inline constexpr int kUpdateKind = update_kind<K, T>(std::make_index_sequence<N>());

template <typename K, std::size_t N, typename... T>
constexpr std::uint64_t types_of(Types<T...>) {
  return ((kUpdateKind<K, T, N> != 0 ? TALLY_KERNEL_TAKES(number_of<T>()) : 0) | ...);
}
template <typename K, std::size_t N>
constexpr std::uint64_t types_taken() {
  if constexpr (requires { typename K::types; })
    return types_of<K, N>(typename K::types{});
  const std::uint64_t all = types_of<K, N>(AllTypes{});
  // A template that takes anything takes numbers.
  const std::uint64_t text = TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_TEXT);
  return all == text ? all : all & ~text;
}
template <typename K, std::size_t N = 1>
constexpr std::size_t columns_of() {
  if constexpr (types_taken<K, N>() != 0)
    return N;
  else if constexpr (N < 16)
    return columns_of<K, N + 1>();
  else
    return 0;
}

template <typename K>
concept HasName = requires {
  { K::name } -> std::convertible_to<const char*>;
};
template <typename K>
concept HasMerge = requires(K& into, const K& from) {
  into.merge(from);
};
template <typename K>
concept HasFinish = requires(const K& k) {
  { k.finish() } -> std::convertible_to<Output>;
}
|| requires(const K& k) {
  { k.finish() } -> std::convertible_to<Outputs>;
};
template <typename K>
concept Travels = std::is_trivially_copyable_v<K> ||
    requires(K& k, const K& c, Writer& w, Reader& r) {
  c.save(w);
  k.load(r);
};
template <typename K>
inline constexpr bool kHasSave = requires(const K& k, Writer& writer) {
  k.save(writer);
};

template <typename K>
struct Adapter {
  static_assert(HasName<K>, "a kernel needs: static constexpr auto name = \"...\";");
  static_assert(columns_of<K>() != 0,
                "a kernel needs: void update(std::span<const double>), or of another "
                "element type or std::string_view, one span a column");
  static_assert(HasMerge<K>, "a kernel K needs: void merge(const K& other)");
  static_assert(HasFinish<K>,
                "a kernel needs: finish() const, which gives a number, a text, "
                "tally::kernel::Output or Outputs");
  static_assert(
      Travels<K>,
      "a kernel whose state is not trivially copyable needs: void "
      "save(tally::kernel::Writer&) const; void load(tally::kernel::Reader&)");
  static_assert(std::is_default_constructible_v<K> ||
                    std::is_constructible_v<K, const Parameters&>,
                "a kernel needs a default constructor, or one from "
                "const tally::kernel::Parameters&");
  static_assert(alignof(K) <= 64, "a state is aligned to 64 bytes, no more");

  static constexpr std::size_t kColumns = columns_of<K>();
  static constexpr std::uint64_t kTypes = types_taken<K, kColumns>();

  static K& of(void* state) { return *std::launder(static_cast<K*>(state)); }
  static const K& of(const void* state) {
    return *std::launder(static_cast<const K*>(state));
  }

  // Failures become messages; what else is thrown is the host's to tell.
  template <typename F>
  static int told(tally_kernel_run* run, F&& body) {
    try {
      return body();
    } catch (const Failure& failure) {
      return tally_kernel_fail(run, failure.what());
    }
  }

  static int init(tally_kernel_run* run, void* state) {
    return told(run, [&] {
      if constexpr (std::is_constructible_v<K, const Parameters&>)
        new (state) K(Parameters(run));
      else
        new (state) K();
      return 0;
    });
  }

  template <typename T, std::size_t... I>
  static void call(K& state, const Block& where,
                   const std::array<const T*, kColumns>& columns, std::size_t count,
                   std::index_sequence<I...>) {
    if constexpr (kUpdateKind<K, T, kColumns> == 2)
      state.update(std::span<const T>(columns[I], count)..., where);
    else
      state.update(std::span<const T>(columns[I], count)...);
  }

  template <typename T>
  static void update_numbers(tally_kernel_run* run, K& state,
                             const tally_kernel_block* block) {
    std::array<const T*, kColumns> columns;
    for (std::size_t i = 0; i < kColumns; ++i)
      columns[i] = static_cast<const T*>(block->values[i]);
    call<T>(state, Block(run, block, 0), columns, block->count,
            std::make_index_sequence<kColumns>());
  }

  // Texts go as string_views, some hundred at a time.
  static void update_text(tally_kernel_run* run, K& state,
                          const tally_kernel_block* block) {
    constexpr std::size_t kAtOnce = 256;
    std::array<std::array<std::string_view, kAtOnce>, kColumns> views;
    for (std::size_t at = 0; at < block->count; at += kAtOnce) {
      const std::size_t left = block->count - at;
      const std::size_t count = left < kAtOnce ? left : kAtOnce;
      std::array<const std::string_view*, kColumns> columns;
      for (std::size_t i = 0; i < kColumns; ++i) {
        const auto* texts =
            static_cast<const tally_kernel_text*>(block->values[i]) + at;
        for (std::size_t j = 0; j < count; ++j)
          views[i][j] = {texts[j].data, texts[j].size};
        columns[i] = views[i].data();
      }
      call<std::string_view>(state, Block(run, block, at), columns, count,
                             std::make_index_sequence<kColumns>());
    }
  }

  template <typename T>
  static bool try_update(tally_kernel_run* run, K& state,
                         const tally_kernel_block* block) {
    constexpr int kType = number_of<T>();
    if constexpr ((kTypes & TALLY_KERNEL_TAKES(kType)) != 0) {
      if (block->type != kType) return false;
      if constexpr (kType == TALLY_KERNEL_TYPE_TEXT)
        update_text(run, state, block);
      else
        update_numbers<T>(run, state, block);
      return true;
    }
    return false;
  }

  template <typename... T>
  static int update_any(tally_kernel_run* run, K& state,
                        const tally_kernel_block* block, Types<T...>) {
    const bool done = (try_update<T>(run, state, block) || ...);
    return done ? 0 : tally_kernel_fail(run, "elements of a type it does not take");
  }
  static int update(tally_kernel_run* run, void* state,
                    const tally_kernel_block* block) {
    return told(run, [&] { return update_any(run, of(state), block, AllTypes{}); });
  }

  static int merge(tally_kernel_run* run, void* into, const void* from) {
    return told(run, [&] {
      of(into).merge(of(from));
      return 0;
    });
  }

  static int finish(tally_kernel_run* run, const void* state) {
    return told(run, [&] {
      if constexpr (requires(const K& k) {
                      { k.finish() } -> std::convertible_to<Output>;
                    }) {
        return Output(of(state).finish()).emit(run, "");
      } else {
        for (const Named& output : Outputs(of(state).finish()))
          if (const int failed = output.value.emit(run, output.label.c_str()))
            return failed;
        return 0;
      }
    });
  }

  static int serialize(tally_kernel_run* run, const void* state) {
    return told(run, [&] {
      Writer writer(run);
      of(state).save(writer);
      return 0;
    });
  }
  static int deserialize(tally_kernel_run* run, void* state, const void* bytes,
                         std::size_t size) {
    return told(run, [&] {
      Reader reader(bytes, size);
      of(state).load(reader);
      if (!reader.at_end()) fail("a state with bytes behind its end");
      return 0;
    });
  }
  static void destroy(tally_kernel_run*, void* state) { of(state).~K(); }

  static constexpr tally_kernel table() {
    tally_kernel made{};
    made.abi = TALLY_KERNEL_ABI;
    made.struct_size = sizeof(tally_kernel);
    made.name = K::name;
    if constexpr (requires { K::summary; }) made.summary = K::summary;
    made.types = kTypes;
    made.columns = static_cast<std::uint32_t>(kColumns);
    if constexpr (requires { K::exact; })
      made.flags |= K::exact ? TALLY_KERNEL_EXACT : 0;
    if constexpr (requires { K::sync; }) made.flags |= K::sync ? TALLY_KERNEL_SYNC : 0;
    if constexpr (requires { K::parameters; }) {
      made.parameters = std::data(K::parameters);
      made.parameter_count = std::size(K::parameters);
    }
    made.state_size = sizeof(K);
    made.init = init;
    made.update = update;
    made.merge = merge;
    made.finish = finish;
    if constexpr (!std::is_trivially_copyable_v<K> || kHasSave<K>) {
      made.serialize = serialize;
      made.deserialize = deserialize;
    }
    if constexpr (!std::is_trivially_destructible_v<K>) made.destroy = destroy;
    return made;
  }
};

template <typename... K>
const tally_kernel* const* list() {
  static constexpr tally_kernel tables[] = {Adapter<K>::table()...};
  static const tally_kernel* pointers[sizeof...(K) + 1] = {};
  for (std::size_t i = 0; i < sizeof...(K); ++i) pointers[i] = &tables[i];
  return pointers;
}

}  // namespace detail
}  // namespace tally::kernel
#pragma GCC visibility pop

#endif  // TALLY_CPP_KERNEL_ADAPTER_HPP_
