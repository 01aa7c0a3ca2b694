#include "daemon/settings.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "config/fields.h"
#include "config/quantity.h"
#include "ipc/endpoint.h"

namespace tally::daemon {
namespace {

struct ValueOf {
  using Value = model::Setting::Value;

  Value operator()(const config::CountTarget& target) const {
    return std::int64_t{*target.value};
  }
  Value operator()(const config::DurationTarget& target) const {
    return config::format_duration(*target.value);
  }
  Value operator()(const config::ModeTarget& target) const {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%04o", *target.value);
    return std::string(text.data());
  }
  Value operator()(const config::PathTarget& target) const { return *target.value; }
  Value operator()(const config::LevelTarget& target) const {
    return std::string(config::kLogLevelNames[static_cast<std::size_t>(*target.value)]);
  }
  Value operator()(const config::LogTargetTarget& target) const {
    return std::string(
        config::kLogTargetNames[static_cast<std::size_t>(*target.value)]);
  }
  Value operator()(const config::AccountsTarget& target) const { return *target.value; }
  Value operator()(const config::FromClientsTarget& target) const {
    return std::string(
        config::kFromClientsNames[static_cast<std::size_t>(*target.value)]);
  }
  Value operator()(const config::SandboxUseTarget& target) const {
    return std::string(
        config::kSandboxUseNames[static_cast<std::size_t>(*target.value)]);
  }
  Value operator()(const config::BytesTarget& target) const {
    return static_cast<std::int64_t>(*target.value);
  }
  Value operator()(const config::StringsTarget& target) const {
    std::string list;
    for (const std::string& text : *target.value)
      list += (list.empty() ? "" : ", ") + text;
    return list;
  }
};

void resolve(model::Setting& setting, const InForce& in_force) {
  if (setting.key == "daemon.socket") {
    setting.value = in_force.socket;
    if (!in_force.socket.empty() && in_force.socket != ipc::default_listen_path())
      setting.is_default = false;
  }
  if (setting.key == "pool.worker_program") setting.value = in_force.worker_program;
  if (setting.key == "pool.workers") setting.value = std::int64_t{in_force.workers};
  if (setting.key == "pool.cores") setting.value = std::int64_t{in_force.cores};
}

}  // namespace

std::vector<model::Setting> settings_of(
    const config::Config& config, const InForce& in_force,
    const std::vector<std::string>& restart_pending) {
  config::Config set = config;  // fields_of() gives what could be written to
  config::Config untouched;
  const std::vector<config::Field> fields = config::fields_of(set);
  const std::vector<config::Field> defaults = config::fields_of(untouched);
  std::vector<model::Setting> settings;
  settings.reserve(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    model::Setting setting;
    setting.key = fields[i].table;
    setting.key.append(".").append(fields[i].name);
    setting.value = std::visit(ValueOf(), fields[i].target);
    setting.is_default = config::same_value(fields[i].target, defaults[i].target);
    setting.reloadable = fields[i].change == config::Change::Reload;
    setting.restart_pending =
        std::ranges::find(restart_pending, setting.key) != restart_pending.end();
    resolve(setting, in_force);
    settings.push_back(std::move(setting));
  }
  return settings;
}

}  // namespace tally::daemon
