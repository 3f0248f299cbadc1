#include "ecphory/attention/induction.hpp"

#include <doctest/doctest.h>

#include "compute/gpu.hpp"

using namespace ecphory;
using compute::Array;
using compute::Index;

TEST_CASE("induction is the attention to the labels of the query's class, and to nothing else") {
  const std::vector<std::int32_t> numbers = {7, 3, 7, 7,   // two items of the query's class
                                             1, 2, 3, 4};  // and none
  Array<std::int32_t> classes({4, 2});
  std::ranges::copy(numbers, classes.data());
  Array<double> attention({7, 2});
  // Item, label, item, label, item, label, query: one digit each.
  attention.matrix() << 1e-1, 1, 1e-2, 1, 1e-3, 1, 1e-4, 1, 1e-5, 1, 1e-6, 1, 1e-7, 1;
  Array<double> strength({1, 2});
  attention::induction<double>(classes, attention, strength);
  CHECK(std::abs(strength.data()[0] - (1e-2 + 1e-6)) < 1e-16);
  CHECK(strength.data()[1] == 0);
  CHECK_THROWS_AS(attention::induction<double>(classes, Array<double>({6, 2}), strength), base::Bug);
  CHECK_THROWS_AS(attention::induction<double>(classes, Array<double>({7, 3}), strength), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = tests::gpu();
  if (!device) return;
  constexpr Index kSequences = 300;
  Array<std::int32_t> classes({4, kSequences});
  Array<Real> attention = tests::random<Real>(7, kSequences, 1);
  for (Index i = 0; i < classes.size(); ++i) classes.data()[i] = static_cast<std::int32_t>(i * i % 3);
  Array<Real> here({1, kSequences});
  Array<Real> there({1, kSequences}, *device);
  const auto classes_there = classes.to(*device);
  const auto attention_there = attention.to(*device);
  attention::induction<Real>(classes, attention, here);
  attention::induction<Real>(classes_there, attention_there, there);
  CHECK(there.to(compute::kCpu).matrix() == here.matrix());  // the same sums in the same order
}
