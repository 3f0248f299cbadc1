#include "ecphory/compute/block_sums.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void block_sums(double scale, std::type_identity_t<View<const Real>> x, View<double> sums) {
  base::ensure(
      x.rows == sums.rows && sums.columns > 0 && x.columns % sums.columns == 0 && x.device == sums.device,
      "each of equally wide blocks of columns has a column of sums, on their device");
  if (x.device != kCpu) return cuda::Operations<Real>::block_sums(scale, x, sums);
  const Index width = x.columns / sums.columns;
  sums.matrix().setZero();
  for (Index j = 0; j < x.columns; ++j) {
    double* const sum = sums.column(j / width);
    for (Index i = 0; i < x.rows; ++i) sum[i] += static_cast<double>(x.column(j)[i]);
  }
  sums.matrix() *= scale;
}

template void block_sums<float>(double, View<const float>, View<double>);
template void block_sums<double>(double, View<const double>, View<double>);

}  // namespace ecphory::compute
