#include "ecphory/dynamics/hypersynapse.hpp"

namespace ecphory::dynamics {

using compute::Array;
using compute::Index;

template <class Real>
double Hypersynapse<Real>::flip_change(ConstView g, Index trajectory, Index i) const {
  Array<Real> two({g.rows, 2});
  two.matrix().colwise() = g.matrix().col(0);
  two.matrix()(i, 1) = -two.matrix()(i, 1);
  Array<Real> e({1, 2});
  e.matrix().setZero();
  const std::vector<ConstView> outputs = {ConstView(View(two))};
  const std::vector<Index> ids = {trajectory, trajectory};
  add_energy(outputs, ids, e);
  return static_cast<double>(e.data()[1]) - static_cast<double>(e.data()[0]);
}

template class Hypersynapse<float>;
template class Hypersynapse<double>;

}  // namespace ecphory::dynamics
