#pragma once
// Named matrices one after the other in one block of memory: a model's weights, and all that has their shape
// (gradients, momenta).

#include <string>
#include <string_view>
#include <vector>

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// Where one matrix lies in the block. A vector has one column; a scalar is (1, 1).
struct Tensor {
  std::string name;  ///< "layer1.query"
  Index rows = 1;
  Index columns = 1;
  Index offset = 0;

  Index size() const { return rows * columns; }
  bool operator==(const Tensor&) const = default;
};

class TensorLayout {
 public:
  /// Appends a matrix. A name that is there is a Bug.
  void add(std::string name, Index rows, Index columns);

  /// Elements of the whole block.
  Index size() const { return size_; }
  const std::vector<Tensor>& tensors() const { return tensors_; }

  /// The matrix of that name; Bug when there is none.
  const Tensor& at(std::string_view name) const;

  bool operator==(const TensorLayout&) const = default;

 private:
  std::vector<Tensor> tensors_;
  Index size_ = 0;
};

/// The matrix `tensor` in a block on the CPU.
template <class Element>
View<Element> view_of(Element* block, const Tensor& tensor) {
  return {block + tensor.offset, tensor.rows, tensor.columns, tensor.rows};
}

}  // namespace ecphory::compute
