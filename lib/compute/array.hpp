#pragma once
// Dense arrays on a device.

#include <Eigen/Core>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/device.hpp"
#include "ecphory/compute/memory.hpp"

namespace ecphory::compute {

using Index = Eigen::Index;

/// A dense array of `Real` with a shape, on a device. Column-major: the first index runs fastest, so a state
/// of shape (neurons, trajectories) has one trajectory per contiguous column. Owns its memory; moves, and is
/// copied only by name (to()). A new array's elements are not initialised.
template <class Real>
class Array {
 public:
  Array() = default;

  explicit Array(std::vector<Index> shape, Device device = kCpu) : shape_(std::move(shape)), device_(device) {
    for (const Index extent : shape_) {
      base::ensure(extent >= 0, "an array's extents are not negative");
      size_ *= extent;
    }
    data_ = static_cast<Real*>(allocate(device_, bytes()));
  }
  Array(std::initializer_list<Index> shape, Device device = kCpu)
      : Array(std::vector<Index>(shape), device) {}

  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    Array(std::move(other)).swap(*this);
    return *this;
  }
  ~Array() { release(device_, data_); }

  const std::vector<Index>& shape() const { return shape_; }
  Index size() const { return data_ == nullptr ? 0 : size_; }
  Device device() const { return device_; }
  Real* data() { return data_; }
  const Real* data() const { return data_; }

  /// Length of a column: the first extent (1 for a scalar).
  Index rows() const { return shape_.empty() ? 1 : shape_.front(); }
  /// Number of columns: all other extents together.
  Index columns() const { return rows() == 0 ? 0 : size() / rows(); }

  using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

  /// This array as an Eigen matrix (rows, columns) over the same memory. CPU only, else Bug.
  Eigen::Map<Matrix> matrix() {
    base::ensure(device_ == kCpu, "only an array on the CPU is an Eigen matrix");
    return {data_, rows(), columns()};
  }
  Eigen::Map<const Matrix> matrix() const {
    base::ensure(device_ == kCpu, "only an array on the CPU is an Eigen matrix");
    return {data_, rows(), columns()};
  }

  /// The elements in memory order. CPU only, else Bug.
  std::span<Real> elements() {
    base::ensure(device_ == kCpu, "only the elements of an array on the CPU can be touched");
    return {data_, static_cast<std::size_t>(size())};
  }
  std::span<const Real> elements() const {
    base::ensure(device_ == kCpu, "only the elements of an array on the CPU can be touched");
    return {data_, static_cast<std::size_t>(size())};
  }

  /// A copy on `device`.
  Array to(Device device) const {
    Array copied(shape_, device);
    copy(device, copied.data_, device_, data_, bytes());
    return copied;
  }

  void swap(Array& other) noexcept {
    std::swap(shape_, other.shape_);
    std::swap(size_, other.size_);
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
  }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(Real); }

  std::vector<Index> shape_;
  Index size_ = 1;
  Device device_ = kCpu;
  Real* data_ = nullptr;
};

}  // namespace ecphory::compute
