#pragma once

#include "session.hpp"

namespace ecphory::app {

/// Prints the plan: points, axes, time and bytes as a few timed points suggest, and the resolved file.
void dry_run(const Session& session, const Execution& execution, bool as_json);

}  // namespace ecphory::app
