#pragma once

#include <string>

namespace ecphory::store {

/// This machine's name, "unknown" when it has none.
std::string host_name();

}  // namespace ecphory::store
