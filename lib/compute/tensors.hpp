#pragma once
// Named matrices one after the other in one block of memory: a model's weights, and all that has their shape
// (gradients, momenta).

#include <string>
#include <string_view>
#include <vector>

#include "ecphory/compute/batch.hpp"

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

/// The tensors of models that have one layout, side by side: the block of each is a column of `blocks`.
template <class Element>
struct Tensors {
  const TensorLayout* layout = nullptr;
  View<Element> blocks;  ///< (layout->size(), models)

  Index models() const { return blocks.columns; }

  /// The matrix of that name of every model; Bug when there is none.
  Batch<Element> operator[](std::string_view name) const {
    base::ensure(blocks.rows == layout->size(), "a block has the size of its layout");
    const Tensor& t = layout->at(name);
    return {{blocks.data + t.offset, t.rows, t.columns, t.rows, blocks.device}, models(), blocks.stride};
  }

  /// And of a tensor of one element: the numbers as a row, (1, models).
  View<Element> number(std::string_view name) const {
    const Tensor& t = layout->at(name);
    base::ensure(t.size() == 1, "the tensor is a number");
    return {blocks.data + t.offset, 1, models(), blocks.stride, blocks.device};
  }

  /// Models first … first + n − 1.
  Tensors models(Index first, Index n) const { return {layout, blocks.middle_columns(first, n)}; }
};

}  // namespace ecphory::compute
