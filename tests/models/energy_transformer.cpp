// Energy and symmetry of the Energy Transformer.

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/tasks/patterns.hpp"

#include "points.hpp"

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index kTokens = 5;
constexpr Index kDimension = 8;

base::Point point_of(base::Point changed = {}) {
  changed["model.tokens"] = std::int64_t{kTokens};
  return tests::point_of("energy_transformer", changed);
}

MatrixXd normals(Index rows, Index columns, std::uint64_t seed) {
  MatrixXd x(rows, columns);
  base::RandomStream({.seed = seed}, base::Purpose("test"))
      .normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  return x;
}

}  // namespace

TEST_CASE("energy_transformer: the energy is certified and falls along trajectories") {
  for (const bool self : {false, true}) {
    const auto network = tests::memory_network(point_of({{"model.self_attention", self}}),
                                               normals(kTokens * kDimension, 3, 1));
    const dynamics::Certificate certificate = dynamics::certify(network);
    CHECK(certificate.never_rises);
    CHECK(certificate.bounded_below);
    dynamics::SimulationOptions<double> options;
    options.duration = 100;
    for (int k = 0; k <= 200; ++k) options.record_times.push_back(0.5 * k);
    const auto run = dynamics::simulate<double>(network, normals(kTokens * kDimension, 6, 2), options);
    for (Index j = 0; j < 6; ++j) {
      const VectorXd course = dynamics::energies<double>(network, run.record->trajectory(j));
      CHECK((course.tail(200) - course.head(200)).maxCoeff() < 1e-4);  // of energies near 300, at rtol 1e-6
      CHECK(course[200] < course[0] - 1);
    }
  }
}

TEST_CASE("energy_transformer: trajectories of permuted tokens are permuted trajectories") {
  const auto network = tests::memory_network(point_of(), normals(kTokens * kDimension, 3, 1));
  const MatrixXd start = normals(kTokens * kDimension, 4, 2);
  const std::vector<Index> from = {3, 0, 4, 1, 2};
  const auto permuted = [&](const MatrixXd& x) {
    MatrixXd y(x.rows(), x.cols());
    for (Index b = 0; b < kTokens; ++b)
      y.middleRows(b * kDimension, kDimension) =
          x.middleRows(from[static_cast<std::size_t>(b)] * kDimension, kDimension);
    return y;
  };
  dynamics::SimulationOptions<double> options;
  options.duration = 5;
  options.integrator.rtol = 1e-10;
  const MatrixXd a = dynamics::simulate<double>(network, start, options).state;
  const MatrixXd b = dynamics::simulate<double>(network, permuted(start), options).state;
  // Sums in another order round differently, so steps differ that meet a corner of relu: there the
  // integrator's error is not of its order.
  CHECK((permuted(a) - b).cwiseAbs().maxCoeff() < 1e-5);
  CHECK((a - b).cwiseAbs().maxCoeff() > 0.1);
}

TEST_CASE("energy_transformer: weights come from the key") {
  const MatrixXd patterns = normals(kTokens * kDimension, 3, 1);
  const MatrixXd x = normals(kTokens * kDimension, 1, 2);
  const auto energy = [&](std::uint64_t seed) {
    return dynamics::energies<double>(tests::memory_network(point_of(), patterns, {.seed = seed}), x)[0];
  };
  CHECK(energy(1) == energy(1));
  CHECK(energy(1) != energy(2));
}

TEST_CASE("energy_transformer: patterns that are not whole tokens are refused, with the nearest divisors") {
  const auto build = [](Index n) { tests::memory_network(point_of(), MatrixXd::Ones(n, 1)); };
  CHECK_THROWS_WITH_AS(build(102), doctest::Contains("a divisor of 102: 3 or 6"), base::UserError);
  CHECK_THROWS_WITH_AS(build(102), doctest::Contains("102 elements of a pattern are not 5 tokens"),
                       base::UserError);
  CHECK_THROWS_AS(build(5), base::UserError);
  CHECK_THROWS_AS(build(7), base::UserError);
  CHECK_NOTHROW(build(10));
}
