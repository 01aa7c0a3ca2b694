#include "config/reload.h"

#include <cstddef>

#include "config/fields.h"

namespace tally::config {

Reload reload(const Config& running, const Config& loaded) {
  Reload result{running, {}, {}};
  Config wanted = loaded;
  const std::vector<Field> now = fields_of(result.config);
  const std::vector<Field> then = fields_of(wanted);
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (same_value(now[i].target, then[i].target)) continue;
    std::string name(now[i].table);
    name += '.';
    name += now[i].name;
    if (now[i].change == Change::Restart) {
      result.needs_restart.push_back(std::move(name));
      continue;
    }
    copy_value(then[i].target, now[i].target);
    result.applied.push_back(std::move(name));
  }
  return result;
}

}  // namespace tally::config
