#include "ecphory/tasks/in_context_denoising.hpp"

#include <Eigen/QR>
#include <cmath>

#include <fmt/format.h>

namespace ecphory::tasks {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

const base::ParameterTable<DenoisingParameters>& denoising_table() {
  using P = DenoisingParameters;
  static const auto table =
      base::ParameterTable<P>("task")
          .add("dimension", &P::dimension, "1", "elements n of a sample", base::between(1, 1e5))
          .add("subspace", &P::subspace, "1", "dimension d of the subspace that samples lie in, at most n",
               base::between(1, 1e5))
          .add("context", &P::context, "1", "samples L of the context", base::between(1, 1e6))
          .add("variance", &P::variance, "1", "variance of samples in each direction of the subspace",
               base::above(0))
          .add("noise_variance", &P::noise_variance, "1", "variance of the query's noise in each element",
               base::above(0));
  return table;
}

namespace {

MatrixXd normals(Index rows, Index columns, const base::RandomKey& key, base::Purpose purpose,
                 std::uint32_t trial) {
  MatrixXd x(rows, columns);
  base::RandomStream(key, purpose, trial).normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  return x;
}

}  // namespace

DenoisingPrompt draw(const DenoisingParameters& p, const base::RandomKey& key, std::uint32_t trial) {
  if (p.subspace > p.dimension) {
    throw base::UserError({.key = "task.subspace",
                           .problem = fmt::format("{} dimensions of {}", p.subspace, p.dimension),
                           .expected = fmt::format("1 to {}", p.dimension)});
  }
  const MatrixXd frame = normals(p.dimension, p.subspace, key, base::Purpose("denoising.subspace"), trial);
  const MatrixXd basis =
      Eigen::HouseholderQR<MatrixXd>(frame).householderQ() * MatrixXd::Identity(p.dimension, p.subspace);
  const MatrixXd samples = std::sqrt(p.variance) * basis *
                           normals(p.subspace, p.context + 1, key, base::Purpose("denoising.samples"), trial);
  DenoisingPrompt prompt{
      .context = samples.leftCols(p.context), .noisy = {}, .clean = samples.rightCols(1), .bayes = {}};
  prompt.noisy = prompt.clean + std::sqrt(p.noise_variance) *
                                    normals(p.dimension, 1, key, base::Purpose("denoising.noise"), trial);
  prompt.bayes = p.variance / (p.variance + p.noise_variance) * basis * (basis.transpose() * prompt.noisy);
  return prompt;
}

double bayes_loss(const DenoisingParameters& p) {
  return static_cast<double>(p.subspace) / static_cast<double>(p.dimension) * p.variance * p.noise_variance /
         (p.variance + p.noise_variance);
}

}  // namespace ecphory::tasks
