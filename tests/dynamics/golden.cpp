// Trajectories and energies that SciPy's DOP853 computed at rtol 1e-13 (tests/golden/dynamics.h5).

#include <doctest/doctest.h>

#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/store/hdf5_read.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

class Case {
 public:
  explicit Case(const std::string& name) : data_(store::read(ECPHORY_GOLDEN "/dynamics.h5", name)) {}

  /// A two-dimensional array with its first dimension down, or a one-dimensional one as a column.
  MatrixXd matrix(const std::string& name) const {
    const store::LabelledArray& array = data_.at(name);
    const auto& values = std::get<std::vector<double>>(array.values);
    const auto columns = array.shape.size() == 2 ? static_cast<Eigen::Index>(array.shape[1]) : 1;
    return Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>>(
        values.data(), static_cast<Eigen::Index>(array.shape[0]), columns);
  }
  std::vector<double> times() const { return std::get<std::vector<double>>(data_.at("time_ms").values); }
  double number(const std::string& name) const {
    for (const auto& [key, value] : data_.attributes) {
      if (key != name) continue;
      const auto* const whole = std::get_if<std::int64_t>(&value);
      return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(value);
    }
    throw std::runtime_error("no attribute " + name);
  }

 private:
  store::Dataset data_;
};

Network<double> two_layers(const Case& c, Lagrangian visible, Lagrangian hidden, double tau_f, double tau_h,
                           Input<double> current = {}) {
  Network<double> network;
  const auto xi = c.matrix("xi");
  const LayerId v = network.add_layer(
      {.name = "v", .neurons = xi.rows(), .lagrangian = visible, .tau = tau_f, .input = std::move(current)});
  const LayerId h =
      network.add_layer({.name = "h", .neurons = xi.cols(), .lagrangian = hidden, .tau = tau_h});
  network.add_synapse(Symmetric<double>{v, h, weights<double>(xi)});
  return network;
}

/// All states, rows below one another as in the network, (rows, times), and the largest deviation of
/// `expected`.
void check(const Network<double>& network, const MatrixXd& initial, const Case& c, const MatrixXd& expected,
           bool has_energy) {
  for (const Method method : {Method::dormand_prince, Method::cvode}) {
    for (const Coordinates coordinates : {Coordinates::neuron, Coordinates::automatic}) {
      SimulationOptions<double> options;
      options.duration = c.times().back();
      options.integrator = {.method = method, .rtol = method == Method::cvode ? 1e-12 : 1e-11, .atol = 1e-13};
      options.coordinates = coordinates;
      options.record_times = c.times();
      const auto run = simulate<double>(network, initial, options);
      CAPTURE(base::name_of(method));
      CAPTURE(base::name_of(run.coordinates));
      CHECK(run.status[0] == Status::reached_end);
      const MatrixXd states = run.record->trajectory(0);
      CHECK((states - expected).cwiseAbs().maxCoeff() < 1e-9);
      if (has_energy)
        CHECK((energies<double>(network, states) - c.matrix("energy").col(0)).cwiseAbs().maxCoeff() < 1e-9);
    }
  }
}

}  // namespace

TEST_CASE("retrieval: one quadratic layer and an instantaneous softmax") {
  const Case c("retrieval");
  const auto network = two_layers(c, Quadratic{}, LogSumExp{c.number("beta")}, c.number("tau_ms"), 0);
  check(network, c.matrix("v0"), c, c.matrix("v").transpose(), true);
}

TEST_CASE("model B with a current and a memory layer of its own time constant") {
  const Case c("two_layer_model_b");
  const auto network = two_layers(c, Quadratic{}, LogSumExp{c.number("beta")}, c.number("tau_f_ms"),
                                  c.number("tau_h_ms"), constant_current<double>(c.matrix("current")));
  MatrixXd initial(28, 1);
  initial << c.matrix("v0"), c.matrix("h0");
  MatrixXd expected(28, 41);
  expected << c.matrix("v").transpose(), c.matrix("h").transpose();
  check(network, initial, c, expected, true);
}

TEST_CASE("model C: spherical and rectified power") {
  const Case c("two_layer_model_c");
  const auto network = two_layers(c, Spherical{}, RectifiedPower{static_cast<int>(c.number("n"))},
                                  c.number("tau_f_ms"), c.number("tau_h_ms"));
  MatrixXd initial(28, 1);
  initial << c.matrix("v0"), c.matrix("h0");
  MatrixXd expected(28, 41);
  expected << c.matrix("v").transpose(), c.matrix("h").transpose();
  check(network, initial, c, expected, true);
}

TEST_CASE("Hopfield 1984, with the weights as a matrix and as an instantaneous quadratic layer") {
  const Case c("hopfield_1984");
  const MatrixXd xi = c.matrix("xi");
  Network<double> network;
  const LayerId u = network.add_layer(
      {.name = "u", .neurons = 20, .lagrangian = Tanh{c.number("kappa")}, .tau = c.number("tau_ms")});
  network.add_synapse(Symmetric<double>{u, u, weights<double>(xi * xi.transpose())});
  check(network, c.matrix("u0"), c, c.matrix("u").transpose(), true);
  check(two_layers(c, Tanh{c.number("kappa")}, Quadratic{}, c.number("tau_ms"), 0), c.matrix("u0"), c,
        c.matrix("u").transpose(), true);
}

TEST_CASE("keys and values from a query that is held") {
  const Case c("key_value");
  Network<double> network;
  const LayerId q = network.add_layer(
      {.name = "q", .neurons = 20, .tau = 0, .input = constant_current<double>(c.matrix("q"))});
  const LayerId h = network.add_layer(
      {.name = "h", .neurons = 8, .lagrangian = LogSumExp{c.number("beta")}, .tau = c.number("tau_h_ms")});
  const LayerId y = network.add_layer({.name = "y", .neurons = 6, .tau = c.number("tau_y_ms")});
  network.add_synapse(
      KeyValue<double>{q, h, y, weights<double>(c.matrix("keys")), weights<double>(c.matrix("values"))});
  MatrixXd expected(14, 41);
  expected << c.matrix("h").transpose(), c.matrix("y").transpose();
  check(network, MatrixXd::Zero(14, 1), c, expected, false);
}
