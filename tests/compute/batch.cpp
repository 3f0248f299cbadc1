#include "ecphory/compute/batch.hpp"

#include <doctest/doctest.h>

#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::Batch;
using compute::blocks_of;
using compute::Device;

namespace {

template <class Element>
Index count_of(const Batch<Element>& batch) {
  return batch.count;
}

}  // namespace

TEST_CASE("each matrix lies a step behind the one before, with the first one's shape, stride and device") {
  Array<float> memory({60, 1});
  const Device device{Device::Kind::cuda, 1};
  const Batch<float> batch(View<float>(memory.data() + 2, 3, 2, 5, device), 4, 14);
  for (Index i = 0; i < 4; ++i) {
    CHECK(batch[i].data == memory.data() + 2 + 14 * i);
    CHECK(batch[i].rows == 3);
    CHECK(batch[i].columns == 2);
    CHECK(batch[i].stride == 5);
    CHECK(batch[i].device == device);
  }
  CHECK_THROWS_AS(batch[-1], base::Bug);
  CHECK_THROWS_AS(batch[4], base::Bug);
}

TEST_CASE("with a step of 0 every matrix is the first") {
  Array<float> memory({3, 2});
  const Batch<float> batch(memory, 4, 0);
  CHECK(batch[3].data == memory.data());
}

TEST_CASE("one matrix is a batch of itself, and what may be written may be read") {
  Array<double> array({3, 2});
  const Array<double>& constant = array;
  const View<double> view = View<double>(array).middle_rows(1, 2);
  CHECK(count_of<double>(array) == 1);
  CHECK(count_of<double>(view) == 1);
  CHECK(count_of<const double>(constant) == 1);
  CHECK(count_of<const double>(view) == 1);
  const Batch<const double> read(Batch<double>(view, 1, 7));
  CHECK(read.count == 1);
  CHECK(read.step == 7);
  CHECK(read.only().data == array.data() + 1);
  CHECK(read.only().rows == 2);
  CHECK(read.only().stride == 3);
  CHECK(read[0].data == array.data() + 1);
  static_assert(!std::is_convertible_v<Batch<const double>, Batch<double>>);
}

TEST_CASE("several matrices are no single one, nor are none") {
  Array<double> array({3, 4});
  CHECK_THROWS_AS(blocks_of(View<double>(array), 2).only(), base::Bug);
  CHECK_THROWS_AS(Batch<double>(array, 0, 0).only(), base::Bug);
  CHECK(blocks_of(View<double>(array), 1).only().columns == 4);
}

TEST_CASE_TEMPLATE("blocks are a view's columns in their order, each as wide as the others", Real, float,
                   double) {
  Embedded<Real> whole(random<Real>(4, 6, 1));
  for (const Index count : {1, 2, 3, 6}) {
    CAPTURE(count);
    const Batch<Real> blocks = blocks_of(whole.view(), count);
    CHECK(blocks.count == count);
    const Index width = 6 / count;
    for (Index i = 0; i < count; ++i) {
      const View<Real> expected = whole.view().middle_columns(i * width, width);
      CHECK(blocks[i].data == expected.data);
      CHECK(blocks[i].rows == 4);
      CHECK(blocks[i].columns == width);
      CHECK(blocks[i].stride == whole.view().stride);
    }
  }
}

TEST_CASE("blocks are where their view is; blocks of unequal width, and none, are bugs") {
  Array<double> array({3, 4});
  CHECK(blocks_of(elsewhere(array), 2)[1].device == Device{Device::Kind::cuda, 0});
  for (const Index count : {-1, 0, 3, 5, 8}) {
    CAPTURE(count);
    CHECK_THROWS_AS(blocks_of(View<double>(array), count), base::Bug);
  }
}
