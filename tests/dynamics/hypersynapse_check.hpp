#pragma once
// What must hold of every hypersynapse that has an energy.

#include <doctest/doctest.h>

#include "ecphory/dynamics/hypersynapse.hpp"

#include "networks.hpp"

namespace ecphory::tests {

/// Checks, at outputs of the given numbers of neurons drawn around `outputs` (0 where it is empty), that
/// drives are −∂E/∂g and their tangents the derivatives of the drives, by central differences; that a
/// column's numbers do not depend on the others; and that flip_change is the difference of two energies.
inline void check_hypersynapse(const dynamics::Hypersynapse<double>& synapse,
                               const std::vector<Eigen::Index>& neurons, double tolerance = 1e-7) {
  using ConstView = compute::View<const double>;
  constexpr double kH = 1e-5;  // truncation h² and rounding eps/h are both near 1e-10
  constexpr Eigen::Index kColumns = 3;
  const std::vector<Eigen::Index> ids = {0, 1, 2};
  std::vector<Eigen::MatrixXd> g;
  std::vector<Eigen::MatrixXd> u;
  for (std::size_t k = 0; k < neurons.size(); ++k) {
    g.push_back(0.7 * normals(neurons[k], kColumns, 10 + k));
    u.push_back(normals(neurons[k], kColumns, 20 + k));
  }
  const auto views = [](const std::vector<Eigen::MatrixXd>& matrices) {
    std::vector<ConstView> all;
    for (const auto& m : matrices) all.emplace_back(m.data(), m.rows(), m.cols(), m.rows());
    return all;
  };
  const auto energy = [&](const std::vector<Eigen::MatrixXd>& at) {
    Eigen::RowVectorXd e = Eigen::RowVectorXd::Zero(kColumns);
    synapse.add_energy(views(at), ids, {e.data(), 1, kColumns, 1});
    return e;
  };
  const auto drive = [&](const std::vector<Eigen::MatrixXd>& at, std::size_t place) {
    Eigen::MatrixXd d = Eigen::MatrixXd::Zero(neurons[place], kColumns);
    synapse.add_drive(views(at), ids, place, {d.data(), d.rows(), kColumns, d.rows()});
    return d;
  };
  const auto moved = [&](double by) {
    auto at = g;
    for (std::size_t k = 0; k < at.size(); ++k) at[k] += by * u[k];
    return at;
  };
  const Eigen::RowVectorXd slope = (energy(moved(kH)) - energy(moved(-kH))) / (2 * kH);
  Eigen::RowVectorXd expected = Eigen::RowVectorXd::Zero(kColumns);
  for (std::size_t k = 0; k < neurons.size(); ++k) expected -= drive(g, k).cwiseProduct(u[k]).colwise().sum();
  CHECK(slope.cwiseAbs().minCoeff() > 1e-3);
  CHECK((slope - expected).cwiseAbs().maxCoeff() < tolerance);
  for (std::size_t k = 0; k < neurons.size(); ++k) {
    const Eigen::MatrixXd turn = (drive(moved(kH), k) - drive(moved(-kH), k)) / (2 * kH);
    Eigen::MatrixXd tangent = Eigen::MatrixXd::Zero(neurons[k], kColumns);
    synapse.add_drive_tangent(views(g), views(u), ids, k,
                              {tangent.data(), tangent.rows(), kColumns, tangent.rows()});
    CHECK(turn.cwiseAbs().maxCoeff() > 1e-3);
    CHECK((turn - tangent).cwiseAbs().maxCoeff() < tolerance);
    auto other = g;
    other[k].col(0).setOnes();
    CHECK(drive(other, k).rightCols(2) == drive(g, k).rightCols(2));
  }
  if (neurons.size() == 1) {
    for (Eigen::Index i = 0; i < neurons[0]; ++i) {
      auto flipped = g;
      flipped[0].row(i) *= -1;
      const Eigen::RowVectorXd change = energy(flipped) - energy(g);
      CHECK(synapse.flip_change({g[0].data(), neurons[0], 1, neurons[0]}, 0, i) ==
            doctest::Approx(change[0]).epsilon(1e-12));
    }
  }
}

}  // namespace ecphory::tests
