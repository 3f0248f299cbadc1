#pragma once
// The nearest network that has an attention form.

#include <string>
#include <vector>

#include "ecphory/dynamics/network.hpp"

namespace ecphory::bridge {

/// A network and what was changed to get it, one sentence each; none where nothing was.
template <class Real>
struct Approximation {
  dynamics::Network<Real> network;
  std::vector<std::string> changes = {};
};

/// Changes a network as little as an attention form demands:
///
///     memory layers with a time constant    follow at once (the adiabatic limit τ_h → 0)
///     noise                                 is left out
///     outputs tanh(κx), sgn(x), x/|x|       of the layers with τ > 0 are the state itself: right where that
///     is
///                                           near ±1, or of length 1
///     polynomial memories f(h) = hⁿ⁻¹       f(h*) softmax(βh), β = (n−1)/h*: e^{β(h − h*)} has the value and
///     the
///                                           slope of f/f(h*) at h*, the overlap of a key k with an output
///                                           that is at the key, mean over memories: |k|² of a state, |k|₁ of
///                                           tanh and sgn, |k|₂ of x/|x|. One memory near its key is answered
///                                           alike; the sum is normalised, and the sign of an odd power is
///                                           lost
///     entmax memories                       softmax of the same β
///
/// The error depends on states and load: deviations() measures it. What else stands in the way stays as it
/// is, and attention_form() refuses it.
template <class Real>
Approximation<Real> nearest_with_attention_form(const dynamics::Network<Real>& network);

}  // namespace ecphory::bridge
