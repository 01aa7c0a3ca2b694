// tally_embed.hpp: tally_embed.h as C++20: the runtime inside this program. Link
// libtally-embed (CMake: tally::embed).
//
//   tally::Embedded core = tally::Embedded::start().value();
//   tally::Client client = core.connect().value();
//
// All else is tally.hpp's.
#pragma once

#include "tally/cpp/embedded.hpp"
#include "tally/tally.hpp"
#include "tally/tally_embed.h"
