#pragma once
// The list of experiments.

#include <vector>

#include "ecphory/sweep/experiment.hpp"

namespace ecphory::experiments {

sweep::Experiment amicl();
sweep::Experiment amicl_dynamics();
sweep::Experiment capacity();
sweep::Experiment continuation();
sweep::Experiment denoising();
sweep::Experiment equivalence();
sweep::Experiment icl_transformer();
sweep::Experiment landscape_of_memory();
sweep::Experiment one_step();
sweep::Experiment relaxation();
sweep::Experiment retrieval();
sweep::Experiment sequences();

const std::vector<sweep::Experiment>& all_experiments();

}  // namespace ecphory::experiments
