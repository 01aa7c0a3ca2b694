// Values for people: exact, in the shortest form that reads back as the same number.
#pragma once

#include <string>

#include "ipc/model/job_answer.h"

namespace tally::cli {

// Integers in full; floats as "249999999.5", "2.0", "1e+300", "NaN", "-Infinity"; an
// index as "17", with the file's name behind it where `name_files`: "17 (b.npy)"; of a
// histogram what its bins do not say: "10 bins, 3 below, 0 above".
// A result without a value: "error: why".
std::string text_of_result(const model::ReducerResult& result, bool name_files);

std::string text_of_float(double value);
std::string text_of_float(float value);

// Whether both results hold the same value, every bit of it; NaNs and zeros by their
// bits, errors by their code.
bool same_bits(const model::ReducerResult& a, const model::ReducerResult& b);
bool same_bits(const model::JobAnswer& a, const model::JobAnswer& b);

}  // namespace tally::cli
