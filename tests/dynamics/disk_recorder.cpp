#include "ecphory/dynamics/disk_recorder.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/dynamics/simulate.hpp"

#include "networks.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using Eigen::MatrixXd;

TEST_CASE_TEMPLATE("a disk holds what memory would: at given times, and at every k-th step", Real, float,
                   double) {
  using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;
  const tests::TemporaryFolder folder;
  const auto network = tests::model_b<Real>(30, 10, 4.0, 10, 3);
  const Matrix initial = tests::normals(40, 25, 3).cast<Real>();
  SimulationOptions<Real> options;
  options.duration = 20;
  options.record_times = {0, 0.5, 19, 20};
  const auto in_memory = simulate<Real>(network, initial, options);
  const auto scratch = std::make_shared<store::Scratch>(folder.path());
  DiskRecorder<Real> disk(scratch, 40, 25);
  options.recorder = &disk;
  simulate<Real>(network, initial, options);
  std::vector<double> row(41);
  for (std::size_t j = 0; j < 25; ++j) {
    REQUIRE(disk.spool()->length(j) == 4);
    const Matrix states = in_memory.record->trajectory(static_cast<Eigen::Index>(j));
    for (std::size_t k = 0; k < 4; ++k) {
      disk.spool()->read(j, k, row);
      CHECK(row[0] == options.record_times[k]);
      CHECK(std::equal(row.begin() + 1, row.end(), states.col(static_cast<Eigen::Index>(k)).data()));
    }
  }

  DiskRecorder<Real> steps(scratch, 40, 25);
  options.record_times.clear();
  options.recorder = &steps;
  options.record_every = 3;
  const auto run = simulate<Real>(network, initial, options);
  CHECK((run.state.array() == in_memory.state.array()).all());
  for (std::size_t j = 0; j < 25; ++j) {
    CHECK(steps.spool()->length(j) == static_cast<std::size_t>(run.steps[j] / 3 + 1));
    steps.spool()->read(j, 0, row);
    CHECK(row[0] == 0);
    steps.spool()->read(j, steps.spool()->length(j), row);
    CHECK(std::isnan(row[0]));
  }
}
