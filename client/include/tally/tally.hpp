// tally.hpp: the C API of tally.h as C++20. Header-only: the library has no C++ ABI.
//
//   tally::Client client = tally::Client::connect().value();
//   tally::Job job;
//   job.add("sum").range(0, 500'000'000);
//   std::cout << client.run(job).value()[0].text() << '\n';
//
// Errors, as you like: what can fail returns Expected<T>. value() throws the Error,
// which is a std::exception; `if (!answer)` and error() work without exceptions. A Job
// keeps the first error of its steps and gives it when it is submitted.
// Ownership: objects own what is behind them and can be moved; what they return by
// reference or as a view (Result, const char*) lives as long as the Answer it is of.
// The names are in an inline namespace: where the classes' layout changes, so does it,
// and nothing links wrongly.
// Threads, fork, units: as tally.h says. AsyncClient alone may be shared by threads.
#pragma once

#include "tally/cpp/answer.hpp"
#include "tally/cpp/array_allocator.hpp"
#include "tally/cpp/async_client.hpp"
#include "tally/cpp/client.hpp"
#include "tally/cpp/error.hpp"
#include "tally/cpp/job.hpp"
#include "tally/cpp/shared_array.hpp"
#include "tally/tally.h"
