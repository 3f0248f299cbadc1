#pragma once
// Matrices of one shape, side by side: the sequences of a batch, or the weights of models that train
// together.

#include <type_traits>

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// `count` matrices, each `step` elements behind the one before. One matrix is a batch of itself.
template <class Element>
struct Batch {
  View<Element> first;
  Index count = 1;
  Index step = 0;

  Batch() = default;
  Batch(View<Element> matrix, Index n, Index distance) : first(matrix), count(n), step(distance) {}
  // NOLINTNEXTLINE(google-explicit-constructor): one matrix stands wherever a batch is asked for
  Batch(View<Element> matrix) : first(matrix) {}
  // NOLINTNEXTLINE(google-explicit-constructor): and so does an array
  Batch(typename View<Element>::OwnerArray& array) : first(array) {}
  template <class Writable>
  requires std::is_same_v<const Writable, Element>
  // NOLINTNEXTLINE(google-explicit-constructor): what may be written may be read
  Batch(const Batch<Writable>& other) : first(other.first), count(other.count), step(other.step) {}
  template <class Writable>
  requires std::is_same_v<const Writable, Element>
  // NOLINTNEXTLINE(google-explicit-constructor): what may be written may be read
  Batch(const View<Writable>& matrix) : first(matrix) {}

  View<Element> operator[](Index i) const {
    base::ensure(i >= 0 && i < count, "the matrix is one of the batch");
    return {first.data + i * step, first.rows, first.columns, first.stride, first.device};
  }

  /// The matrix of a batch of one; else Bug.
  View<Element> only() const {
    base::ensure(count == 1, "the batch has one matrix");
    return first;
  }
};

/// A view cut into `count` blocks of columns; Bug when they are not of equal width.
template <class Element>
Batch<Element> blocks_of(View<Element> view, Index count) {
  base::ensure(count > 0 && view.columns % count == 0, "the columns are cut into blocks of equal width");
  const Index width = view.columns / count;
  return {{view.data, view.rows, width, view.stride, view.device}, count, width * view.stride};
}

}  // namespace ecphory::compute
