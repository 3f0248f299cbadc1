#include "ecphory/base/nearest.hpp"

#include <vector>

#include <doctest/doctest.h>

using ecphory::base::nearest_name;

TEST_CASE("the nearest name by edit distance, or none when nothing is near") {
  const std::vector<std::string> names = {"model.a", "model.beta", "task.length", "seed"};
  CHECK(nearest_name("model.betta", names) == "model.beta");
  CHECK(nearest_name("task.lenght", names) == "task.length");
  CHECK(nearest_name("sead", names) == "seed");
  CHECK(nearest_name("photosynthesis", names).empty());
  CHECK(nearest_name("x", {}).empty());
}
