// Arrays that are reduced where they lie: a vector's own storage, an array that is
// written by hand, and a copy where memory cannot be given.
//
//   c++ -std=c++20 array.cc -ltally -o array && ./array 1000000
//
// Exit code 0: done; 2: something failed, such as that nobody serves.
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <utility>
#include <vector>

#include <tally/tally.hpp>

namespace {

using Samples = std::vector<double, tally::ArrayAllocator<double>>;

tally::SharedArray<double> given_away(std::size_t count) {
  Samples samples;
  samples.reserve(count);  // once: each allocation is a mapping of its own
  for (std::size_t i = 0; i < count; ++i)
    samples.push_back(std::sqrt(static_cast<double>(i)));
  return tally::share(std::move(samples)).value();
}

tally::SharedArray<double> written(std::size_t count) {
  tally::Array<double> array = tally::Array<double>::create(count).value();
  double value = 0;
  for (double& element : array.data()) element = value += 0.5;
  return std::move(array).share().value();
}

void print(tally::Client& client, const char* name,
           const tally::SharedArray<double>& array) {
  for (const char* reducer : {"sum", "max"}) {  // any number of jobs over one array
    tally::Job job;
    job.add(reducer).array(array);
    const tally::Answer answer = client.run(job).value();
    tally_copy copy{};
    copy.struct_size = sizeof copy;
    (void)tally_answer_copy(answer.get(), &copy, nullptr);
    std::cout << name << ": " << reducer << ' ' << answer[0].text() << ", "
              << copy.bytes << " bytes copied\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto count =
      static_cast<std::size_t>(argc == 2 ? std::strtoull(argv[1], nullptr, 10) : 1000);
  try {
    tally::Client client = tally::Client::connect().value();
    print(client, "given away", given_away(count));
    print(client, "written", written(count));
    const std::vector<double> ordinary(count, 0.1);
    print(client, "copied", tally::SharedArray<double>::copy(ordinary).value());
  } catch (const tally::Error& error) {
    std::cerr << "array: " << error.what() << " (" << error.code() << ")\n";
    return 2;
  }
}
