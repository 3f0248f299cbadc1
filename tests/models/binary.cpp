// Memories of binary neurons, and graded ones that go with them.

#include <doctest/doctest.h>

#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/dynamics/flips.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/tasks/patterns.hpp"

#include "points.hpp"

using namespace ecphory;
using dynamics::Method;
using Eigen::Index;
using Eigen::MatrixXd;

namespace {

struct Retrieval {
  Eigen::VectorXd overlaps;  ///< of damaged cues with their patterns, at the end
  bool energy_fell = true;
};

Retrieval retrieve(const base::Point& point, Method method, Index n, Index m, double level) {
  const MatrixXd patterns = tasks::draw_patterns({.neurons = n, .patterns = m}, {.seed = 1});
  const MatrixXd cues =
      tasks::damaged(patterns, tasks::Damage::flip, level, std::min<Index>(m, 8), {.seed = 1});
  const auto network = models::memory_of(point).build(point, patterns, {.seed = 3});
  dynamics::SimulationOptions<double> options;
  options.duration = method == Method::dormand_prince ? 300 : 30;
  options.step = 1;
  options.integrator.method = method;
  for (int k = 0; k <= 30; ++k) options.record_times.push_back(options.duration / 30 * k);
  const auto run = dynamics::simulate<double>(network, models::initial_state(network, cues), options);
  Retrieval result{.overlaps =
                       models::overlaps(patterns, models::visible_output(network, run.state)).diagonal()};
  for (Index j = 0; j < cues.cols() && dynamics::certify(network).never_rises; ++j) {
    const Eigen::VectorXd e = dynamics::energies<double>(network, MatrixXd(run.record->trajectory(j)));
    for (Index k = 0; k + 1 < e.size(); ++k)
      result.energy_fell = result.energy_fell && e[k + 1] <= e[k] + 1e-7 * (1 + std::abs(e[k]));
  }
  return result;
}

/// d of one state.
MatrixXd drive(const dynamics::Network<double>& network, const MatrixXd& x) {
  dynamics::Field<double> field(network);
  field.select(std::vector<Index>{0}, 0);
  MatrixXd d(x.rows(), 1);
  field.drive({x.data(), x.rows(), 1, x.rows()}, {d.data(), d.rows(), 1, d.rows()});
  return d;
}

const base::Point kBinary = {{"model.neuron", std::string("binary")}};

}  // namespace

TEST_CASE("memories of binary neurons complete damaged cues, one by one and all at once") {
  for (const std::string name : {"binary_hopfield", "dense", "exponential", "simplicial"}) {
    CAPTURE(name);
    const base::Point point = tests::point_of(name, kBinary);
    const Retrieval one_by_one = retrieve(point, Method::asynchronous, 100, 6, 0.15);
    CHECK(one_by_one.overlaps.minCoeff() > 0.95);
    CHECK(one_by_one.energy_fell);
    CHECK(retrieve(point, Method::synchronous, 100, 6, 0.15).overlaps.minCoeff() > 0.95);
  }
}

TEST_CASE("their graded neurons do so in continuous time, and the energy never rises") {
  for (const std::string name : {"dense", "exponential", "simplicial", "hierarchical"}) {
    CAPTURE(name);
    const base::Point point = tests::point_of(name);
    const Retrieval graded = retrieve(point, Method::dormand_prince, 100, 6, 0.15);
    CHECK(graded.overlaps.minCoeff() > 0.95);
    CHECK(graded.energy_fell);
    const auto network = models::memory_of(point).build(point, MatrixXd::Ones(10, 2), {});
    CHECK(dynamics::certify(network).never_rises);
    CHECK(dynamics::certify(network).bounded_below);
  }
}

TEST_CASE("a dense network of degree 2 without rectification flips as Hopfield's") {
  const MatrixXd patterns = tasks::draw_patterns({.neurons = 40, .patterns = 10}, {.seed = 1});
  const MatrixXd start = tasks::draw_patterns({.neurons = 40, .patterns = 5}, {.seed = 2});
  const auto build = [&](const std::string& name, const base::Point& changed) {
    const base::Point point = tests::point_of(name, changed);
    return models::memory_of(point).build(point, patterns, {});
  };
  const auto dense = build("dense", {{"model.neuron", std::string("binary")},
                                     {"model.degree", std::int64_t{2}},
                                     {"model.rectified", false}});
  const auto classical = build("binary_hopfield", {});
  dynamics::SimulationOptions<double> options;
  options.duration = 10;
  options.step = 1;
  options.integrator = {.method = Method::asynchronous, .key = {.seed = 9}};
  const MatrixXd a = dynamics::simulate<double>(dense, start, options).state;
  const MatrixXd b = dynamics::simulate<double>(classical, start, options).state;
  CHECK(a == b);
  CHECK(a != start);
}

TEST_CASE("the exponential memory holds what no pairwise network can") {
  // 300 patterns of 50 neurons: load 6.
  CHECK(retrieve(tests::point_of("exponential", kBinary), Method::asynchronous, 50, 300, 0.1)
            .overlaps.minCoeff() > 0.99);
  CHECK(retrieve(tests::point_of("binary_hopfield"), Method::asynchronous, 50, 300, 0.1).overlaps.maxCoeff() <
        0.95);
}

