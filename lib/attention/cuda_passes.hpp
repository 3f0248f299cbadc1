#pragma once
// The CUDA half of the passes over sequences, as compute/cuda_operations.hpp is that of operations: started
// in order with the calling thread's other work on the GPU. A build without CUDA has cuda_absent.cpp instead.

#include "ecphory/attention/tokens.hpp"
#include "ecphory/compute/batch.hpp"

namespace ecphory::attention::cuda {

template <class Real>
struct Passes {
  using In = compute::View<const Real>;
  using Out = compute::View<Real>;
  using Tokens = PositionedTokens<Real>;

  static void first_layer(const Tokens& x, compute::Batch<const Real> b, Out z, Out p1, Out u, Out x_last);
  static void first_layer_backward(const Tokens& x, In p1, In p, In y, In dt, In dw, In du, Out dz,
                                   compute::Batch<Real> d_b);
  static void induction(compute::View<const std::int32_t> classes, In attention, Out strength);
  static void last_token(const Tokens& x, In p1, In a, In g, Out y, Out p, Out w, Out c, Out d);
  static void last_token_backward(const Tokens& x, In p1, In p, In dc, In dd, Out dt, Out dw, Out da, Out dg);
  static void write_out(const Tokens& from, Out to);
};

}  // namespace ecphory::attention::cuda
