#include "runtime/plan/kernel_plan.h"

#include <gtest/gtest.h>

#include <string>

namespace tally::plan {
namespace {

constexpr std::uint64_t bit(model::ElementType type) {
  return std::uint64_t{1} << static_cast<unsigned>(type);
}

KnownKernel kernel(std::uint32_t columns = 1) {
  KnownKernel known;
  known.info.name = "logsum";
  known.info.columns = columns;
  known.info.types = bit(model::ElementType::F64);
  known.info.parameters = {{"base", "of the logarithm", {}}, {"floor", "least", "0"}};
  known.image = {std::byte{7}};
  known.image_name = "liblogsum.so";
  return known;
}

// What a reducer with these arguments and column asks for, or the error's code.
Result<KernelRequest> plan_of(std::vector<std::string> args, const std::string& column,
                              std::uint32_t columns = 1) {
  return plan_kernel({"logsum", std::move(args), column, "x"}, kernel(columns));
}

std::string refusal(std::vector<std::string> args, const std::string& column,
                    std::uint32_t columns = 1) {
  const Result<KernelRequest> request = plan_of(std::move(args), column, columns);
  if (request) return "accepted";
  EXPECT_EQ(request.error().errc(), Errc::InvalidArgument);
  return request.error().code();
}

using Columns = std::vector<std::string>;

TEST(KernelPlan, ArgumentsWithAnEqualsSignAreParametersTheOthersColumns) {
  const auto request = plan_of({" x ", "base = 2", "y"}, "", 2);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->columns, (Columns{"x", "y"}));
  ASSERT_EQ(request->task.arguments.size(), 1U);
  EXPECT_EQ(request->task.arguments[0].name, "base");
  EXPECT_EQ(request->task.arguments[0].value, "2");
  EXPECT_EQ(request->task.kernel, "logsum");
  EXPECT_EQ(request->task.image_name, "liblogsum.so");
  EXPECT_EQ(request->task.image, kernel().image);
}

TEST(KernelPlan, AValueMayBeEmptyAndHaveAnEqualsSign) {
  EXPECT_EQ(plan_of({"base=a=b"}, "x")->task.arguments[0].value, "a=b");
  EXPECT_EQ(plan_of({"base="}, "x")->task.arguments[0].value, "");
}

TEST(KernelPlan, AColumnMayStandBehindAColonAsForBuiltInReducers) {
  EXPECT_EQ(plan_of({"base=2"}, "price")->columns, (Columns{"price"}));
  EXPECT_EQ(plan_of({"x", "base=2"}, "y", 2)->columns, (Columns{"x", "y"}));
}

TEST(KernelPlan, TheOnlyColumnNeedsNoName) {
  EXPECT_EQ(plan_of({"base=2"}, "")->columns, (Columns{""}));
  EXPECT_EQ(refusal({"base=2"}, "", 2), "kernel_columns");
}

TEST(KernelPlan, TooFewAndTooManyColumnsAreToldWithHowToWriteIt) {
  EXPECT_EQ(refusal({"x", "y", "base=2"}, ""), "kernel_columns");
  EXPECT_EQ(refusal({"x", "base=2"}, "y"), "kernel_columns");
  const auto few = plan_of({"x", "base=2"}, "", 2);
  ASSERT_FALSE(few);
  EXPECT_NE(few.error().message().find("logsum(column1,column2)"), std::string::npos);
}

TEST(KernelPlan, ParametersAreThoseOfTheKernelOnceEach) {
  EXPECT_EQ(refusal({"base=2", "base=3"}, "x"), "repeated_parameter");
  EXPECT_EQ(refusal({}, "x"), "missing_parameter");
  EXPECT_EQ(refusal({"floor=1"}, "x"), "missing_parameter");
  const auto unknown = plan_of({"bose=2"}, "x");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), "unknown_parameter");
  EXPECT_NE(unknown.error().message().find("did you mean 'base'?"), std::string::npos);
  EXPECT_EQ(*unknown.error().field("parameter"), Error::FieldValue("bose"));
}

TEST(KernelPlan, TheFirstKernelOfANameCounts) {
  std::vector<KnownKernel> kernels{kernel(), kernel()};
  kernels[1].image_name = "other.so";
  EXPECT_EQ(find_kernel(kernels, "logsum"), kernels.data());
  EXPECT_EQ(find_kernel(kernels, "LOGSUM"), nullptr);
  EXPECT_EQ(find_kernel({}, "logsum"), nullptr);
}

TEST(KernelPlan, ElementsAreTakenAsTheyAreOrAsDoubles) {
  model::KernelInfo info = kernel().info;
  EXPECT_TRUE(check_type(info, model::ElementType::F64));
  EXPECT_TRUE(check_type(info, model::ElementType::U64));
  info.types = bit(model::ElementType::I8) | bit(model::ElementType::F32);
  EXPECT_TRUE(check_type(info, model::ElementType::I8));
  const Result<void> refused = check_type(info, model::ElementType::U8);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "kernel_type");
  EXPECT_NE(refused.error().message().find("takes i8, f32, and the elements are u8"),
            std::string::npos);
}

TEST(KernelPlan, TypesAreWrittenInWords) {
  EXPECT_EQ(model::type_names(model::kTextBit, ", "), "text");
  EXPECT_EQ(model::type_names(bit(model::ElementType::F64), ", "), "f64");
  EXPECT_EQ(model::type_names(0, ", "), "");
}

}  // namespace
}  // namespace tally::plan
