#include "ecphory/base/philox.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/dynamics/integrators/wiener.hpp"

namespace ecphory::dynamics::cuda {
namespace {

using compute::Index;
using compute::View;

/// Threads make the two numbers of a pair each by themselves.
template <class Real>
__global__ void wiener_increments_kernel(base::RandomCounter counter,
                                         View<const ColumnStep> steps /* (1, columns) */,
                                         View<const double> tau /* (rows, 1) */,
                                         View<Real> increments /* (rows, columns) */) {
  compute::cuda::for_my_elements(increments.rows, increments.columns, [&](Index i, Index j) {
    const ColumnStep step = *steps.column(j);
    Real increment = 0;
    if (step.trajectory >= 0) {
      base::RandomCounter own = counter;
      own.step = static_cast<std::uint32_t>(step.made);
      const std::uint64_t element =
          first_normal(step.trajectory, increments.rows) + static_cast<std::uint64_t>(i);
      increment = base::normal_at<Real>(own, element) * static_cast<Real>(sqrt(2 * step.dt / tau.data[i]));
    }
    increments.column(j)[i] = increment;
  });
}

template <class Real>
__global__ void euler_maruyama_kernel(View<const ColumnStep> steps /* (1, columns) */,
                                      View<const double> tau /* (rows, 1) */,
                                      View<const Noise> noise /* (rows, 1) */,
                                      View<const Real> x /* (rows, columns) */,
                                      View<const Real> d /* (rows, columns) */,
                                      View<const Real> increments /* (rows, columns) */,
                                      View<Real> x_new /* (rows, columns) */) {
  compute::cuda::for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    const auto z = static_cast<Real>(steps.column(j)->dt / tau.data[i]);
    const Real before = x.column(j)[i];
    x_new.column(j)[i] =
        before + z * (d.column(j)[i] - before) + strength(noise.data[i], before) * increments.column(j)[i];
  });
}

template <class Real>
__global__ void heun_kernel(View<const ColumnStep> steps /* (1, columns) */,
                            View<const double> tau /* (rows, 1) */, View<const Noise> noise /* (rows, 1) */,
                            View<const Real> x /* (rows, columns) */,
                            View<const Real> d /* (rows, columns) */,
                            View<const Real> d_new /* (rows, columns) */,
                            View<const Real> increments /* (rows, columns) */,
                            View<Real> x_new /* (rows, columns) in: the Euler step */) {
  compute::cuda::for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    const auto half = static_cast<Real>(0.5 * steps.column(j)->dt / tau.data[i]);
    const Real before = x.column(j)[i];
    const Real ahead = x_new.column(j)[i];
    const Real drift = (d.column(j)[i] - before) + (d_new.column(j)[i] - ahead);
    const Real mean_strength = Real(0.5) * (strength(noise.data[i], before) + strength(noise.data[i], ahead));
    x_new.column(j)[i] = before + half * drift + mean_strength * increments.column(j)[i];
  });
}

}  // namespace

template <class Real>
void Operations<Real>::wiener_increments(const base::RandomKey& key, Steps steps, Taus tau, Out increments) {
  const base::RandomCounter counter = base::RandomStream(key, kNoisePurpose).counter();
  compute::cuda::elementwise(increments.device, increments.rows, increments.columns,
                             wiener_increments_kernel<Real>, counter, steps, tau, increments);
}

template <class Real>
void Operations<Real>::euler_maruyama(Steps steps, Taus tau, Noises noise, In x, In d, In increments,
                                      Out x_new) {
  compute::cuda::elementwise(x.device, x.rows, x.columns, euler_maruyama_kernel<Real>, steps, tau, noise, x,
                             d, increments, x_new);
}

template <class Real>
void Operations<Real>::heun(Steps steps, Taus tau, Noises noise, In x, In d, In d_new, In increments,
                            Out x_new) {
  compute::cuda::elementwise(x.device, x.rows, x.columns, heun_kernel<Real>, steps, tau, noise, x, d, d_new,
                             increments, x_new);
}

#define ECPHORY_NOISE(Real)                                                                    \
  template void Operations<Real>::wiener_increments(const base::RandomKey&, Steps, Taus, Out); \
  template void Operations<Real>::euler_maruyama(Steps, Taus, Noises, In, In, In, Out);        \
  template void Operations<Real>::heun(Steps, Taus, Noises, In, In, In, In, Out);
ECPHORY_NOISE(float)
ECPHORY_NOISE(double)
#undef ECPHORY_NOISE

}  // namespace ecphory::dynamics::cuda
