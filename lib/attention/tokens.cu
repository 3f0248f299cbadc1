#include "ecphory/attention/cuda_passes.hpp"
#include "ecphory/compute/cuda_kernel.cuh"

namespace ecphory::attention::cuda {
namespace {

template <class Real>
__global__ void write_out_kernel(PositionedTokens<Real> from,
                                 compute::View<Real> to /* (W, T · sequences) */) {
  compute::cuda::for_my_elements(to.rows, to.columns, [&](Index i, Index j) {
    const Index hot = *from.shift.column(j / from.tokens) + j % from.tokens;
    to.column(j)[i] = i >= from.positions ? from.content.column(j)[i - from.positions] : Real(i == hot);
  });
}

}  // namespace

template <class Real>
void Passes<Real>::write_out(const Tokens& from, Out to) {
  compute::cuda::elementwise(to.device, to.rows, to.columns, write_out_kernel<Real>, from, to);
}

template void Passes<float>::write_out(const Tokens&, Out);
template void Passes<double>::write_out(const Tokens&, Out);

}  // namespace ecphory::attention::cuda
