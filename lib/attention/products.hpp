#pragma once
// Products of networks side by side: each one's matrix with its own columns of a batch, as many for each.

#include "ecphory/compute/batched_gemm.hpp"

namespace ecphory::attention {

/// y ← factor · op(w) x + beta · y.
template <class Real>
void product(compute::Transpose transpose, Real factor, compute::Batch<const Real> w,
             compute::View<const Real> x, Real beta, compute::View<Real> y) {
  compute::batched_gemm<Real>(transpose, compute::Transpose::no, factor, w, blocks_of(x, w.count), beta,
                              blocks_of(y, w.count));
}

/// dw += factor · dy xᵀ: the gradient of w in y = factor · w x.
template <class Real>
void outer(Real factor, compute::View<const Real> dy, compute::View<const Real> x, compute::Batch<Real> dw) {
  compute::batched_gemm<Real>(compute::Transpose::no, compute::Transpose::yes, factor,
                              blocks_of(dy, dw.count), blocks_of(x, dw.count), Real{1}, dw);
}

}  // namespace ecphory::attention
