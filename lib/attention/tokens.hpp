#pragma once
// Sequences as the in-context task has them: a one-hot position above a content.

#include <cstdint>

#include "ecphory/compute/view.hpp"

namespace ecphory::attention {

using compute::Index;

/// Token t of sequence s is the unit vector of row shift(s) + t among the first `positions` rows, and column
/// s · T + t of `content` below. Somebody else's memory, all of it on one device.
template <class Real>
struct PositionedTokens {
  Index positions = 0;
  Index tokens = 0;                         ///< T
  compute::View<const Real> content;        ///< (D, T · sequences)
  compute::View<const std::int32_t> shift;  ///< (1, sequences), each at most positions − T

  Index sequences() const { return shift.columns; }
  Index width() const { return positions + content.rows; }

  /// Sequences first … first + n − 1.
  PositionedTokens part(Index first, Index n) const {
    return {positions, tokens, content.middle_columns(first * tokens, n * tokens),
            shift.middle_columns(first, n)};
  }
};

/// The tokens written out, (width, T · sequences).
template <class Real>
void write_out(const PositionedTokens<Real>& from, compute::View<Real> to);

extern template void write_out<float>(const PositionedTokens<float>&, compute::View<float>);
extern template void write_out<double>(const PositionedTokens<double>&, compute::View<double>);

}  // namespace ecphory::attention
