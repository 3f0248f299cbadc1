#pragma once
// What a checkpoint of the experiment says of itself, and networks that are read back from one.

#include <filesystem>
#include <vector>

#include "ecphory/models/icl_transformer.hpp"
#include "ecphory/store/dataset.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"

#include "settings.hpp"

namespace ecphory::experiments::icl {

/// What the weights of a run are of, and what they are trained on: architecture, task and random key.
store::Attributes description(const base::Point& point, const base::RandomKey& key);

/// A network as a checkpoint has it, in double precision.
struct Trained {
  models::IclTransformerShape shape = {};
  tasks::GaussianMixtureParameters task = {};
  base::RandomKey key = {};  ///< of the mixture and the sequences
  std::vector<double> weights = {};
  std::int64_t step = 0;  ///< of training
};

/// Throws UserError for a file that is no whole checkpoint of this experiment.
Trained read_trained(const std::filesystem::path& path);

/// Sequences first … first + n − 1 of one of the run's test sets, written out as tokens: (width, tokens · n).
Eigen::MatrixXd sequences_of(const Trained& trained, tasks::TestSet set, std::int64_t first, std::int64_t n);

}  // namespace ecphory::experiments::icl
