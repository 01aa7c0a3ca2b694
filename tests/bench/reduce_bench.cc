// reduce_bench SOCKET BYTES DATA [FILE]: reductions of a shared array of BYTES on the
// process path, through the C ABI of clients, beside plain reading of the same memory
// here.
//
//   DATA     normal (f64), wide (f64 of all exponents), f32, i64
//   read1, read2   all of it read into registers by one thread, by two
//   NAME[,NAME]... a job of these reducers; a histogram has 1,000 bins from 0 to 200
//   edges          a histogram between 1,000 edges at irregular places from 0 to 200
//   first          a sum of another array of the same elements, which nobody has seen
//   dot            that of two arrays, the halves of these elements
//   npy            a sum of the same elements in FILE, a page-cached .npy made for it
//
// Data of which the exact sum is easily had by other means (all but `wide`) are held
// against it; each other result against that of the first run, to the bit.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <tally/tally.h>

#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

void check(tally_status status, tally_error* error) {
  if (status == TALLY_OK) return;
  die(error == nullptr ? "failed" : tally_error_message(error));
}

__extension__ using Wide = __int128;

// In 2^-60ths, of values whose last place is not less.
constexpr double kUnit = 0x1p-60;

// All of the memory, as fast as it comes: enough registers to have many loads under
// way.
std::uint64_t read_all(const std::uint64_t* words, std::size_t count) {
  std::array<std::uint64_t, 64> lanes{};
  std::size_t i = 0;
  for (; i + lanes.size() <= count; i += lanes.size())
    for (std::size_t lane = 0; lane < lanes.size(); ++lane)
      lanes[lane] ^= words[i + lane];
  std::uint64_t all = 0;
  for (const std::uint64_t lane : lanes) all ^= lane;
  for (; i < count; ++i) all ^= words[i];
  return all;
}

std::string decimal(Wide value) {
  const bool negative = value < 0;
  std::string digits;
  for (; value != 0; value /= 10)
    digits.insert(digits.begin(),
                  static_cast<char>('0' + std::abs(static_cast<int>(value % 10))));
  return (negative ? "-" : "") + (digits.empty() ? "0" : digits);
}

// Doubles in one dimension: numpy.org/doc/stable/reference/generated/numpy.lib.format
void write_npy(const std::string& file, const void* doubles, std::size_t bytes) {
  constexpr std::size_t kHeader = 128;
  std::string text = "{'descr': '<f8', 'fortran_order': False, 'shape': (" +
                     std::to_string(bytes / 8) + ",), }";
  text.resize(kHeader - 11, ' ');
  std::ofstream out(file, std::ios::binary);
  out << std::string("\x93NUMPY\x01\0", 8) << static_cast<char>(kHeader - 10) << '\0'
      << text << '\n';
  out.write(static_cast<const char*>(doubles), static_cast<std::streamsize>(bytes));
  if (!out.flush()) die("cannot write " + file);
}

// Ends the program unless all of the file is in the page cache.
void expect_cached(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const auto bytes = static_cast<std::size_t>(::lseek(descriptor, 0, SEEK_END));
  void* const map = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  if (map == MAP_FAILED) die("cannot map " + file);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident((bytes + page - 1) / page);
  const bool told = ::mincore(map, bytes, resident.data()) == 0;
  ::munmap(map, bytes);
  if (!told ||
      !std::ranges::all_of(resident, [](auto each) { return (each & 1) != 0; }))
    die(file + " is not all in the page cache");
}

// Arguments of a histogram between edges at irregular places.
std::vector<std::string> irregular_edges() {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> place(0, 200);
  std::set<double> edges;
  while (edges.size() < 1000) edges.insert(place(random));
  std::vector<std::string> words;
  for (const double edge : edges) {
    std::ostringstream word;
    word << (words.empty() ? "edges=" : "") << std::setprecision(17) << edge;
    words.push_back(word.str());
  }
  return words;
}

