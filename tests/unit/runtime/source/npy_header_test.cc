#include "runtime/source/npy_header.h"

#include <gtest/gtest.h>

#include <ostream>
#include <random>

#include "tests/unit/runtime/source/test_files.h"

namespace tally::source {
namespace {

using model::ElementType;
using test::npy_of;
using test::says;

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Result<NpyHeader> parse(std::string_view file) {
  return parse_npy_header(as_bytes(file));
}

Result<NpyHeader> parse_dict(const std::string& dict) {
  return parse(npy_of(dict, ""));
}

std::string dict_of(const std::string& descr, const std::string& shape) {
  return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }";
}

TEST(NpyHeader, AsNumpyWritesIt) {
  const std::string file = npy_of(dict_of("'<f8'", "(3,)"), "");
  EXPECT_EQ(file.size(), 128U);  // what numpy's own comes to
  const auto header = parse(file);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, ElementType::F64);
  EXPECT_EQ(header->elements, 3U);
  EXPECT_EQ(header->data_offset_bytes, 128U);
}

TEST(NpyHeader, EveryTypeOfOurs) {
  const std::pair<const char*, ElementType> types[] = {
      {"'|i1'", ElementType::I8},  {"'<i2'", ElementType::I16},
      {"'<i4'", ElementType::I32}, {"'<i8'", ElementType::I64},
      {"'|u1'", ElementType::U8},  {"'<u2'", ElementType::U16},
      {"'<u4'", ElementType::U32}, {"'<u8'", ElementType::U64},
      {"'<f4'", ElementType::F32}, {"'=f8'", ElementType::F64},
      {"'|b1'", ElementType::U8},  {"'>u1'", ElementType::U8}};
  for (const auto& [descr, type] : types) {
    const auto header = parse_dict(dict_of(descr, "(1,)"));
    ASSERT_TRUE(header) << descr;
    EXPECT_EQ(header->type, type) << descr;
  }
}

TEST(NpyHeader, ShapesMultiply) {
  const std::pair<const char*, std::uint64_t> shapes[] = {
      {"()", 1},        {"(0,)", 0},        {"(3, 4)", 12},   {"(2,3,4)", 24},
      {"(5, 0, 7)", 0}, {"( 2 , 3 , )", 6}, {"(3L, 4L)", 12}, {"(1,)", 1}};
  for (const auto& [shape, elements] : shapes) {
    const auto header = parse_dict(dict_of("'<f8'", shape));
    ASSERT_TRUE(header) << shape;
    EXPECT_EQ(header->elements, elements) << shape;
  }
}

TEST(NpyHeader, TellsWhatLiesWhere) {
  const std::pair<std::string, const char*> layouts[] = {
      {"()", "()"},      {"(1, 1)", "()"},     {"(4,)", "(4)"},
      {"(1, 4)", "(4)"}, {"(2, 2)", "(2, 2)"}, {"(2, 1, 3)", "(2, 3)"},
      {"(2, 0, 3)", ""}};
  for (const auto& [shape, layout] : layouts) {
    const std::string dict = dict_of("'<f8'", shape);
    EXPECT_EQ(parse_dict(dict)->layout, layout) << shape;
    std::string turned = dict;
    turned.replace(turned.find("False"), 5, "True");
    const bool matters = std::string_view(layout).find(',') != std::string::npos;
    EXPECT_EQ(parse_dict(turned)->layout,
              std::string(layout) + (matters ? " in Fortran order" : ""))
        << shape;
  }
}

TEST(NpyHeader, OrderSpacingAndQuotesAreFree) {
  const auto header =
      parse_dict("  {\"shape\":(2,),\n \"fortran_order\" : True ,\"descr\":\"<i4\"}  ");
  ASSERT_TRUE(header);
  EXPECT_EQ(header->elements, 2U);
  EXPECT_EQ(header->type, ElementType::I32);
}

TEST(NpyHeader, VersionsTwoAndThreeHaveLongLengths) {
  for (const char version : {'\x02', '\x03'}) {
    std::string dict = dict_of("'<f8'", "(3,)") + "\n";
    std::string file = "\x93NUMPY";
    file += version;
    file += '\0';
    file += static_cast<char>(dict.size());
    file += std::string(3, '\0');
    const auto header = parse(file + dict);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->data_offset_bytes, 12 + dict.size());
  }
}

