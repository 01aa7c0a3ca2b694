#include "client/cli/job_id_arg.h"

#include <optional>
#include <string>

namespace tally::cli {
namespace {

constexpr unsigned kWholeTag = 16;

Error invalid(std::string code, std::string message) {
  return Error(Errc::InvalidArgument, std::move(code), std::move(message));
}

}  // namespace

Result<model::JobRef> job_of(const Args& args) {
  if (args.operands.empty())
    return invalid("no_job_id", "no job; 'tally " + args.verb +
                                    " ID' takes the id that 'tally submit' printed or "
                                    "'tally jobs' lists");
  const std::string& text = args.operands[0];
  if (args.operands.size() > 1)
    return invalid("unexpected_argument", "'tally " + args.verb +
                                              "' takes one id; there is \"" +
                                              args.operands[1] + "\" too");
  const std::optional<model::JobIdPattern> pattern = model::parse_job_id(text);
  if (!pattern)
    return invalid("bad_job_id", "\"" + text +
                                     "\" is no job's id; they look like "
                                     "7f3a91c2004be810-17 or, in short, 7f3a-17");
  if (pattern->tag_digits < kWholeTag) return model::JobRef(*pattern);
  return model::JobRef(model::JobId{pattern->tag_prefix, pattern->number});
}

}  // namespace tally::cli
