#include "ecphory/dynamics/synapses/plastic.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::dynamics {

using compute::Index;

namespace {

/// work(j, first, n) for every neuron j: the pairs (j+1, j) … (j+n, j) begin at `first`.
template <class Work>
void for_each_neuron(Index neurons, const Work& work) {
  Index first = 0;
  for (Index j = 0; j < neurons; ++j) {
    work(j, first, neurons - j - 1);
    first += neurons - j - 1;
  }
}

/// d_i += gain Σ_{j≠i} w_ij g_j, one column of each.
template <class Real>
void add_weighted(compute::View<const Real> g, compute::View<const Real> w, Index column, Real gain,
                  compute::View<Real> d) {
  const auto from = g.matrix().col(column);
  const auto weights = w.matrix().col(column);
  auto to = d.matrix().col(column);
  for_each_neuron(g.rows, [&](Index j, Index first, Index n) {
    const auto of_j = weights.segment(first, n);
    to[j] += gain * of_j.dot(from.tail(n));
    to.tail(n) += gain * from[j] * of_j;
  });
}

/// d_ij += gain (a_i b_j) for i > j, one column of each.
template <class Real>
void add_products(compute::View<const Real> a, compute::View<const Real> b, Index column, Real gain,
                  compute::View<Real> d) {
  for_each_neuron(a.rows, [&](Index j, Index first, Index n) {
    d.matrix().col(column).segment(first, n) += gain * b.matrix()(j, column) * a.matrix().col(column).tail(n);
  });
}

}  // namespace

Eigen::MatrixXd pair_products(const Eigen::MatrixXd& g) {
  Eigen::MatrixXd products = Eigen::MatrixXd::Zero(pairs_of(g.rows()), g.cols());
  const compute::View<const double> from(g.data(), g.rows(), g.cols(), g.rows());
  const compute::View<double> to(products.data(), products.rows(), products.cols(), products.rows());
  for (Index column = 0; column < g.cols(); ++column) add_products<double>(from, from, column, 1, to);
  return products;
}

template <class Real>
void Plastic<Real>::check(std::span<const Index> neurons, std::span<const Index>) const {
  if (neurons[1] == pairs_of(neurons[0]) && std::isfinite(gain_)) return;
  throw base::UserError(
      {.key = "plastic synapse",
       .problem = fmt::format("{} weights for {} neurons, gain {}", neurons[1], neurons[0], gain_),
       .expected = fmt::format("{} weights, one for each pair, and a finite gain", pairs_of(neurons[0]))});
}

template <class Real>
void Plastic<Real>::add_energy(std::span<const ConstView> g, Ids, View e) const {
  for (Index column = 0; column < e.columns; ++column) {
    const auto from = g[0].matrix().col(column);
    Real sum = 0;
    for_each_neuron(g[0].rows, [&](Index j, Index first, Index n) {
      sum += from[j] * g[1].matrix().col(column).segment(first, n).dot(from.tail(n));
    });
    *e.column(column) -= gain_ * sum;
  }
}

template <class Real>
void Plastic<Real>::add_drive(std::span<const ConstView> g, Ids, std::size_t place, View d) const {
  for (Index column = 0; column < d.columns; ++column) {
    if (place == 0) {
      add_weighted<Real>(g[0], g[1], column, gain_, d);
    } else {
      add_products<Real>(g[0], g[0], column, gain_, d);
    }
  }
}

template <class Real>
void Plastic<Real>::add_drive_tangent(std::span<const ConstView> g, std::span<const ConstView> u, Ids,
                                      std::size_t place, View d) const {
  for (Index column = 0; column < d.columns; ++column) {
    if (place == 0) {
      add_weighted<Real>(u[0], g[1], column, gain_, d);
      add_weighted<Real>(g[0], u[1], column, gain_, d);
    } else {
      add_products<Real>(u[0], g[0], column, gain_, d);
      add_products<Real>(g[0], u[0], column, gain_, d);
    }
  }
}

template class Plastic<float>;
template class Plastic<double>;

}  // namespace ecphory::dynamics
