#include "ecphory/attention/cuda_passes.hpp"

namespace ecphory::attention::cuda {
namespace {

/// No array is on a GPU here.
[[noreturn]] void never() { throw base::Bug("an operation on a GPU in a build without CUDA"); }

}  // namespace

template <class Real>
void Passes<Real>::first_layer(const Tokens&, compute::Batch<const Real>, Out, Out, Out, Out) {
  never();
}

template <class Real>
void Passes<Real>::first_layer_backward(const Tokens&, In, In, In, In, In, In, Out, compute::Batch<Real>) {
  never();
}

template <class Real>
void Passes<Real>::induction(compute::View<const std::int32_t>, In, Out) {
  never();
}

template <class Real>
void Passes<Real>::last_token(const Tokens&, In, In, In, Out, Out, Out, Out, Out) {
  never();
}

template <class Real>
void Passes<Real>::last_token_backward(const Tokens&, In, In, In, In, Out, Out, Out, Out) {
  never();
}

template <class Real>
void Passes<Real>::write_out(const Tokens&, Out) {
  never();
}

template struct Passes<float>;
template struct Passes<double>;

}  // namespace ecphory::attention::cuda
