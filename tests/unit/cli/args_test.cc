#include "client/cli/args.h"

#include <gtest/gtest.h>

#include "client/cli/command.h"
#include "tests/unit/cli/parsed.h"

namespace tally::cli {
namespace {

TEST(ArgsTest, OptionsStandAnywhereOnTheLine) {
  for (const auto& words :
       {std::vector<const char*>{"--json", "run", "sum", "a.csv"},
        std::vector<const char*>{"run", "--json", "sum", "a.csv"},
        std::vector<const char*>{"run", "sum", "a.csv", "--json"}}) {
    const Result<Args> args = parse_args(words);
    ASSERT_TRUE(args) << message_of(args);
    EXPECT_EQ(args->verb, "run");
    EXPECT_EQ(args->operands, (std::vector<std::string>{"sum", "a.csv"}));
    EXPECT_TRUE(args->has(Option::Json));
  }
}

TEST(ArgsTest, ValuesFollowOrAreJoinedByAnEqualsSign) {
  EXPECT_EQ(parsed({"run", "--range", "0:5"}).value(Option::Range), "0:5");
  EXPECT_EQ(parsed({"run", "--range=0:5"}).value(Option::Range), "0:5");
  EXPECT_EQ(parsed({"run", "--delimiter=="}).value(Option::Delimiter), "=");
  EXPECT_EQ(parsed({"run", "--values="}).value(Option::Values), "");
}

TEST(ArgsTest, AValueMayStartWithADash) {
  EXPECT_EQ(parsed({"run", "--values", "-1,2"}).value(Option::Values), "-1,2");
  EXPECT_EQ(parsed({"run", "--range", "-5:5"}).value(Option::Range), "-5:5");
  EXPECT_EQ(parsed({"run", "--delimiter", "-"}).value(Option::Delimiter), "-");
}

TEST(ArgsTest, AnOptionIsNotTakenForAValue) {
  EXPECT_EQ(code_of(parse({"run", "--range", "--json"})), "missing_value");
  EXPECT_EQ(code_of(parse({"run", "--range", "-q"})), "missing_value");
  EXPECT_EQ(code_of(parse({"run", "--range"})), "missing_value");
}

TEST(ArgsTest, WordsAfterTwoDashesAreOperands) {
  const Args args = parsed({"run", "sum", "--", "--json", "-q", "--"});
  EXPECT_EQ(args.operands, (std::vector<std::string>{"sum", "--json", "-q", "--"}));
  EXPECT_FALSE(args.has(Option::Json));
}

TEST(ArgsTest, OperandsAreTakenAsTheyAre) {
  const Args args = parsed({"run", "sum", "[x]", "-", "010", "", "a=b"});
  EXPECT_EQ(args.operands,
            (std::vector<std::string>{"sum", "[x]", "-", "010", "", "a=b"}));
}

TEST(ArgsTest, LettersStandForTheirOptions) {
  EXPECT_TRUE(parsed({"run", "-q"}).has(Option::Quiet));
  EXPECT_TRUE(parsed({"-h"}).has(Option::Help));
  EXPECT_EQ(code_of(parse({"run", "-x"})), "unknown_option");
}

TEST(ArgsTest, AnUnknownOptionIsNamedWithTheNearest) {
  const Result<Args> args = parse({"run", "--rnage=0:5"});
  EXPECT_EQ(code_of(args), "unknown_option");
  EXPECT_EQ(message_of(args), "unknown option --rnage; did you mean --range?");
}

TEST(ArgsTest, FlagsTakeNoValueAndValuesAreGivenOnce) {
  EXPECT_EQ(code_of(parse({"run", "--json=yes"})), "unexpected_value");
  EXPECT_EQ(code_of(parse({"run", "--chunk", "1", "--chunk", "2"})), "repeated_option");
  EXPECT_TRUE(parsed({"run", "--json", "--json"}).has(Option::Json));
}

TEST(ArgsTest, TheTableIsInTheOrderOfTheOptions) {
  for (const OptionInfo& info : all_options())
    EXPECT_EQ(info_of(info.option).name, info.name);
}

TEST(CommandTest, AnUnknownCommandIsNamedWithTheNearest) {
  const Result<const Command*> found = find_command("comapre");
  EXPECT_EQ(code_of(found), "unknown_command");
  EXPECT_NE(message_of(found).find("\"comapre\"; did you mean compare?"),
            std::string::npos);
  EXPECT_NE(message_of(found).find("explain"), std::string::npos);
}

TEST(CommandTest, EveryCommandIsFoundByItsNameAndHelpsItself) {
  for (const Command* command : all_commands()) {
    const Result<const Command*> found = find_command(command->name);
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, command);
    EXPECT_TRUE(command->options.has(Option::Help)) << command->name;
    EXPECT_TRUE(command->options.has(Option::Json)) << command->name;
    EXPECT_TRUE(command->details.ends_with('\n')) << command->name;
    EXPECT_TRUE(command->examples.ends_with('\n')) << command->name;
    EXPECT_NE(help_text().find(command->summary), std::string::npos);
  }
}

TEST(CommandTest, OptionsAndOperandsThatDoNotApplyAreRefused) {
  EXPECT_EQ(code_of(check_accepted(kStatusCommand, parsed({"status", "--path", "x"}))),
            "option_does_not_apply");
  EXPECT_EQ(code_of(check_accepted(kCompareCommand, parsed({"compare", "--hint=io"}))),
            "option_does_not_apply");
  EXPECT_EQ(code_of(check_accepted(kPingCommand, parsed({"ping", "me"}))),
            "unexpected_argument");
  EXPECT_TRUE(check_accepted(kRunCommand, parsed({"run", "sum", "--hint=io", "-q"})));
}

TEST(ArgsTest, AValueThatMayBeLeftAwayIsTheNextWordOnlyIfItIsANumber) {
  const auto watch = [](const std::vector<const char*>& words) {
    return parse_args(words);
  };
  const Result<Args> with = watch({"status", "--watch", "0.5", "--json"});
  ASSERT_TRUE(with);
  EXPECT_EQ(with->value(Option::Watch), "0.5");
  EXPECT_TRUE(with->operands.empty());
  const Result<Args> joined = watch({"status", "--watch=1min"});
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->value(Option::Watch), "1min");
  for (const auto& words : {std::vector<const char*>{"status", "--watch"},
                            std::vector<const char*>{"--watch", "status"},
                            std::vector<const char*>{"--watch", "--json", "status"}}) {
    const Result<Args> without = watch(words);
    ASSERT_TRUE(without);
    EXPECT_EQ(without->value(Option::Watch), "");
    EXPECT_EQ(without->verb, "status");
  }
}

}  // namespace
}  // namespace tally::cli
