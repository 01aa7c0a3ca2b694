// The words that the model's enumerations are shown as: JSON, tables, messages.
#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"
#include "ipc/model/server_status.h"

namespace tally::model {

std::string_view name_of(FileFormat format) noexcept {
  switch (format) {
    case FileFormat::Npy: return "npy";
    case FileFormat::Raw: return "raw";
    case FileFormat::Csv: return "csv";
    case FileFormat::Text: return "text";
  }
  return "?";
}

std::string_view name_of(Hint hint) noexcept {
  switch (hint) {
    case Hint::Auto: return "auto";
    case Hint::Cpu: return "cpu";
    case Hint::Io: return "io";
  }
  return "?";
}

std::string_view name_of(Path path) noexcept {
  switch (path) {
    case Path::Any: return "any";
    case Path::Inline: return "inline";
    case Path::Thread: return "thread";
    case Path::Process: return "process";
  }
  return "?";
}

std::string_view name_of(JobState state) noexcept {
  switch (state) {
    case JobState::Queued: return "queued";
    case JobState::Running: return "running";
    case JobState::Done: return "done";
    case JobState::Partial: return "partial";
    case JobState::Failed: return "failed";
    case JobState::Cancelled: return "cancelled";
    case JobState::Expired: return "expired";
    case JobState::Refused: return "refused";
  }
  return "?";
}

std::string_view name_of(ChunkEnd end) noexcept {
  switch (end) {
    case ChunkEnd::Done: return "done";
    case ChunkEnd::Failed: return "failed";
    case ChunkEnd::Lost: return "lost";
    case ChunkEnd::CalledOff: return "called off";
  }
  return "?";
}

std::string_view name_of(StopMeans means) noexcept {
  switch (means) {
    case StopMeans::NotStarted: return "not_started";
    case StopMeans::Cooperative: return "cooperative";
    case StopMeans::Sigterm: return "SIGTERM";
    case StopMeans::Sigkill: return "SIGKILL";
    case StopMeans::LeftBehind: return "left_behind";
  }
  return "?";
}

std::string_view name_of(HealthState state) noexcept {
  switch (state) {
    case HealthState::Off: return "off";
    case HealthState::Ok: return "ok";
    case HealthState::Busy: return "busy";
    case HealthState::Wedged: return "wedged";
    case HealthState::Failed: return "failed";
    case HealthState::Wrong: return "wrong";
  }
  return "?";
}

std::string_view name_of(DaemonKind kind) noexcept {
  switch (kind) {
    case DaemonKind::System: return "system";
    case DaemonKind::User: return "user";
    case DaemonKind::Private: return "private";
    case DaemonKind::Embedded: return "embedded";
  }
  return "?";
}

}  // namespace tally::model