class Bench {
 public:
  Bench(const char* socket, std::size_t bytes, const std::string& data,
        const std::string& file)
      : data_(data), bytes_(bytes), file_(file) {
    tally_error* error = nullptr;
    tally_connect_options options{};
    options.struct_size = sizeof options;
    options.socket_path = socket;
    check(tally_connect(&options, &client_, &error), error);
    if (data == "f32") type_ = TALLY_TYPE_F32;
    if (data == "i64") type_ = TALLY_TYPE_I64;
    each_ = data == "f32" ? 4 : 8;
    check(tally_array_create(type_, bytes / each_, &array_, &error), error);
    fill(tally_array_data(array_), bytes / each_);
    check(tally_array_share(array_, &error), error);
    words_ = static_cast<const std::uint64_t*>(tally_array_view(array_));
    parity_ = read_all(words_, bytes_ / 8);
    if (!file_.empty()) write_npy(file_, words_, bytes_);
  }
  ~Bench() {
    for (tally_array* const half : halves_) tally_array_free(half);
    tally_array_free(array_);
    tally_client_free(client_);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  std::int64_t step(const std::string& name) {
    if (name == "read1") return time_of([&] { read(1); });
    if (name == "read2") return time_of([&] { read(2); });
    if (name == "npy") {
      expect_cached(file_);
      return time_of([&] { reduce("sum", Source::File); });
    }
    if (name == "dot") {
      if (halves_[0] == nullptr) make_halves();
      return time_of([&] { reduce("dot", Source::Halves); });
    }
    if (name != "first") return time_of([&] { reduce(name); });
    copy_array();
    return time_of([&] { reduce("sum"); });
  }

 private:
  enum class Source { Array, File, Halves };

  void fill(void* to, std::size_t count) {
    std::mt19937_64 random(42);
    std::normal_distribution<double> normal(100, 15);
    Wide total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (data_ == "wide") {
        // Every exponent of a finite number alike, either sign.
        std::uint64_t bits = random();
        while ((bits >> 52 & 0x7FF) == 0x7FF) bits = random();
        static_cast<double*>(to)[i] = std::bit_cast<double>(bits);
      } else if (data_ == "i64") {
        const auto value = static_cast<std::int64_t>(random());
        static_cast<std::int64_t*>(to)[i] = value;
        total += value;
      } else {
        double value = normal(random);
        while (value < 1) value = normal(random);  // 2^-52 is its last place
        if (data_ == "f32") {
          static_cast<float*>(to)[i] = static_cast<float>(value);
          value = static_cast<double>(static_cast<float>(value));
        } else {
          static_cast<double*>(to)[i] = value;
        }
        total += static_cast<Wide>(value / kUnit);
      }
    }
    if (data_ == "wide") return;
    exact_ = total;
  }

  // Of a float the correctly rounded value, of an integer all of it.
  bool is_exact(const std::string& sum) const {
    if (data_ == "i64") return sum == decimal(exact_);
    return std::stod(sum) == static_cast<double>(exact_) * kUnit;
  }

  void make_halves() {
    tally_error* error = nullptr;
    const auto* const bytes = reinterpret_cast<const std::byte*>(words_);
    for (std::size_t i = 0; i < halves_.size(); ++i)
      check(tally_array_copy(type_, bytes + i * (bytes_ / 2), bytes_ / 2 / each_,
                             &halves_[i], &error),
            error);
    if (data_ != "normal") return;
    // Nothing cancels, so that this is near: not how results are rounded is held
    // against it, but whether each element was paired with its own.
    const auto* const left = static_cast<const double*>(tally_array_view(halves_[0]));
    const auto* const right = static_cast<const double*>(tally_array_view(halves_[1]));
    for (std::size_t i = 0; i < bytes_ / 2 / each_; ++i)
      near_dot_ += static_cast<long double>(left[i]) * right[i];
  }

  void copy_array() {
    tally_error* error = nullptr;
    tally_array* copy = nullptr;
    check(tally_array_create(type_, bytes_ / each_, &copy, &error), error);
    std::memcpy(tally_array_data(copy), words_, bytes_);
    check(tally_array_share(copy, &error), error);
    tally_array_free(array_);
    array_ = copy;
    words_ = static_cast<const std::uint64_t*>(tally_array_view(array_));
    read(1);  // plain reading is not to pay for the new mapping
  }

