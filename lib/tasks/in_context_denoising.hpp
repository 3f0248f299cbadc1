#pragma once
// In-context denoising: a context of clean samples, and a noisy one to restore.
// Smart, Bietti & Sengupta (2025), "In-context denoising with one-layer transformers: connections between
// attention and associative memory retrieval", arXiv 2502.05164, the linear task.

#include <Eigen/Core>
#include <cstdint>

#include "ecphory/base/parameters.hpp"
#include "ecphory/base/random.hpp"

namespace ecphory::tasks {

/// Samples are x ~ N(0, σ₀² P) with P the projection on a random subspace of `subspace` dimensions, drawn for
/// each prompt; the query is one more sample with noise N(0, σ_Z²) on each of its `dimension` elements.
struct DenoisingParameters {
  std::int64_t dimension = 16;  ///< n
  std::int64_t subspace = 8;    ///< d ≤ n
  std::int64_t context = 500;   ///< L
  double variance = 2;          ///< σ₀²
  double noise_variance = 1;    ///< σ_Z²
};

/// Settings of the section `task`.
const base::ParameterTable<DenoisingParameters>& denoising_table();

struct DenoisingPrompt {
  Eigen::MatrixXd context;  ///< (n, L)
  Eigen::VectorXd noisy;    ///< (n) the query
  Eigen::VectorXd clean;    ///< (n) what it was
  Eigen::VectorXd
      bayes;  ///< (n) σ₀²/(σ₀² + σ_Z²) P noisy, the best estimate by mean square for who knows the subspace
};

/// Prompt number `trial`. Throws UserError for a subspace larger than the dimension.
DenoisingPrompt draw(const DenoisingParameters& parameters, const base::RandomKey& key, std::uint32_t trial);

/// The mean square error of an element of the Bayes estimate, d σ₀² σ_Z²/(n (σ₀² + σ_Z²)).
double bayes_loss(const DenoisingParameters& parameters);

}  // namespace ecphory::tasks
