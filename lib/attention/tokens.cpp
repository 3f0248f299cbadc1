#include "ecphory/attention/tokens.hpp"

#include "ecphory/attention/cuda_passes.hpp"

namespace ecphory::attention {

template <class Real>
void write_out(const PositionedTokens<Real>& from, compute::View<Real> to) {
  if (to.device != compute::kCpu) return cuda::Passes<Real>::write_out(from, to);
  to.matrix().topRows(from.positions).setZero();
  to.matrix().bottomRows(from.content.rows) = from.content.matrix();
  for (Index s = 0; s < from.sequences(); ++s) {
    for (Index t = 0; t < from.tokens; ++t) to.column(s * from.tokens + t)[*from.shift.column(s) + t] = 1;
  }
}

template void write_out<float>(const PositionedTokens<float>&, compute::View<float>);
template void write_out<double>(const PositionedTokens<double>&, compute::View<double>);

}  // namespace ecphory::attention
