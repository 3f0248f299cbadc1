#include "ecphory/compute/array.hpp"

#include <cstdint>
#include <numeric>

#include <doctest/doctest.h>

using namespace ecphory;
using compute::Array;
using compute::Device;

TEST_CASE_TEMPLATE("the first index runs fastest and memory is aligned", Real, float, double) {
  Array<Real> x({3, 4, 5});
  CHECK(x.size() == 60);
  CHECK(x.rows() == 3);
  CHECK(x.columns() == 20);
  CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % 64 == 0);
  std::iota(x.data(), x.data() + x.size(), Real{0});
  CHECK(x.matrix()(2, 1) == 5);
}

TEST_CASE("moving leaves nothing behind and copying is by name") {
  Array<double> x({2, 2});
  x.matrix() << 1, 2, 3, 4;
  const double* const memory = x.data();
  Array<double> y = std::move(x);
  CHECK(y.data() == memory);
  CHECK(x.size() == 0);  // NOLINT(bugprone-use-after-move): that is what is tested
  const Array<double> z = y.to(compute::kCpu);
  CHECK(z.data() != y.data());
  CHECK(z.matrix() == y.matrix());
  static_assert(!std::is_copy_constructible_v<Array<double>>);
}

TEST_CASE("an empty array is one") {
  const Array<float> x({0, 5});
  CHECK(x.size() == 0);
  CHECK(x.columns() == 0);
  CHECK(x.elements().empty());
}

TEST_CASE("a negative extent is a bug, too much memory an error that says what to lower") {
  CHECK_THROWS_AS(Array<double>({-1, 2}), base::Bug);
  CHECK_THROWS_AS(Array<double>({1 << 30, 1 << 28}), base::UserError);
}

TEST_CASE("a GPU's array goes there and back, or is refused where there is none") {
  const Device gpu{Device::Kind::cuda, 0};
  CHECK(to_string(gpu) == "cuda:0");
  if (compute::cuda_device_count() == 0) {
    MESSAGE("no GPU: only the refusal is tested");
    CHECK_THROWS_AS(Array<float>({8}, gpu), base::UserError);
    return;
  }
  Array<float> x({8, 3});
  std::iota(x.data(), x.data() + x.size(), 0.0F);
  const Array<float> on_gpu = x.to(gpu);
  CHECK_THROWS_AS(on_gpu.matrix(), base::Bug);
  CHECK(on_gpu.to(compute::kCpu).matrix() == x.matrix());
}
