// The header of an .npy file: parse only, no I/O.
//
// Versions 1.0, 2.0 and 3.0. Understood are little-endian and one-byte numbers
// (i1…i8, u1…u8, f4, f8); '|b1' is read as u8. Any number of dimensions: all elements
// are reduced, and indexes count them as they lie in memory, so Fortran order needs no
// care but where elements of two files are paired. A 0-d array is one element.
//
// Trust: total over any bytes; the header's length is bounded before anyone reads it.
// Errors: InvalidData "bad_npy", told with what was expected and what was found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "ipc/base/result.h"
#include "ipc/model/element_type.h"

namespace tally::source {

struct NpyHeader {
  model::ElementType type = model::ElementType::F64;
  std::uint64_t elements = 0;
  std::uint64_t data_offset_bytes = 0;
  // What element lies where: "(2, 3)", "(2, 3) in Fortran order". Lengths of 1 are left
  // out, as they say nothing of it; so it is short. Of no elements: empty.
  std::string layout;
};

inline constexpr std::size_t kNpyPrefixBytes = 12;  // enough for npy_header_bytes()
inline constexpr std::size_t kMaxNpyHeaderBytes = 64 * 1024;  // behind the prefix

// How many bytes the data follow after, told from the file's first kNpyPrefixBytes (or
// all of a shorter file).
Result<std::size_t> npy_header_bytes(std::span<const std::byte> prefix);

// `bytes`: the file's first npy_header_bytes() bytes; more do no harm.
Result<NpyHeader> parse_npy_header(std::span<const std::byte> bytes);

}  // namespace tally::source
