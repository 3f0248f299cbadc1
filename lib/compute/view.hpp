#pragma once
// Matrices inside arrays.

#include <span>
#include <type_traits>

#include "ecphory/base/host_device.hpp"
#include "ecphory/compute/array.hpp"

namespace ecphory::compute {

/// A matrix in somebody else's memory: columns of `rows` contiguous elements, `stride` elements apart.
/// Element type `const Real` for one that is only read. An array converts to the view of its (rows, columns),
/// numbers on the CPU to a row of them.
template <class Element>
struct View {
  using Real = std::remove_const_t<Element>;
  using OwnerArray = std::conditional_t<std::is_const_v<Element>, const Array<Real>, Array<Real>>;

  Element* data = nullptr;
  Index rows = 0;
  Index columns = 0;
  Index stride = 0;
  Device device = kCpu;

  View() = default;
  View(Element* memory, Index n_rows, Index n_columns, Index column_stride, Device where = kCpu)
      : data(memory), rows(n_rows), columns(n_columns), stride(column_stride), device(where) {}
  // NOLINTNEXTLINE(google-explicit-constructor): an array stands wherever a view is asked for
  View(OwnerArray& array) : View(array.data(), array.rows(), array.columns(), array.rows(), array.device()) {}
  // NOLINTNEXTLINE(google-explicit-constructor): and so do the numbers of a caller on the CPU
  View(std::span<Element> row) : View(row.data(), 1, static_cast<Index>(row.size()), 1) {}
  template <class Writable>
  requires std::is_same_v<const Writable, Element>
  // NOLINTNEXTLINE(google-explicit-constructor): what may be written may be read
  View(const View<Writable>& other)
      : View(other.data, other.rows, other.columns, other.stride, other.device) {}

  /// Rows first … first+n−1 of every column.
  View middle_rows(Index first, Index n) const {
    base::ensure(first >= 0 && n >= 0 && first + n <= rows, "the rows are within the view");
    return {data + first, n, columns, stride, device};
  }

  /// Columns first … first+n−1.
  View middle_columns(Index first, Index n) const {
    base::ensure(first >= 0 && n >= 0 && first + n <= columns, "the columns are within the view");
    return {data + first * stride, rows, n, stride, device};
  }

  ECPHORY_HOST_DEVICE Element* column(Index j) const { return data + j * stride; }

  using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;
  using Map = Eigen::Map<std::conditional_t<std::is_const_v<Element>, const Matrix, Matrix>, Eigen::Unaligned,
                         Eigen::OuterStride<>>;

  /// This view as an Eigen matrix. CPU only, else Bug.
  Map matrix() const {
    base::ensure(device == kCpu, "only a view on the CPU is an Eigen matrix");
    return Map(data, rows, columns, Eigen::OuterStride<>(stride));
  }
};

}  // namespace ecphory::compute