  void read(std::size_t count) const {
    std::vector<std::uint64_t> found(count);
    std::vector<std::thread> threads;
    const std::size_t part = bytes_ / 8 / count;
    for (std::size_t i = 1; i < count; ++i)
      threads.emplace_back([&, i] { found[i] = read_all(words_ + i * part, part); });
    found[0] = read_all(words_, part);
    for (std::thread& thread : threads) thread.join();
    std::uint64_t all = 0;
    for (const std::uint64_t one : found) all ^= one;
    if (all != parity_) die("read other words");
  }

  void reduce(const std::string& names, Source source = Source::Array) {
    tally_error* error = nullptr;
    tally_job* job = nullptr;
    check(tally_job_new(&job, &error), error);
    const std::unique_ptr<tally_job, decltype(&tally_job_free)> owned(job,
                                                                      tally_job_free);
    std::istringstream list(names);
    for (std::string name; std::getline(list, name, ',');) {
      if (name == "histogram" || name == "edges") {
        std::vector<const char*> bins{"1000", "0", "200"};
        if (name == "edges") {
          bins.clear();
          for (const std::string& edge : edges_) bins.push_back(edge.c_str());
        }
        check(tally_job_add_reducer_args(job, "histogram", bins.data(), bins.size(),
                                         nullptr, nullptr, &error),
              error);
      } else {
        check(tally_job_add_reducer(job, name.c_str(), nullptr, nullptr, &error),
              error);
      }
    }
    check(tally_job_set_path(job, TALLY_PATH_PROCESS, &error), error);
    if (source == Source::File) {
      check(tally_job_add_file(job, file_.c_str(), &error), error);
    } else if (source == Source::Halves) {
      check(tally_job_set_array(job, halves_[0], &error), error);
      check(tally_job_pair_array(job, halves_[1], &error), error);
    } else {
      check(tally_job_set_array(job, array_, &error), error);
    }
    tally_ticket ticket = 0;
    check(tally_submit(client_, job, &ticket, &error), error);
    tally_answer* answer = nullptr;
    check(tally_wait(client_, ticket, &answer, &error), error);
    if (tally_answer_error(answer) != nullptr)
      die(tally_error_message(tally_answer_error(answer)));
    std::string values;
    for (std::size_t i = 0; i < tally_answer_result_count(answer); ++i)
      values += std::string(i > 0 ? "," : "") +
                tally_result_text(tally_answer_result(answer, i));
    tally_answer_free(answer);
    const auto [known, is_new] = known_.try_emplace(names, values);
    if (known->second != values) die("another result of " + names);
    if (is_new && exact_ != 0 && names.starts_with("sum") &&
        !is_exact(values.substr(0, values.find(','))))
      die("not the exact sum: " + values);
    if (is_new && near_dot_ != 0 && names == "dot" &&
        std::fabs(std::stold(values) / near_dot_ - 1) > 1e-12L)
      die("not the sum of products: " + values);
  }

  const std::string data_;
  const std::size_t bytes_;
  const std::string file_;  // empty: none
  const std::vector<std::string> edges_ = irregular_edges();
  tally_type type_ = TALLY_TYPE_F64;
  std::size_t each_ = 0;  // bytes of an element
  tally_client* client_ = nullptr;
  tally_array* array_ = nullptr;
  std::array<tally_array*, 2> halves_{};  // copies, once they are asked for
  long double near_dot_ = 0;              // of the halves; 0: not known
  const std::uint64_t* words_ = nullptr;
  std::uint64_t parity_ = 0;
  Wide exact_ = 0;  // the sum, of f32 and f64 in kUnit; 0: not known
  std::map<std::string, std::string> known_;
};

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  using namespace tally::bench;
  if (argc != 4 && argc != 5) die("usage: reduce_bench SOCKET BYTES DATA [FILE]");
  Bench bench(argv[1], std::stoull(argv[2]), argv[3], argc == 5 ? argv[4] : "");
  serve_steps([&](const std::string& name) { return bench.step(name); });
}
