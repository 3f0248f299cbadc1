#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/dynamics/cuda_operations.hpp"

namespace ecphory::dynamics::cuda {
namespace {

using compute::Index;
using compute::View;

template <class Real>
__global__ void readings_kernel(View<const Real> x /* (rows, columns) */,
                                View<const Real> d /* (rows, columns) */,
                                View<double> finite /* (1, columns) */,
                                View<double> rate /* (1, columns) */) {
  const Index j = blockIdx.x;
  double sum = 0;
  int bad = 0;
  for (Index i = threadIdx.x; i < x.rows; i += blockDim.x) {
    const Real state = x.column(j)[i];
    const Real drive = d.column(j)[i];
    if (!isfinite(state) || !isfinite(drive)) ++bad;
    const auto difference = static_cast<double>(drive - state);
    sum += difference * difference;
  }
  sum = compute::cuda::block_sum(sum);
  bad = compute::cuda::block_sum(bad);
  if (threadIdx.x != 0) return;
  *finite.column(j) = bad == 0 ? 1 : 0;
  *rate.column(j) = sqrt(sum / static_cast<double>(x.rows));
}

template <class Real>
__global__ void sizes_kernel(double rtol, double atol, View<const double> tau /* (rows, 1) */,
                             View<const Real> x /* (rows, columns) */,
                             View<const Real> d /* (rows, columns) */,
                             View<double> of_state /* (1, columns) */,
                             View<double> of_rate /* (1, columns) */) {
  const Index j = blockIdx.x;
  double state = 0;
  double rate = 0;
  for (Index i = threadIdx.x; i < x.rows; i += blockDim.x) {
    const auto xi = static_cast<double>(x.column(j)[i]);
    const double scale = atol + rtol * fabs(xi);
    const double change = (static_cast<double>(d.column(j)[i]) - xi) / tau.data[i] / scale;
    state += (xi / scale) * (xi / scale);
    rate += change * change;
  }
  state = compute::cuda::block_sum(state);
  rate = compute::cuda::block_sum(rate);
  if (threadIdx.x != 0) return;
  *of_state.column(j) = state;
  *of_rate.column(j) = rate;
}

template <class Real>
__global__ void cosine_distance_kernel(double cosine, View<const Real> g /* (neurons, columns) */,
                                       View<const Real> directions /* (neurons, any) */,
                                       View<const std::int32_t> target /* (1, columns) */,
                                       View<double> value /* (1, columns) */) {
  const Index j = blockIdx.x;
  const Real* const direction = directions.column(*target.column(j));
  Real square = 0;
  Real along = 0;
  for (Index i = threadIdx.x; i < g.rows; i += blockDim.x) {
    square += g.column(j)[i] * g.column(j)[i];
    along += g.column(j)[i] * direction[i];
  }
  const auto length = static_cast<double>(sqrt(compute::cuda::block_sum(square)));
  along = compute::cuda::block_sum(along);
  if (threadIdx.x == 0)
    *value.column(j) = cosine * length - static_cast<double>(along) + (length > 0 ? 0.0 : 1.0);
}

template <class Real>
__global__ void copy_columns_kernel(View<const Real> from /* (rows, any) */,
                                    View<const std::int32_t> columns /* (1, n) */,
                                    View<Real> to /* (rows, n) */) {
  compute::cuda::for_my_elements(
      to.rows, to.columns, [&](Index i, Index j) { to.column(j)[i] = from.column(*columns.column(j))[i]; });
}

template <class Real>
__global__ void take_columns_kernel(View<const std::int32_t> taken /* (1, columns) */,
                                    View<const Real> from /* (rows, columns) */,
                                    View<Real> to /* (rows, columns) */) {
  compute::cuda::for_my_elements(to.rows, to.columns, [&](Index i, Index j) {
    if (*taken.column(j) != 0) to.column(j)[i] = from.column(j)[i];
  });
}

}  // namespace

template <class Real>
void Operations<Real>::readings(In x, In d, Numbers finite, Numbers rate) {
  compute::cuda::columnwise(x.device, x.rows, x.columns, readings_kernel<Real>, x, d, finite, rate);
}

template <class Real>
void Operations<Real>::sizes(double rtol, double atol, Taus tau, In x, In d, Numbers of_state,
                             Numbers of_rate) {
  compute::cuda::columnwise(x.device, x.rows, x.columns, sizes_kernel<Real>, rtol, atol, tau, x, d, of_state,
                            of_rate);
}

template <class Real>
void Operations<Real>::cosine_distance(double cosine, In g, In directions, Places target, Numbers value) {
  compute::cuda::columnwise(g.device, g.rows, g.columns, cosine_distance_kernel<Real>, cosine, g, directions,
                            target, value);
}

template <class Real>
void Operations<Real>::copy_columns(In from, Places columns, Out to) {
  compute::cuda::elementwise(to.device, to.rows, to.columns, copy_columns_kernel<Real>, from, columns, to);
}

template <class Real>
void Operations<Real>::take_columns(Places taken, In from, Out to) {
  compute::cuda::elementwise(to.device, to.rows, to.columns, take_columns_kernel<Real>, taken, from, to);
}

#define ECPHORY_COLUMNS(Real)                                                            \
  template void Operations<Real>::readings(In, In, Numbers, Numbers);                    \
  template void Operations<Real>::sizes(double, double, Taus, In, In, Numbers, Numbers); \
  template void Operations<Real>::cosine_distance(double, In, In, Places, Numbers);      \
  template void Operations<Real>::copy_columns(In, Places, Out);                         \
  template void Operations<Real>::take_columns(Places, In, Out);
ECPHORY_COLUMNS(float)
ECPHORY_COLUMNS(double)
#undef ECPHORY_COLUMNS

}  // namespace ecphory::dynamics::cuda
