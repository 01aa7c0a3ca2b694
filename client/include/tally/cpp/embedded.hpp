// Embedded: the whole runtime inside this program. Included by tally/tally_embed.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tally/cpp/client.hpp"
#include "tally/cpp/error.hpp"
#include "tally/tally_embed.h"

namespace tally {
inline namespace cpp0 {

struct EmbedOptions {
  std::uint32_t workers = 0;     // 0: one a usable core
  std::uint32_t threads = 0;     // of the thread path; 0: 64
  std::string worker_program{};  // "": where tally_embed.h says
};

// A core of this process; tally_embed.h has the promises. Destroy it at any moment,
// before or after its clients; after a move it is empty.
class Embedded {
 public:
  static Expected<Embedded> start(const EmbedOptions& options = {}) {
    tally_embed_options given{};
    given.struct_size = sizeof given;
    given.workers = options.workers;
    given.threads = options.threads;
    if (!options.worker_program.empty())
      given.worker_program = options.worker_program.c_str();
    tally_embedded* made = nullptr;
    const Expected<Done> done = detail::attempt(
        [&](tally_error** error) { return tally_embed(&given, &made, error); });
    if (!done) return done.error();
    return Embedded(made);
  }

  // From any thread. `options.socket_path` is not used.
  Expected<Client> connect(const ConnectOptions& options = {}) {
    const tally_connect_options given = detail::connect_options(options);
    tally_client* client = nullptr;
    const Expected<Done> done = detail::attempt([&](tally_error** error) {
      return tally_embedded_connect(embedded_.get(), &given, &client, error);
    });
    if (!done) return done.error();
    return Client::adopt(client);
  }

  tally_embedded* get() const noexcept { return embedded_.get(); }

 private:
  explicit Embedded(tally_embedded* embedded) : embedded_(embedded) {}

  std::unique_ptr<tally_embedded, detail::Freer<tally_embedded_free>> embedded_;
};

}  // namespace cpp0
}  // namespace tally