TEST(NpyHeader, DtypesWeDoNotReadAreNamed) {
  const std::pair<const char*, const char*> types[] = {
      {"'|O'", "Python objects"},
      {"'<c16'", "complex"},
      {"'<U5'", "strings"},
      {"'|S3'", "byte strings"},
      {"'>f8'", "big-endian"},
      {"'<f2'", "'<f2'"},
      {"'<M8[ns]'", "dates"},
      {"''", "''"},
      {"'|V16'", "records"},
      {"[('a', '<f8'), ('b', '<i4')]", "structured"},
      {"'<f16'", "'<f16'"},
      {"'<'", "'<'"},
      {"'x'", "'x'"}};
  for (const auto& [descr, part] : types) {
    const auto header = parse_dict(dict_of(descr, "(1,)"));
    ASSERT_FALSE(header) << descr;
    EXPECT_EQ(header.error().errc(), Errc::InvalidData);
    EXPECT_EQ(header.error().code(), "bad_npy");
    EXPECT_TRUE(says(header.error(), part)) << header.error().message();
  }
}

TEST(NpyHeader, SizesThatOverflowAreErrors) {
  for (const char* shape : {"(18446744073709551616,)", "(4294967296, 4294967296)",
                            "(0, 4294967296, 4294967296)", "(2305843009213693952,)",
                            "(1152921504606846976,)", "(-1,)", "(1e3,)", "(1.5,)", "(",
                            "(1", "(1 2)", "(,)", "5", "[1]"})
    EXPECT_FALSE(parse_dict(dict_of("'<f8'", shape))) << shape;
}

TEST(NpyHeader, BrokenDictsAreErrors) {
  for (const char* dict :
       {"", "{", "}", "{}", "{'descr': '<f8'}", "{'descr': '<f8', 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1,)}",
        "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr' '<f8', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8' 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8, 'fortran_order': False, 'shape': (1,)}",
        "{descr: '<f8', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': 8, 'fortran_order': False, 'shape': (1,)}", "(1, 2)"}) {
    const auto header = parse_dict(dict);
    ASSERT_FALSE(header) << dict;
    EXPECT_EQ(header.error().code(), "bad_npy");
  }
}

TEST(NpyHeader, TheLengthIsBoundedBeforeItIsBelieved) {
  std::string file = "\x93NUMPY";
  file += '\x02';
  file += '\0';
  file += "\xFF\xFF\xFF\x7F";
  const auto bytes = npy_header_bytes(as_bytes(file));
  ASSERT_FALSE(bytes);
  EXPECT_TRUE(says(bytes.error(), "2147483647")) << bytes.error().message();
}

// Found by fuzzing: the bound is of the text, the data follow behind the prefix too.
TEST(NpyHeader, TheBoundIsOfWhatFollowsThePrefix) {
  std::string file = "\x93NUMPY";
  file += '\x02';
  file += '\0';
  const auto bytes = npy_header_bytes(as_bytes(file + std::string("\0\0\x01\0", 4)));
  ASSERT_TRUE(bytes) << bytes.error().message();
  EXPECT_EQ(*bytes, kNpyPrefixBytes + kMaxNpyHeaderBytes);
  EXPECT_FALSE(npy_header_bytes(as_bytes(file + std::string("\x01\0\x01\0", 4))));
}

TEST(NpyHeader, OtherFilesAndVersionsAreToldApart) {
  EXPECT_TRUE(says(parse("id,temp\n1,2\n").error(), "not an npy file"));
  EXPECT_FALSE(parse(""));
  std::string file = npy_of(dict_of("'<f8'", "(1,)"), "");
  file[6] = '\x04';
  EXPECT_TRUE(says(parse(file).error(), "4.0 found"));
}

TEST(NpyHeader, EveryPrefixIsAnError) {
  const std::string file = npy_of(dict_of("'<f8'", "(3,)"), "");
  for (std::size_t length = 0; length < file.size(); ++length) {
    // A buffer of its own, so that a sanitizer sees a look past the end.
    const std::vector<char> copy(file.begin(),
                                 file.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(parse({copy.data(), copy.size()})) << length;
  }
}

TEST(NpyHeader, DamagedHeadersNeverCrash) {
  const std::string file = npy_of(dict_of("'<f8'", "(3, 4)"), "");
  std::mt19937 random(1);
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = file;
    for (int hit = 0; hit < 3; ++hit)
      damaged[random() % 80] = static_cast<char>(random() % 256);
    refused += !parse(damaged);
  }
  EXPECT_GT(refused, 15'000U);
}

}  // namespace
}  // namespace tally::source
