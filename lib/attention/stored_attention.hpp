#pragma once
// Attention to stored keys and values: layers whose memories are weights, not tokens (Ramsauer et al. 2021,
// arXiv 2008.02217), with gates. Of a state x,
//
//     p_h = softmax(β_h (K_hᵀ x + b_h))                       of the rows of x that head h asks with
//     x   ← keep ∘ x + gate ∘ (input + Σ_h V_h p_h)           into the rows that head h answers to
//
// and as many times over as there are layers. keep = 1 − gate is a gated layer, keep = 1 a pure residual one.

#include <memory>
#include <string>
#include <vector>

#include "ecphory/compute/view.hpp"

namespace ecphory::attention {

using compute::Index;

template <class Real>
struct StoredHead {
  using Vector = Eigen::Matrix<Real, Eigen::Dynamic, 1>;

  std::string name;
  double beta = 1;
  Index query = 0;   ///< the first row of x that it asks with; as many as keys have
  Index output = 0;  ///< the first row of x that it answers to; as many as values have
  std::shared_ptr<const compute::Array<Real>> keys = nullptr;    ///< K (rows, memories)
  std::shared_ptr<const compute::Array<Real>> values = nullptr;  ///< V (rows, memories); K itself where tied
  Vector bias = {};                                              ///< b (memories); empty for none

  Index memories() const { return keys->columns(); }
  bool tied() const { return keys == values && query == output; }
};

/// The weights of one layer.
template <class Real>
struct StoredAttention {
  using Vector = typename StoredHead<Real>::Vector;

  std::vector<StoredHead<Real>> heads = {};
  Vector keep = {};   ///< (width)
  Vector gate = {};   ///< (width)
  Vector input = {};  ///< (width)

  Index width() const { return keep.size(); }
};

/// Bug unless keys, values, rows and gates fit each other.
template <class Real>
void check(const StoredAttention<Real>& layer);

/// Layers with the same weights, with memory on a device for up to that many columns of x.
template <class Real>
class StoredAttentionStack {
 public:
  StoredAttentionStack(const StoredAttention<Real>& layer, Index columns,
                       compute::Device device = compute::kCpu);

  /// x (width, columns) through one layer.
  void forward(compute::View<Real> x);

  /// p of a head in the layer that x was last put through, (memories, columns).
  compute::View<const Real> attention(Index head) const;

 private:
  struct Head {
    Real beta;
    Index query;
    Index output;
    compute::Array<Real> keys;
    compute::Array<Real> values;  ///< empty where tied
    compute::Array<Real> bias;    ///< empty for none
    compute::Array<Real> p;       ///< (memories, columns)
  };

  Index columns_ = 0;  ///< of what forward() was last given
  std::vector<Head> heads_;
  compute::Array<Real> keep_, gate_, input_;  ///< (width, 1)
  compute::Array<Real> drive_;                ///< (width, columns)
};

extern template struct StoredHead<float>;
extern template struct StoredHead<double>;
extern template class StoredAttentionStack<float>;
extern template class StoredAttentionStack<double>;

}  // namespace ecphory::attention