TEST_CASE("triangles hold more than pairs at equally many connections") {
  // Burns & Fukai (2023): at loads where pairs fail, higher-order connections of the same number still
  // retrieve.
  const auto mean = [](double share) {
    const base::Point point =
        tests::point_of("simplicial", {{"model.neuron", std::string("binary")}, {"model.share", share}});
    return retrieve(point, Method::asynchronous, 80, 24, 0).overlaps.mean();  // load 0.3
  };
  const double pairs = mean(0);
  CHECK(pairs < 0.8);
  CHECK(mean(1) > pairs + 0.1);
}

TEST_CASE("a simplicial network of pairs alone is Hopfield's") {
  const base::Point point =
      tests::point_of("simplicial", {{"model.neuron", std::string("binary")}, {"model.share", 0.0}});
  const MatrixXd patterns = tasks::draw_patterns({.neurons = 20, .patterns = 4}, {.seed = 1});
  const auto simplicial = models::memory_of(point).build(point, patterns, {});
  const base::Point classical_point = tests::point_of("binary_hopfield");
  const auto classical = models::memory_of(classical_point).build(classical_point, patterns, {});
  const MatrixXd s = tasks::draw_patterns({.neurons = 20, .patterns = 5}, {.seed = 2});
  CHECK((dynamics::energies<double>(simplicial, s) - dynamics::energies<double>(classical, s))
            .cwiseAbs()
            .maxCoeff() < 1e-12);
}

TEST_CASE("connections are drawn at random, none twice, as many as the density says") {
  // One pattern and s = 1: every set of a neuron drives it with 1/N, so that N d_i counts its sets.
  constexpr Index kNeurons = 40;
  const MatrixXd pattern = MatrixXd::Ones(kNeurons, 1);
  const auto sets_of_neurons = [&](double share, double density, std::uint64_t seed) {
    const base::Point point = tests::point_of(
        "simplicial",
        {{"model.share", share}, {"model.density", density}, {"model.neuron", std::string("binary")}});
    const auto network = models::memory_of(point).build(point, pattern, {.seed = seed});
    return MatrixXd(static_cast<double>(kNeurons) * drive(network, pattern));
  };
  // Pairs are drawn in turn (half of all) and triangles by lot (a twentieth of all); 780 pairs make the
  // density 1. Sets of a neuron: 19.5 ± 2.2 of pairs, 58.5 ± 7.4 of triangles; five deviations either way.
  for (const auto& [share, density, members, deviation] :
       {std::tuple(0.0, 0.5, 2.0, 2.2), std::tuple(1.0, 1.0, 3.0, 7.4)}) {
    const MatrixXd sets = sets_of_neurons(share, density, 1);
    const double mean = members * density * 780 / kNeurons;
    CHECK(sets.sum() == doctest::Approx(members * density * 780));
    CHECK(sets.minCoeff() > mean - 5 * deviation);
    CHECK(sets.maxCoeff() < mean + 5 * deviation);
    CHECK(sets.maxCoeff() > sets.minCoeff());
    CHECK(sets != sets_of_neurons(share, density, 2));
  }
  CHECK((sets_of_neurons(0, 1, 1).array() - (kNeurons - 1)).abs().maxCoeff() <
        1e-12);  // all pairs, each once
}

TEST_CASE("more sets than there are is refused, with the density that fits") {
  const models::Memory& memory = models::memory_of(tests::point_of("simplicial"));
  const base::Point many = tests::point_of("simplicial", {{"model.density", 3.0}, {"model.share", 0.0}});
  CHECK_THROWS_WITH_AS(memory.check(many, 20), doctest::Contains("a density of at most 1"), base::UserError);
  CHECK(memory.check(tests::point_of("simplicial"), 20) == 20);
}

TEST_CASE("sparsemax retrieves a pattern exactly in one update once its overlap is ahead by 1/beta") {
  // Peters, Niculae & Martins (2019): alpha-entmax is one-hot beyond the margin 1/(alpha − 1) of beta times
  // overlaps.
  const MatrixXd patterns = tasks::draw_patterns(
      {.neurons = 60, .patterns = 20, .kind = tasks::PatternKind::spherical}, {.seed = 3});
  MatrixXd overlaps = patterns.transpose() * patterns;
  overlaps.diagonal().setConstant(-1);
  const double ahead = 1 - overlaps.maxCoeff();
  for (const double alpha : {1.5, 2.0}) {
    const auto one_update = [&](double beta) {
      const base::Point point = tests::point_of("sparse", {{"model.beta", beta}, {"model.alpha", alpha}});
      const auto network = models::memory_of(point).build(point, patterns, {});
      dynamics::SimulationOptions<double> options;
      options.duration = 1;
      options.step = 1;
      options.integrator.method = Method::synchronous;
      return (dynamics::simulate<double>(network, patterns, options).state - patterns).cwiseAbs().maxCoeff();
    };
    CHECK(one_update(1.001 / (ahead * (alpha - 1))) == 0);
    CHECK(one_update(0.98 / (ahead * (alpha - 1))) > 1e-6);
  }
}
