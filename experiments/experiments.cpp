#include "ecphory/experiments/experiments.hpp"

namespace ecphory::experiments {

const std::vector<sweep::Experiment>& all_experiments() {
  static const std::vector<sweep::Experiment> experiments = {
      amicl(),           amicl_dynamics(),      capacity(), continuation(), denoising(), equivalence(),
      icl_transformer(), landscape_of_memory(), one_step(), relaxation(),   retrieval(), sequences(),
  };
  return experiments;
}

}  // namespace ecphory::experiments
