#include "ecphory/compute/tensors.hpp"

#include <numeric>

#include <doctest/doctest.h>

#include "compute/matrices.hpp"

using namespace ecphory;
using compute::Array;
using compute::Batch;
using compute::Index;
using compute::Tensor;
using compute::TensorLayout;
using compute::Tensors;
using compute::View;

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

TEST_CASE_TEMPLATE("the models' matrices of one name are a batch, also where blocks lie apart", Real, float,
                   double) {
  const TensorLayout layout = example();
  tests::Embedded<Real> blocks(tests::random<Real>(layout.size(), 4, 1));  // stride: 5 more than the layout
  const Tensors<Real> models{&layout, blocks.view()};
  CHECK(models.models() == 4);
  for (const Tensor& tensor : layout.tensors()) {
    CAPTURE(tensor.name);
    const Batch<Real> batch = models[tensor.name];
    CHECK(batch.count == 4);
    for (Index i = 0; i < 4; ++i) {
      const View<Real> alone = view_of(blocks.view().column(i), tensor);
      CHECK(batch[i].data == alone.data);
      CHECK(batch[i].rows == tensor.rows);
      CHECK(batch[i].columns == tensor.columns);
      CHECK(batch[i].stride == tensor.rows);
    }
  }
  // The map of model 2 is the block's first 12 numbers, four columns of three.
  models["map"][2].matrix()(1, 3) = 7;
  CHECK(blocks.matrix()(10, 2) == 7);
  CHECK(blocks.surroundings_stayed());
}

TEST_CASE("a tensor of one element is a number of each model: a row over the models") {
  const TensorLayout layout = example();
  tests::Embedded<double> blocks(tests::random<double>(layout.size(), 4, 1));
  const Tensors<double> models{&layout, blocks.view()};
  const View<double> biases = models.number("bias");
  CHECK(biases.rows == 1);
  CHECK(biases.columns == 4);
  CHECK(biases.matrix() == blocks.matrix().row(12));
  biases.matrix()(0, 3) = 7;
  CHECK(blocks.matrix()(12, 3) == 7);
  CHECK(blocks.surroundings_stayed());
}

TEST_CASE("some of the models are theirs and nobody else's") {
  const TensorLayout layout = example();
  tests::Embedded<float> blocks(tests::random<float>(layout.size(), 4, 1));
  const Tensors<float> models{&layout, blocks.view()};
  const Tensors<float> middle = models.models(1, 2);
  CHECK(middle.models() == 2);
  CHECK(middle.number("bias").matrix() == blocks.matrix().row(12).middleCols(1, 2));
  CHECK(middle["map"].count == 2);
  for (Index i = 0; i < 2; ++i) CHECK(middle["map"][i].data == models["map"][1 + i].data);
  CHECK(middle.models(1, 1)["gain"].only().data == models["gain"][2].data);
  CHECK(models.models(4, 0).models() == 0);
  CHECK_THROWS_AS(models.models(3, 2), base::Bug);
  CHECK_THROWS_AS(models.models(-1, 2), base::Bug);
}

TEST_CASE("models' tensors are where their blocks are, and may be only read") {
  const TensorLayout layout = example();
  const Array<double> blocks({layout.size(), 4});
  const Tensors<const double> models{&layout, tests::elsewhere(blocks)};
  const compute::Device gpu{compute::Device::Kind::cuda, 0};
  CHECK(models["map"][1].device == gpu);
  CHECK(models.number("bias").device == gpu);
  CHECK(models.models(1, 2)["gain"][1].device == gpu);
  CHECK(models.models(1, 2)["gain"][1].data == blocks.data() + 2 * layout.size() + 13);
}

TEST_CASE("a name that no model has, and a number that is a matrix, are bugs") {
  const TensorLayout layout = example();
  Array<double> blocks({layout.size(), 4});
  const Tensors<double> models{&layout, blocks};
  CHECK_THROWS_WITH_AS(models["ma"], doctest::Contains("ma"), base::Bug);
  CHECK_THROWS_AS(models.number("ma"), base::Bug);
  CHECK_THROWS_AS(models.number("map"), base::Bug);
  CHECK_THROWS_AS(models.number("gain"), base::Bug);
}
