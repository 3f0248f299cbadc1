#pragma once
// The CUDA half of every operation. The function of the same name checks what its header asks for and comes
// here with views that live on a GPU; work is started in order with the calling thread's other work there,
// and nobody waits for it. A build without CUDA has cuda_absent.cpp instead: there, a call is a Bug.

#include <cstdint>
#include <span>

#include "ecphory/base/random.hpp"
#include "ecphory/compute/adamw.hpp"
#include "ecphory/compute/batch.hpp"
#include "ecphory/compute/scaled_sum.hpp"
#include "ecphory/compute/sgd.hpp"

namespace ecphory::compute::cuda {

template <class Real>
struct Operations {
  using In = View<const Real>;
  using Out = View<Real>;
  using Indices = View<const std::int32_t>;

  static void adamw(View<const AdamWStep<Real>> steps, In gradient, Out m, Out v, Out w);
  static void add_bias(In bias, Out y);
  static void add_bias_backward(In dy, Out dbias);
  static void add_scaled_blocks(In factors, In x, Out y);
  static void add_scaled_blocks_backward(In factors, In x, In dy, Out dx, Out dfactors);
  static void axpby(Real alpha, In x, Real beta, Out y);
  static void batched_gemm(bool ta, bool tb, Real alpha, Batch<const Real> a, Batch<const Real> b, Real beta,
                           Batch<Real> c);
  static void bias_relu(In bias, In x, Out y);
  static void bias_relu_backward(In y, In dy, Out dx, Out dbias);
  static void block_sums(double scale, In x, View<double> sums);
  static void causal_softmax(Real beta, In s, Out p);
  static void causal_softmax_backward(Real beta, In p, In dp, Out ds);
  static void cross_entropy(In logits, Indices labels, Out losses);
  static void cross_entropy_backward(Real scale, In logits, Indices labels, Out d);
  static void fill(Real value, Out y);
  static void gated_sum(In keep, In gate, In y, Out x);
  static void gather_columns(In w, Indices columns, Out y);
  static void gelu(In x, Out y);
  static void gelu_backward(In x, In dy, Out dx);
  static void gemm(bool ta, bool tb, Real alpha, In a, In b, Real beta, Out c);
  static void is_correct(In logits, Indices labels, Out correct);
  static void layer_norm(Real epsilon, In x, In gain, In shift, Out y, Out statistics);
  static void layer_norm_backward(In x, In gain, In statistics, In dy, Out dx, Out dgain, Out dshift);
  static void log_sum_exp(Real beta, In x, Out l);
  static void normals(const base::RandomStream& stream, std::uint64_t first, Out x);
  static void scaled_sum(std::span<const Scaled<Real>> terms, Out y);
  static void scatter_columns(In dy, Indices columns, Out dw);
  static void sgd(View<const SgdStep<Real>> steps, In gradient, Out w);
  static void softmax(Real beta, In x, Out p);
  static void uniforms(const base::RandomStream& stream, std::uint64_t first, Out x);
};

}  // namespace ecphory::compute::cuda
