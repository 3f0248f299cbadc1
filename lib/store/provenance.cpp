#include "ecphory/store/provenance.hpp"

#include <fmt/chrono.h>

#include "ecphory/base/build_info.hpp"
#include "ecphory/store/host.hpp"

namespace ecphory::store {
namespace {

std::string iso8601(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace

Attributes attributes_of(const Provenance& provenance) {
  const base::BuildInfo& build = base::build_info();
  return {
      {"title", provenance.title},
      {"Conventions", std::string("CF-1.10")},
      {"experiment", provenance.experiment},
      {"ecphory_version", build.version},
      {"commit", build.commit},
      {"dirty", std::int64_t{build.dirty ? 1 : 0}},
      {"host", host_name()},
      {"device", provenance.device},
      {"command", provenance.command},
      {"seed", static_cast<std::int64_t>(provenance.seed)},
      {"start_time", iso8601(provenance.start)},
      {"end_time", iso8601(provenance.end)},
  };
}

}  // namespace ecphory::store
