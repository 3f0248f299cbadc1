#include <cstdio>

#include <ecphory/dynamics/simulate.hpp>
#include <ecphory/store/hdf5_write.hpp>

using namespace ecphory;
using namespace ecphory::dynamics;
using Eigen::MatrixXd;

int main() {
  const MatrixXd xi = MatrixXd::Random(100, 20).colwise().normalized();  // (neurons, patterns)
  const MatrixXd cues = xi + 0.1 * MatrixXd::Random(100, 20);            // (neurons, trajectories)

  Network<double> network;  // 10 ms dv/dt = xi softmax(20 xi' v) - v
  const LayerId v = network.add_layer({.name = "features", .neurons = 100, .tau = 10});
  const LayerId h =
      network.add_layer({.name = "memories", .neurons = 20, .lagrangian = LogSumExp{20}, .tau = 0});
  network.add_synapse(Symmetric<double>{v, h, weights<double>(xi)});

  const auto run = simulate<double>(network, cues, {.duration = 200, .convergence = Convergence{1e-6}});

  for (Eigen::Index j = 0; j < 20; ++j) {
    std::printf("%.1f ms, %s: %.1e from its pattern\n", run.time[j], base::name_of(run.status[j]).c_str(),
                (run.state.col(j) - xi.col(j)).norm());
  }
  store::write("end.h5",
               {.arrays = {{.name = "time", .dimensions = {"cue"}, .shape = {20}, .values = run.time}}},
               {.existing = store::Existing::replace});
  return (run.state - xi).norm() < 1e-3 ? 0 : 1;
}
