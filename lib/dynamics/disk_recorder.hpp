#pragma once
// States on disk, while they are integrated.

#include <memory>

#include "ecphory/dynamics/recorder.hpp"
#include "ecphory/store/spool.hpp"

namespace ecphory::dynamics {

/// Keeps states in a spool, one series for each trajectory: column 0 is the time (ms), the others are the
/// neurons. Memory holds none of it, however long the run. store::Spooled makes labelled arrays of it.
template <class Real>
class DiskRecorder final : public Recorder<Real> {
 public:
  DiskRecorder(const std::shared_ptr<store::Scratch>& scratch, compute::Index rows,
               compute::Index trajectories)
      : spool_(std::make_shared<store::Spool>(scratch, static_cast<std::size_t>(trajectories),
                                              static_cast<std::size_t>(rows) + 1)) {}

  /// Throws UserError when the disk does not take it.
  void record(compute::Index trajectory, compute::Index slot, double t, std::span<const Real> state) override;

  std::shared_ptr<const store::Spool> spool() const { return spool_; }

 private:
  std::shared_ptr<store::Spool> spool_;
};

}  // namespace ecphory::dynamics
