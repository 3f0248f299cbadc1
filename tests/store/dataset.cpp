#include "ecphory/store/dataset.hpp"

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

using namespace ecphory;
using store::Dataset;
using store::ensure_consistent;
using store::LabelledArray;

namespace {

LabelledArray array(std::string name, std::vector<std::string> dimensions, std::vector<std::size_t> shape,
                    std::size_t size) {
  return {.name = std::move(name),
          .dimensions = std::move(dimensions),
          .shape = std::move(shape),
          .values = std::vector<double>(size)};
}

}  // namespace

TEST_CASE("a consistent dataset passes; each inconsistency is a bug") {
  const LabelledArray good = array("v", {"time", "neuron"}, {3, 2}, 6);
  CHECK_NOTHROW(
      ensure_consistent({.arrays = {good, array("time", {"time"}, {3}, 3), array("s", {}, {}, 1)}}));
  CHECK_THROWS_AS(ensure_consistent({.arrays = {array("v", {"time"}, {3}, 2)}}), base::Bug);
  CHECK_THROWS_AS(ensure_consistent({.arrays = {good, good}}), base::Bug);
  CHECK_THROWS_AS(ensure_consistent({.arrays = {array("w", {"neuron", "neuron"}, {2, 2}, 4)}}), base::Bug);
  CHECK_THROWS_AS(ensure_consistent({.arrays = {good, array("u", {"time"}, {4}, 4)}}), base::Bug);
  CHECK_THROWS_AS(ensure_consistent({.arrays = {good, array("time", {"neuron"}, {2}, 2)}}), base::Bug);
  CHECK_THROWS_AS(ensure_consistent({.arrays = {array("", {}, {}, 1)}}), base::Bug);
}

TEST_CASE("arrays are found by name") {
  const Dataset dataset{.arrays = {array("v", {}, {}, 1)}};
  CHECK(dataset.find("v") != nullptr);
  CHECK(dataset.find("w") == nullptr);
  CHECK_THROWS_AS(dataset.at("w"), base::Bug);
}
