#include "ecphory/compute/batched_gemm.hpp"

#include <cmath>
#include <utility>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::Batch;
using compute::batched_gemm;
using compute::blocks_of;
using compute::Transpose;

namespace {

constexpr Index kCount = 3;

/// How the matrices of a batch lie.
enum class Place {
  blocks,  ///< side by side
  apart,   ///< side by side, with columns between them
  packed,  ///< each without gaps in a column of a larger matrix, as the weights of models do
};
constexpr Place kPlaces[] = {Place::blocks, Place::apart, Place::packed};

constexpr Index kApart = 2;   // columns between
constexpr Index kBefore = 4;  // elements before a packed matrix

/// Room for kCount matrices (rows, columns).
template <class Real>
Array<Real> room(Place place, Index rows, Index columns, std::uint32_t step) {
  if (place == Place::packed) return random<Real>(kBefore + rows * columns, kCount, step);
  return random<Real>(rows, kCount * (columns + (place == Place::apart ? kApart : 0)), step);
}

/// The matrices in it.
template <class Real>
Batch<Real> matrices(Place place, View<Real> in, Index rows, Index columns) {
  switch (place) {
    case Place::blocks:
      return blocks_of(in, kCount);
    case Place::apart:
      return {in.middle_columns(0, columns), kCount, (columns + kApart) * in.stride};
    case Place::packed:
      break;
  }
  return {{in.data + kBefore, rows, columns, rows, in.device}, kCount, in.stride};
}

/// A batch of kCount matrices x for which op(x) is (rows, columns), inside larger memory.
template <class Real>
class Operand {
 public:
  Operand(Place place, Transpose t, Index rows, Index columns, std::uint32_t step)
      : place_(place),
        rows_(t == Transpose::no ? rows : columns),
        columns_(t == Transpose::no ? columns : rows),
        whole_(room<Real>(place, rows_, columns_, step)) {}
  /// The same on another device, where only batch() and to() may be used of it.
  Operand to(compute::Device device) const { return {place_, rows_, columns_, whole_.to(device)}; }
  Batch<Real> batch() { return matrices(place_, whole_.view(), rows_, columns_); }
  /// What is not in the batch is the same in both, bit for bit.
  bool differs_in_the_batch_alone(Operand& other) {
    Operand mixed = other.to(compute::kCpu);
    for (Index q = 0; q < kCount; ++q) mixed.batch()[q].matrix() = batch()[q].matrix();
    return mixed.whole_.matrix() == whole_.matrix() && whole_.surroundings_stayed();
  }

 private:
  Operand(Place place, Index rows, Index columns, Embedded<Real> whole)
      : place_(place), rows_(rows), columns_(columns), whole_(std::move(whole)) {}

  Place place_;
  Index rows_;
  Index columns_;
  Embedded<Real> whole_;
};

/// op(x)
template <class Real>
Eigen::MatrixXd operand(Transpose t, const View<Real>& x) {
  Eigen::MatrixXd wide = x.matrix().template cast<double>();
  if (t == Transpose::yes) wide.transposeInPlace();
  return wide;
}

}  // namespace

TEST_CASE_TEMPLATE("every matrix is alpha op(a) op(b) + beta c, wherever those of the batches lie", Real,
                   float, double) {
  const Index m = 5;
  const Index n = 4;
  const Index k = 7;
  for (const Place place : kPlaces) {
    for (const Transpose ta : {Transpose::no, Transpose::yes}) {
      for (const Transpose tb : {Transpose::no, Transpose::yes}) {
        CAPTURE(place);
        Operand<Real> a(place, ta, m, k, 1);
        Operand<Real> b(place, tb, k, n, 2);
        Operand<Real> c(place, Transpose::no, m, n, 3);
        Operand<Real> before = c.to(compute::kCpu);
        batched_gemm<Real>(ta, tb, Real{0.5}, a.batch(), b.batch(), Real{-2}, c.batch());
        for (Index q = 0; q < kCount; ++q) {
          const Eigen::MatrixXd of_a = operand(ta, a.batch()[q]);
          const Eigen::MatrixXd of_b = operand(tb, b.batch()[q]);
          const Eigen::MatrixXd old = operand(Transpose::no, before.batch()[q]);
          const Eigen::MatrixXd size = 0.5 * of_a.cwiseAbs() * of_b.cwiseAbs() + 2 * old.cwiseAbs();
          // k products and their sum, and two more operations.
          CHECK(within(c.batch()[q].matrix(), 0.5 * of_a * of_b - 2 * old, (k + 3) * kEps<Real> * size));
        }
        CHECK(c.differs_in_the_batch_alone(before));
      }
    }
  }
}

