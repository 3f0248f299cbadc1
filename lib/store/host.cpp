#include "ecphory/store/host.hpp"

#include <array>

#include <unistd.h>

namespace ecphory::store {

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "unknown";
}

}  // namespace ecphory::store
