#include "ecphory/base/error.hpp"
#include "ecphory/tasks/cuda_operations.hpp"

namespace ecphory::tasks::cuda {

template <class Real>
void draw(const compute::Array<MixtureConstants<Real>>&, compute::View<const std::uint64_t>, std::uint32_t,
          InContextBatch<Real>&) {
  throw base::Bug("data on a GPU in a build without CUDA");
}

template void draw<float>(const compute::Array<MixtureConstants<float>>&, compute::View<const std::uint64_t>,
                          std::uint32_t, InContextBatch<float>&);
template void draw<double>(const compute::Array<MixtureConstants<double>>&,
                           compute::View<const std::uint64_t>, std::uint32_t, InContextBatch<double>&);

}  // namespace ecphory::tasks::cuda
