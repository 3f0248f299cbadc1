#include "ecphory/models/memories.hpp"

#include <doctest/doctest.h>

#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/tasks/patterns.hpp"

#include "points.hpp"

using namespace ecphory;
using Eigen::MatrixXd;
using tests::point_of;

namespace {

/// Final overlaps of damaged cues with their own patterns.
Eigen::VectorXd retrieved(const base::Point& point, tasks::PatternKind kind, tasks::Damage damage) {
  const tasks::PatternParameters task{.neurons = 200, .patterns = 8, .kind = kind};
  const MatrixXd patterns = tasks::draw_patterns(task, {.seed = 1});
  const MatrixXd cues = tasks::damaged(patterns, damage, 0.25, 8, {.seed = 1});
  const auto network = models::memory_of(point).build(point, patterns, {});
  dynamics::SimulationOptions<double> options;
  options.duration = 300;
  const auto run = dynamics::simulate<double>(network, models::initial_state(network, cues), options);
  return models::overlaps(patterns, models::visible_output(network, run.state)).diagonal();
}

}  // namespace

TEST_CASE("every memory completes damaged cues, and its energy is certified") {
  using tasks::Damage;
  using tasks::PatternKind;
  const std::string variant = "model.variant";
  const std::vector<std::tuple<base::Point, PatternKind, Damage>> cases = {
      {point_of("hopfield"), PatternKind::binary, Damage::flip},
      {point_of("dense"), PatternKind::binary, Damage::flip},
      {point_of("modern"), PatternKind::spherical, Damage::mask},
      {point_of("two_layer", {{variant, std::string("A")}}), PatternKind::binary, Damage::flip},
      {point_of("two_layer", {{variant, std::string("B")}}), PatternKind::spherical, Damage::mask},
      {point_of("two_layer", {{variant, std::string("C")}, {"model.degree", std::int64_t{5}}}),
       PatternKind::binary, Damage::flip},
  };
  for (const auto& [point, kind, damage] : cases) {
    const std::string name =
        base::get<std::string>(point, "model.name") + base::get<std::string>(point, variant);
    CAPTURE(name);
    CHECK(retrieved(point, kind, damage).minCoeff() > 0.95);
    const auto network = models::memory_of(point).build(point, MatrixXd::Ones(10, 2), {});
    CHECK(dynamics::certify(network).never_rises);
    CHECK(dynamics::certify(network).bounded_below);
  }
}

TEST_CASE("where a memory claims an energy it never rises, and where not, the certificate says why") {
  int with_energy = 0;
  for (const models::Memory& memory : models::all_memories()) {
    CAPTURE(memory.model.name);
    if (memory.model.name == "attention") continue;  // its network is a file's: attention.cpp
    const base::Point point = point_of(memory.model.name);
    for (const tasks::PatternKind kind : {tasks::PatternKind::binary, tasks::PatternKind::spherical}) {
      const MatrixXd patterns =
          tasks::draw_patterns({.neurons = 24, .patterns = 4, .kind = kind}, {.seed = 1});
      const MatrixXd cues = tasks::damaged(patterns, tasks::Damage::noise, 0.7, 8, {.seed = 2});
      auto network = memory.build(point, patterns, {.seed = 3});
      if (memory.present) memory.present(network, patterns, cues);
      const dynamics::Certificate certificate = dynamics::certify(network);
      if (!certificate.never_rises) {
        CHECK_FALSE(certificate.reasons.empty());
        CHECK_THROWS_AS(dynamics::energies<double>(network, models::initial_state(network, cues)),
                        base::UserError);
        continue;
      }
      ++with_energy;
      dynamics::SimulationOptions<double> options;
      const bool binary = std::holds_alternative<dynamics::Sign>(network.layers().front().lagrangian);
      options.integrator = {
          .method = binary ? dynamics::Method::asynchronous : dynamics::Method::dormand_prince,
          .rtol = 1e-9,
          .atol = 1e-11};
      options.step = 1;
      options.duration = 40;
      for (int k = 0; k <= 40; ++k) options.record_times.push_back(k);
      const auto run = dynamics::simulate<double>(network, models::initial_state(network, cues), options);
      CHECK(run.failures() == 0);
      for (Eigen::Index j = 0; j < cues.cols(); ++j) {
        const Eigen::VectorXd e = dynamics::energies<double>(network, MatrixXd(run.record->trajectory(j)));
        for (Eigen::Index k = 0; k + 1 < e.size(); ++k)
          CHECK(e[k + 1] <=
                e[k] + 1e-8 * (1 + std::abs(e[k])));  // tolerances of states times the energy's slope
        CHECK(e[e.size() - 1] <= e[0]);
      }
    }
  }
  CHECK(with_energy >= 20);
}

TEST_CASE("a stored pattern drives every neuron of dense with its own element, whatever the degree") {
  const MatrixXd pattern = tasks::draw_patterns({.neurons = 50, .patterns = 1}, {.seed = 3});
  for (const std::int64_t degree : {2, 3, 7}) {
    const base::Point point = point_of("dense", {{"model.degree", degree}, {"model.gain", 50.0}});
    const auto network = models::memory_of(point).build(point, pattern, {});
    dynamics::SimulationOptions<double> options;
    options.duration = 1;
    // At the pattern the drive is the pattern, so nothing moves.
    CHECK((dynamics::simulate<double>(network, pattern, options).state - pattern).cwiseAbs().maxCoeff() <
          1e-6);
  }
}

TEST_CASE("memory neurons start where the cue drives them") {
  const base::Point point = point_of("two_layer", {{"model.tau_hidden", 5.0}});
  const MatrixXd patterns =
      tasks::draw_patterns({.neurons = 20, .patterns = 4, .kind = tasks::PatternKind::spherical}, {});
  const auto network = models::memory_of(point).build(point, patterns, {});
  const MatrixXd initial = models::initial_state(network, patterns);
  CHECK(initial.topRows(20) == patterns);
  CHECK((initial.bottomRows(4) - patterns.transpose() * patterns).norm() < 1e-14);
}

TEST_CASE("a key that several memories have is one setting with one default") {
  const std::vector<base::Parameter> all = models::memory_parameters();
  for (const models::Memory& memory : models::all_memories()) {
    for (const base::Parameter& parameter : memory.model.parameters) {
      const base::Parameter& shared = base::find_parameter(all, parameter.key);
      CHECK(shared.default_value == parameter.default_value);
      CHECK(shared.meaning == parameter.meaning);
      CHECK(base::allowed_text(shared) == base::allowed_text(parameter));
    }
  }
}

TEST_CASE("overlaps are cosines, and 0 for an output of zeros") {
  MatrixXd patterns(2, 2);
  patterns << 3, 0, 4, 2;
  MatrixXd outputs(2, 2);
  outputs << 0, 0, 5, 0;
  const MatrixXd m = models::overlaps(patterns, outputs);
  CHECK(m(0, 0) == doctest::Approx(0.8));
  CHECK(m(1, 0) == doctest::Approx(1));
  CHECK(m.col(1).isZero(0));
}
