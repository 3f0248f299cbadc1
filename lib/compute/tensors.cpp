#include "ecphory/compute/tensors.hpp"

#include <algorithm>

#include "ecphory/base/error.hpp"

namespace ecphory::compute {

void TensorLayout::add(std::string name, Index rows, Index columns) {
  base::ensure(std::ranges::find(tensors_, name, &Tensor::name) == tensors_.end(),
               "tensors have names of their own");
  base::ensure(rows > 0 && columns > 0, "a tensor has elements");
  tensors_.push_back({std::move(name), rows, columns, size_});
  size_ += rows * columns;
}

const Tensor& TensorLayout::at(std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, &Tensor::name);
  if (found == tensors_.end()) throw base::Bug("no such tensor: " + std::string(name));
  return *found;
}

}  // namespace ecphory::compute
