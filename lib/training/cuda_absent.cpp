#include "ecphory/training/cuda_operations.hpp"

namespace ecphory::training::cuda {
namespace {

[[noreturn]] void never() { throw base::Bug("training on a GPU in a build without CUDA"); }

}  // namespace

template <class Real>
void Operations<Real>::sgd_steps(Settings, Step, std::uint64_t, compute::View<compute::SgdStep<Real>>) {
  never();
}

template <class Real>
void Operations<Real>::adamw_steps(Settings, Step, std::uint64_t, compute::View<compute::AdamWStep<Real>>) {
  never();
}

void count_step(compute::View<const double>, compute::View<std::uint64_t>, compute::View<Progress>) {
  never();
}

template struct Operations<float>;
template struct Operations<double>;

}  // namespace ecphory::training::cuda
