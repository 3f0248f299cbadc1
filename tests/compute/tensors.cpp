#include "ecphory/compute/tensors.hpp"

#include <numeric>

#include <doctest/doctest.h>

using namespace ecphory;
using compute::Index;
using compute::Tensor;
using compute::TensorLayout;

namespace {

TensorLayout example() {
  TensorLayout layout;
  layout.add("map", 3, 4);
  layout.add("bias", 1, 1);
  layout.add("gain", 5, 1);
  return layout;
}

}  // namespace

TEST_CASE("tensors fill their block one after the other, in the order they were added") {
  const TensorLayout layout = example();
  CHECK(layout.size() == 12 + 1 + 5);
  CHECK(layout.tensors() == std::vector<Tensor>{{"map", 3, 4, 0}, {"bias", 1, 1, 12}, {"gain", 5, 1, 13}});
  CHECK(layout.at("gain") == layout.tensors()[2]);
  CHECK(layout.at("map").size() == 12);
  CHECK(TensorLayout().size() == 0);
}

TEST_CASE("a view is the tensor's memory in the block, columns of its rows") {
  const TensorLayout layout = example();
  std::vector<float> block(static_cast<std::size_t>(layout.size()));
  std::iota(block.begin(), block.end(), 0.0F);
  const auto map = view_of(block.data(), layout.at("map"));
  CHECK(map.rows == 3);
  CHECK(map.columns == 4);
  CHECK(map.matrix()(2, 1) == 5);
  map.matrix()(2, 3) = -1;
  CHECK(block[11] == -1);
  const std::vector<float>& read_only = block;
  CHECK(*view_of(read_only.data(), layout.at("bias")).data == 12);
  CHECK(view_of(read_only.data(), layout.at("gain")).matrix()(4, 0) == 17);
}

TEST_CASE("layouts are equal when all their tensors are") {
  TensorLayout other = example();
  CHECK(other == example());
  other.add("more", 1, 1);
  CHECK(!(other == example()));
}

TEST_CASE("a name twice, a name that is not there and an empty tensor are bugs") {
  TensorLayout layout = example();
  CHECK_THROWS_AS(layout.add("map", 2, 2), base::Bug);
  CHECK_THROWS_AS(layout.add("none", 0, 2), base::Bug);
  CHECK_THROWS_AS(layout.add("none", 2, 0), base::Bug);
  CHECK_THROWS_WITH_AS(layout.at("ma"), doctest::Contains("ma"), base::Bug);
  CHECK(layout == example());
}
