#include "tests/bench/jobs.h"

#include <cstring>
#include <utility>
#include <variant>

#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

const model::Value& only_value(const model::JobAnswer& answer) {
  if (answer.results.size() != 1) die("a job of one reducer has not one result");
  if (answer.results[0].error) die(answer.results[0].error->message());
  return answer.results[0].value;
}

}  // namespace

std::unique_ptr<client::Client> connect_or_die(const std::string& socket) {
  auto client = client::Client::connect(socket, {});
  if (!client) die(client.error().message());
  return *std::move(client);
}

model::JobSpec sum_job(model::Source source) {
  model::JobSpec spec;
  spec.reducers.push_back({"sum", {}, {}, "sum"});
  spec.source = std::move(source);
  return spec;
}

model::ValuesSource one_element(std::int64_t element) {
  model::ValuesSource values{model::ElementType::I64, {}};
  values.bytes.resize(sizeof element);
  std::memcpy(values.bytes.data(), &element, sizeof element);
  return values;
}

client::Ticket submit_or_die(client::Client& client, const model::JobSpec& spec,
                             std::span<const int> fds) {
  const auto ticket = client.submit(spec, fds, model::ReplyWhen::Finished);
  if (!ticket) die(ticket.error().message());
  return *ticket;
}

model::JobAnswer wait_or_die(client::Client& client, client::Ticket ticket) {
  auto reply = client.wait(ticket);
  if (!reply) die(reply.error().message());
  auto* answer = std::get_if<model::JobAnswer>(&*reply);
  if (answer == nullptr) die("the reply to a submit is no answer");
  if (answer->error) die(answer->error->message());
  if (answer->state != model::JobState::Done) die("the job is not done");
  return std::move(*answer);
}

Int128 integer_sum(const model::JobAnswer& answer) {
  const auto* value = std::get_if<Int128>(&only_value(answer));
  if (value == nullptr) die("the sum of integers is no integer");
  return *value;
}

double float_sum(const model::JobAnswer& answer) {
  const auto* value = std::get_if<double>(&only_value(answer));
  if (value == nullptr) die("the sum of doubles is no double");
  return *value;
}

void expect_path(const model::JobAnswer& answer, model::Path path) {
  if (answer.path != path)
    die("the job ran on the path " + std::string(name_of(answer.path)) + ", not " +
        std::string(name_of(path)) + ": " + answer.reason);
}

}  // namespace tally::bench
