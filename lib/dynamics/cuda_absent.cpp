#include "ecphory/dynamics/cuda_operations.hpp"

namespace ecphory::dynamics::cuda {
namespace {

/// No array is on a GPU here.
[[noreturn]] void never() { throw base::Bug("an operation on a GPU in a build without CUDA"); }

}  // namespace

template <class Real>
void Operations<Real>::gradient(const Lagrangian&, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::scaled_rates(Steps, Taus, In, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::error_norms(double, double, In, In, In, Numbers) {
  never();
}

template <class Real>
void Operations<Real>::exponential_euler(Steps, Taus, In, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::exponential_runge_kutta(Steps, Taus, In, In, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::wiener_increments(const base::RandomKey&, Steps, Taus, Out) {
  never();
}

template <class Real>
void Operations<Real>::euler_maruyama(Steps, Taus, Noises, In, In, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::heun(Steps, Taus, Noises, In, In, In, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::readings(In, In, Numbers, Numbers) {
  never();
}

template <class Real>
void Operations<Real>::sizes(double, double, Taus, In, In, Numbers, Numbers) {
  never();
}

template <class Real>
void Operations<Real>::cosine_distance(double, In, In, Places, Numbers) {
  never();
}

template <class Real>
void Operations<Real>::copy_columns(In, Places, Out) {
  never();
}

template <class Real>
void Operations<Real>::take_columns(Places, In, Out) {
  never();
}

template struct Operations<float>;
template struct Operations<double>;

}  // namespace ecphory::dynamics::cuda
