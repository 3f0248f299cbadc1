#pragma once
// What came of one run of a plan.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "ecphory/store/dataset.hpp"

namespace ecphory::sweep {

/// How a run stands. `status` of a collected file holds these numbers.
enum class RunStatus : std::uint8_t {
  missing = 0,
  done = 1,
  failed = 2,
  not_needed = 3,  ///< the replicates before it were enough
};

/// The names of those, as the attribute flag_meanings has them.
inline constexpr const char* kRunStatuses = "missing done failed not_needed";

/// One run.
struct Record {
  std::size_t run = 0;  ///< its place in the plan
  RunStatus status = RunStatus::missing;
  double seconds = 0;                         ///< that it took
  std::string message = {};                   ///< why it failed, or what of it did
  std::optional<store::Dataset> arrays = {};  ///< of a run that is done
};

}  // namespace ecphory::sweep
