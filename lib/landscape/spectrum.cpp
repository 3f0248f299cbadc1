#include "ecphory/landscape/spectrum.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/exception_slot.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/dynamics/flow.hpp"
#include "ecphory/landscape/jacobian.hpp"

namespace ecphory::landscape {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXcd;
using Eigen::VectorXd;

namespace {

/// All eigenvalues; NaN when the solver gives up. A matrix that is symmetric but for rounding is taken to be.
VectorXcd eigenvalues_of(const MatrixXd& matrix) {
  constexpr double kRounding = 1e-13;
  if ((matrix - matrix.transpose()).norm() <= kRounding * matrix.norm()) {
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(matrix, Eigen::EigenvaluesOnly);
    if (solver.info() == Eigen::Success) return solver.eigenvalues().cast<std::complex<double>>();
  } else {
    const Eigen::EigenSolver<MatrixXd> solver(matrix, false);
    if (solver.info() == Eigen::Success) return solver.eigenvalues();
  }
  return VectorXcd::Constant(matrix.rows(), std::numeric_limits<double>::quiet_NaN());
}

Spectrum sorted(VectorXcd eigenvalues, const SpectrumOptions& options) {
  std::ranges::sort(eigenvalues, [](const std::complex<double>& a, const std::complex<double>& b) {
    return a.real() != b.real() ? a.real() > b.real() : a.imag() > b.imag();
  });
  return {.leading = eigenvalues.head(std::min(options.leading, eigenvalues.size())),
          .index = (eigenvalues.real().array() > options.tolerance).count()};
}

/// Eigenvalues in overlap space, of networks that suit it.
class OverlapSpectrum {
 public:
  OverlapSpectrum(const dynamics::Network<double>& network, const MatrixXd& states, double t)
      : visible_(network.layers()[0].tau > 0 ? 0 : 1),
        tau_(network.layers()[visible_].tau),
        lagrangian_(network.layers()[1 - visible_].lagrangian),
        neurons_(network.rows()) {
    const auto gram = dynamics::gram_of(network);
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(gram->matrix());
    const VectorXd root = solver.eigenvalues().cwiseMax(0).cwiseSqrt();
    gram_root_ = solver.eigenvectors() * root.asDiagonal() * solver.eigenvectors().transpose();
    dynamics::Field<double> field(network);
    MatrixXd drive(states.rows(), states.cols());
    field.select(std::vector<Index>(static_cast<std::size_t>(states.cols()), 0), t);
    field.drive({states.data(), states.rows(), states.cols(), states.rows()},
                {drive.data(), drive.rows(), drive.cols(), drive.rows()});
    overlaps_ = field.state(1 - visible_).matrix();
  }

  VectorXcd at(Index state) const {
    const Index m = gram_root_.rows();
    const MatrixXd h = overlaps_.col(state).replicate(1, m);
    MatrixXd curved(m, m);  // S G^½
    dynamics::hessian_times<double>(lagrangian_, {h.data(), m, m, m}, {gram_root_.data(), m, m, m},
                                    {curved.data(), m, m, m});
    const MatrixXd product = gram_root_ * curved;
    VectorXcd eigenvalues = VectorXcd::Constant(neurons_, -1 / tau_);
    const VectorXd of_product =
        Eigen::SelfAdjointEigenSolver<MatrixXd>(0.5 * (product + product.transpose()), Eigen::EigenvaluesOnly)
            .eigenvalues();
    eigenvalues.head(m) = ((of_product.array() - 1) / tau_).matrix().cast<std::complex<double>>();
    return eigenvalues;
  }

 private:
  dynamics::LayerId visible_;
  double tau_;
  dynamics::Lagrangian lagrangian_;
  Index neurons_;
  MatrixXd gram_root_;  // (M, M)
  MatrixXd overlaps_;   // (M, states) Ξᵀv + I_h
};

}  // namespace

void check(const SpectrumOptions& options) {
  if (options.leading < 0) {
    throw base::UserError({.key = "spectrum.leading",
                           .problem = fmt::format("{} is not allowed", options.leading),
                           .expected = "a whole number >= 0"});
  }
  if (!(options.tolerance >= 0) || !std::isfinite(options.tolerance)) {
    throw base::UserError({.key = "spectrum.tolerance",
                           .problem = fmt::format("{} is not allowed", options.tolerance),
                           .expected = "a finite number >= 0, in 1/ms"});
  }
}

std::vector<Spectrum> spectra(const dynamics::Network<double>& network, const MatrixXd& states,
                              const SpectrumOptions& options, double t) {
  check(options);
  if (states.rows() != network.rows() || !states.allFinite()) {
    throw base::UserError(
        {.key = "states",
         .problem = fmt::format("{} rows{}", states.rows(), states.allFinite() ? "" : ", not all finite"),
         .expected = fmt::format("{} rows of finite numbers, as the network's state has", network.rows())});
  }
  std::vector<Spectrum> result(static_cast<std::size_t>(states.cols()));
  if (result.empty()) return result;
  const compute::SingleThreadedBlas one_blas_thread;
  const dynamics::OverlapSuitability suits = dynamics::suits_overlap_space(network);
  std::optional<OverlapSpectrum> overlap;
  if (suits.possible && dynamics::gram_of(network)->rows() < network.rows())
    overlap.emplace(network, states, t);
  base::ExceptionSlot exception;
#pragma omp parallel for schedule(dynamic) if (result.size() > 1)
  for (std::size_t j = 0; j < result.size(); ++j) {
    exception.run([&] {
      const auto at = static_cast<Index>(j);
      result[j] =
          sorted(overlap ? overlap->at(at) : eigenvalues_of(jacobian(network, states.col(at), t)), options);
    });
  }
  exception.rethrow();
  return result;
}

Spectrum spectrum(const dynamics::Network<double>& network, const VectorXd& state,
                  const SpectrumOptions& options, double t) {
  return spectra(network, state, options, t).front();
}

}  // namespace ecphory::landscape
