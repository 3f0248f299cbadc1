#include "ecphory/dynamics/disk_recorder.hpp"

#include <algorithm>
#include <vector>

namespace ecphory::dynamics {

template <class Real>
void DiskRecorder<Real>::record(compute::Index trajectory, compute::Index slot, double t,
                                std::span<const Real> state) {
  const auto series = static_cast<std::size_t>(trajectory);
  base::ensure(spool_->length(series) == static_cast<std::size_t>(slot), "slots come in order");
  thread_local std::vector<double> row;
  row.resize(state.size() + 1);
  row[0] = t;
  std::ranges::copy(state, row.begin() + 1);
  spool_->append(series, row);
}

template class DiskRecorder<float>;
template class DiskRecorder<double>;

}  // namespace ecphory::dynamics