TEST_CASE("a matrix's bits are those of gemm; with beta = 0 what was in c does not matter") {
  const auto a = random<float>(5, 21, 1);
  const auto b = random<float>(7, 12, 2);
  const auto blocks_of_a = blocks_of(View<const float>(a), kCount);
  const auto blocks_of_b = blocks_of(View<const float>(b), kCount);
  // One matrix for all is a batch with a step of 0.
  for (const Batch<const float>& factors :
       {blocks_of_a, Batch<const float>(View<const float>(a).middle_columns(3, 7), kCount, 0)}) {
    Array<float> c({5, 12});
    c.matrix().setConstant(NAN);
    batched_gemm<float>(Transpose::no, Transpose::no, 1, factors, blocks_of_b, 0,
                        blocks_of(View<float>(c), kCount));
    for (Index i = 0; i < kCount; ++i) {
      Array<float> alone({5, 4});
      compute::gemm<float>(Transpose::no, Transpose::no, 1, factors[i], blocks_of_b[i], 0, alone);
      CHECK(alone.matrix() == c.matrix().middleCols(4 * i, 4));
    }
  }
}

TEST_CASE("one matrix each is a batch, and its product that of gemm") {
  const auto a = random<double>(5, 7, 1);
  const auto b = random<double>(7, 4, 2);
  Array<double> c({5, 4});
  Array<double> alone({5, 4});
  batched_gemm<double>(Transpose::no, Transpose::no, 1, a, b, 0, c);
  compute::gemm<double>(Transpose::no, Transpose::no, 1, a, b, 0, alone);
  CHECK(c.matrix() == alone.matrix());
}

TEST_CASE("batches of unequal count, of nothing, of shapes that do not fit or of two devices are bugs") {
  const auto a = random<double>(4, 12, 1);
  const auto b = random<double>(4, 9, 2);
  Array<double> c({4, 9});
  const auto in_a = [&](Index count) { return blocks_of(View<const double>(a), count); };
  const auto in_b = [&](Index count) { return blocks_of(View<const double>(b), count); };
  const auto in_c = [&](Index count) { return blocks_of(View<double>(c), count); };
  const auto product = [](Batch<const double> x, Batch<const double> y, Batch<double> z) {
    batched_gemm<double>(Transpose::no, Transpose::no, 1, x, y, 0, z);
  };
  CHECK_NOTHROW(product(in_a(3), in_b(3), in_c(3)));
  // The first products of these would fit.
  const auto fewer = [](auto batch, Index count) {
    batch.count = count;
    return batch;
  };
  for (const Index count : {1, 2, 4}) {
    CAPTURE(count);
    CHECK_THROWS_AS(product(fewer(in_a(3), count), in_b(3), in_c(3)), base::Bug);
    CHECK_THROWS_AS(product(in_a(3), fewer(in_b(3), count), in_c(3)), base::Bug);
    CHECK_THROWS_AS(product(in_a(3), in_b(3), fewer(in_c(3), count)), base::Bug);
  }
  CHECK_THROWS_AS(product(fewer(in_a(3), 0), fewer(in_b(3), 0), fewer(in_c(3), 0)), base::Bug);

  const auto narrow = [](auto batch) {
    batch.first.columns -= 1;
    return batch;
  };
  CHECK_THROWS_AS(product(narrow(in_a(3)), in_b(3), in_c(3)), base::Bug);
  CHECK_THROWS_AS(product(in_a(3), narrow(in_b(3)), in_c(3)), base::Bug);
  CHECK_THROWS_AS(product(in_a(3), in_b(3), narrow(in_c(3))), base::Bug);

  CHECK_THROWS_AS(product(blocks_of(elsewhere(a), 3), in_b(3), in_c(3)), base::Bug);
  CHECK_THROWS_AS(product(in_a(3), blocks_of(elsewhere(b), 3), in_c(3)), base::Bug);
  CHECK_THROWS_AS(product(in_a(3), in_b(3), blocks_of(elsewhere(c), 3)), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  const Index m = 17;
  const Index n = 19;
  const Index k = 33;
  for (const Place place : kPlaces) {
    for (const Transpose ta : {Transpose::no, Transpose::yes}) {
      for (const Transpose tb : {Transpose::no, Transpose::yes}) {
        CAPTURE(place);
        Operand<Real> a(place, ta, m, k, 1);
        Operand<Real> b(place, tb, k, n, 2);
        Operand<Real> c(place, Transpose::no, m, n, 3);
        Operand<Real> before = c.to(compute::kCpu);
        auto a_there = a.to(*device);
        auto b_there = b.to(*device);
        auto c_there = c.to(*device);
        batched_gemm<Real>(ta, tb, Real{0.5}, a.batch(), b.batch(), Real{-2}, c.batch());
        batched_gemm<Real>(ta, tb, Real{0.5}, a_there.batch(), b_there.batch(), Real{-2}, c_there.batch());
        auto back = c_there.to(compute::kCpu);
        for (Index q = 0; q < kCount; ++q) {
          const Eigen::MatrixXd size =
              0.5 * operand(ta, a.batch()[q]).cwiseAbs() * operand(tb, b.batch()[q]).cwiseAbs() +
              2 * operand(Transpose::no, before.batch()[q]).cwiseAbs();
          // Two sums of k products, in two orders.
          CHECK(within(back.batch()[q].matrix(), c.batch()[q].matrix(), 2 * (k + 3) * kEps<Real> * size));
        }
        CHECK(back.differs_in_the_batch_alone(before));
      }
    }
  }
}
