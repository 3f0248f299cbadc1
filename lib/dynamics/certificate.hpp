#pragma once
// What is known of a network's energy, and why not more.

#include <string>
#include <vector>

#include "ecphory/dynamics/network.hpp"

namespace ecphory::dynamics {

/// dE/dt = −Σ τ ẋᵀ ∇²L ẋ ≤ 0 holds when every synapse derives from an energy, the input is constant, there is
/// no noise and every ∇²L of a layer with τ > 0 is positive semi-definite (Krotov 2021, eq. 6). Neurons of
/// one layer may have time constants of their own where ∇²L is diagonal.
struct Certificate {
  bool has_energy = true;     ///< every synapse derives from one
  bool never_rises = true;    ///< along the flow, from the last jump of the input on
  bool bounded_below = true;  ///< shown by a sufficient condition; false where that does not decide
  std::vector<std::string> reasons = {};  ///< why one of these is false, one sentence each
  std::vector<std::string> remarks =
      {};  ///< where ∇²L is singular, so that dE/dt = 0 need not mean a fixed point

  /// All of it as text, a sentence a line.
  std::string text() const;
};

template <class Real>
Certificate certify(const Network<Real>& network);

}  // namespace ecphory::dynamics
