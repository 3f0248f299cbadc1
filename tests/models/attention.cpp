#include <doctest/doctest.h>

#include "ecphory/bridge/attention_file.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/tasks/patterns.hpp"

#include "points.hpp"
#include "refusal.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using Eigen::MatrixXd;
using tests::point_of;

TEST_CASE("a network that went through a file of attention layers makes the same trajectories") {
  const tests::TemporaryFolder folder;
  const std::string file = (folder.path() / "layers.h5").string();
  const MatrixXd patterns = tasks::draw_patterns(
      {.neurons = 30, .patterns = 6, .kind = tasks::PatternKind::spherical}, {.seed = 2});
  const auto modern = tests::memory_network(point_of("modern"), patterns);
  bridge::write_attention(file, bridge::attention_form(modern, 3, 1));
  const base::Point point = point_of("attention", {{"model.file", file}});
  const auto back = tests::memory_network(point, patterns);
  const MatrixXd cues = tasks::damaged(patterns, tasks::Damage::mask, 0.4, 6, {.seed = 2});
  dynamics::SimulationOptions<double> options;
  options.duration = 40;
  const auto a = dynamics::simulate<double>(modern, cues, options);
  const auto b = dynamics::simulate<double>(back, cues, options);
  CHECK((a.state - b.state).cwiseAbs().maxCoeff() < 1e-13);
  CHECK((a.state - cues).cwiseAbs().maxCoeff() > 0.1);

  CHECK(models::memory_of(point).check(point, 0) == 30);
  CHECK(tests::contains(tests::refusal([&] { models::memory_of(point).check(point, 31); }), "task.neurons"));
  CHECK(tests::contains(tests::refusal([&] { tests::memory_network(point, MatrixXd::Ones(29, 2)); }),
                        "29 neurons"));
}

TEST_CASE("without a file, or with another, it says what it needs") {
  const auto refusal = [](const std::string& file) {
    const base::Point point = point_of("attention", {{"model.file", file}});
    return tests::refusal([&] { models::memory_of(point).check(point, 0); });
  };
  CHECK(tests::contains(refusal(""), "model.file"));
  CHECK(tests::contains(refusal(""), "ecphory bridge"));
  CHECK(tests::contains(refusal("absent.h5"), "absent.h5"));
}
