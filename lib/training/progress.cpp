#include "ecphory/training/progress.hpp"

#include "ecphory/training/cuda_operations.hpp"

namespace ecphory::training {

void count_step(compute::View<const double> losses, compute::View<std::uint64_t> step,
                compute::View<Progress> progress) {
  base::ensure(losses.columns == step.columns && progress.columns == step.columns &&
                   losses.device == step.device && progress.device == step.device,
               "every run has a loss, a step and a progress, on one device");
  if (step.device != compute::kCpu) return cuda::count_step(losses, step, progress);
  for (compute::Index r = 0; r < step.columns; ++r)
    progress.column(r)->count(*losses.column(r), (*step.column(r))++);
}

}  // namespace ecphory::training
