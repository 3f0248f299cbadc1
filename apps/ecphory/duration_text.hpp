#pragma once

#include <string>

namespace ecphory::app {

/// "0.2 s", "40 s", "3 min 20 s", "5 h 12 min", "3 d 4 h".
std::string duration_text(double seconds);

}  // namespace ecphory::app
