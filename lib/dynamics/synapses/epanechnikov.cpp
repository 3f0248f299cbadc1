#include "ecphory/dynamics/synapses/epanechnikov.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/gemm.hpp"

namespace ecphory::dynamics {

using compute::Array;
using compute::Index;
using compute::Transpose;

/// Of every column g.
template <class Real>
struct Epanechnikov<Real>::Supports {
  std::vector<Real> sum;    ///< Z = ε + Σ relu(…)
  std::vector<Real> count;  ///< |B|
  Array<Real> pull;         ///< w = Σ_{μ∈B} (ξ_μ − g), (neurons, columns)
};

template <class Real>
Epanechnikov<Real>::Epanechnikov(LayerId layer, Weights<Real> memories, double beta, double epsilon)
    : layer_(layer),
      memories_(std::move(memories)),
      beta_(static_cast<Real>(beta)),
      epsilon_(static_cast<Real>(epsilon)) {
  for (const auto& [key, number] : {std::pair("beta", beta), std::pair("epsilon", epsilon)}) {
    if (number > 0 && std::isfinite(number)) continue;
    throw base::UserError(
        {.key = key, .problem = fmt::format("{} is not allowed", number), .expected = "a finite number > 0"});
  }
  const auto xi = memories_->matrix();
  for (Index mu = 0; mu < xi.cols(); ++mu) squares_.push_back(xi.col(mu).squaredNorm());
}

template <class Real>
void Epanechnikov<Real>::check(std::span<const Index> neurons, std::span<const Index>) const {
  if (neurons[0] == memories_->rows() && memories_->matrix().allFinite()) return;
  throw base::UserError(
      {.key = "Epanechnikov synapse",
       .problem = fmt::format("memories of {} elements, for {} neurons", memories_->rows(), neurons[0]),
       .expected = "equal numbers, and finite elements"});
}

/// Needs no more than ξ_μ·g, as ‖g − ξ‖² = ‖g‖² − 2 ξ·g + ‖ξ‖².
template <class Real>
typename Epanechnikov<Real>::Supports Epanechnikov<Real>::supports_at(ConstView g) const {
  const Array<Real>& xi = *memories_;
  Array<Real> inside({xi.columns(), g.columns});  // ξ·g, then 1 in B and 0 elsewhere
  compute::gemm<Real>(Transpose::yes, Transpose::no, 1, {xi.data(), xi.rows(), xi.columns(), xi.rows()}, g, 0,
                      inside);
  Supports s{.sum = std::vector<Real>(static_cast<std::size_t>(g.columns), epsilon_),
             .count = std::vector<Real>(static_cast<std::size_t>(g.columns), 0),
             .pull = Array<Real>({g.rows, g.columns})};
  for (Index j = 0; j < g.columns; ++j) {
    const Real square = g.matrix().col(j).squaredNorm();
    const auto at = static_cast<std::size_t>(j);
    for (Index mu = 0; mu < xi.columns(); ++mu) {
      Real& own = inside.matrix()(mu, j);
      const Real height = 1 - beta_ / 2 * (square - 2 * own + squares_[static_cast<std::size_t>(mu)]);
      own = height > 0 ? Real{1} : Real{0};
      s.sum[at] += own * height;
      s.count[at] += own;
    }
    s.pull.matrix().col(j) = -s.count[at] * g.matrix().col(j);
  }
  compute::gemm<Real>(Transpose::no, Transpose::no, 1, {xi.data(), xi.rows(), xi.columns(), xi.rows()},
                      inside, 1, s.pull);
  return s;
}

template <class Real>
void Epanechnikov<Real>::add_energy(std::span<const ConstView> outputs, Ids, View e) const {
  const Supports s = supports_at(outputs[0]);
  for (Index j = 0; j < e.columns; ++j) {
    *e.column(j) -=
        std::log(s.sum[static_cast<std::size_t>(j)]) / beta_ + outputs[0].matrix().col(j).squaredNorm() / 2;
  }
}

template <class Real>
void Epanechnikov<Real>::add_drive(std::span<const ConstView> outputs, Ids, std::size_t, View d) const {
  const Supports s = supports_at(outputs[0]);
  for (Index j = 0; j < d.columns; ++j) {
    d.matrix().col(j) +=
        outputs[0].matrix().col(j) + s.pull.matrix().col(j) / s.sum[static_cast<std::size_t>(j)];
  }
}

/// With ∂Z/∂g = β w: the derivative of g + w/Z along u is u − |B| u/Z − w β (w·u)/Z².
template <class Real>
void Epanechnikov<Real>::add_drive_tangent(std::span<const ConstView> outputs,
                                           std::span<const ConstView> tangents, Ids, std::size_t,
                                           View d) const {
  const Supports s = supports_at(outputs[0]);
  for (Index j = 0; j < d.columns; ++j) {
    const auto at = static_cast<std::size_t>(j);
    const auto u = tangents[0].matrix().col(j);
    const auto w = s.pull.matrix().col(j);
    const Real along = beta_ * w.dot(u) / (s.sum[at] * s.sum[at]);
    d.matrix().col(j) += (1 - s.count[at] / s.sum[at]) * u - along * w;
  }
}

template class Epanechnikov<float>;
template class Epanechnikov<double>;

}  // namespace ecphory::dynamics
