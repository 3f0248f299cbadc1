#pragma once
// Sequences as the in-context task has them: a one-hot position above a content.

#include <cstdint>
#include <span>

#include "ecphory/compute/view.hpp"

namespace ecphory::attention {

using compute::Index;

/// Token t of sequence s is the unit vector of row shift[s] + t among the first `positions` rows, and column
/// s · T + t of `content` below. Somebody else's memory.
template <class Real>
struct PositionedTokens {
  Index positions = 0;
  Index tokens = 0;                     ///< T
  compute::View<const Real> content;    ///< (D, T · sequences)
  std::span<const std::int32_t> shift;  ///< (sequences), each at most positions − T

  Index sequences() const { return static_cast<Index>(shift.size()); }
  Index width() const { return positions + content.rows; }

  /// Sequences first … first + n − 1.
  PositionedTokens part(Index first, Index n) const {
    return {positions, tokens, content.middle_columns(first * tokens, n * tokens),
            shift.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n))};
  }
};

/// The tokens written out, (width, T · sequences).
template <class Real>
void write_out(const PositionedTokens<Real>& from, compute::View<Real> to) {
  to.matrix().topRows(from.positions).setZero();
  to.matrix().bottomRows(from.content.rows) = from.content.matrix();
  for (Index s = 0; s < from.sequences(); ++s) {
    for (Index t = 0; t < from.tokens; ++t)
      to.column(s * from.tokens + t)[from.shift[static_cast<std::size_t>(s)] + t] = 1;
  }
}

}  // namespace ecphory::attention
