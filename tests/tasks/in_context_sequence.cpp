#include "ecphory/tasks/in_context_sequence.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <doctest/doctest.h>

using namespace ecphory;
using compute::Index;
using tasks::InContextSequence;
using tasks::InContextSequenceParameters;

TEST_CASE("the query's class is in the context, and its label is what completes it") {
  const InContextSequenceParameters parameters{.classes = 30, .length = 12, .dimension = 16};
  InContextSequence<float> s;
  for (std::uint32_t trial = 0; trial < 200; ++trial) {
    tasks::draw(parameters, {.seed = 1}, trial, s);
    REQUIRE(s.classes.size() == 6);
    const auto found = std::find(s.classes.begin(), s.classes.end() - 1, s.classes.back());
    REQUIRE(found != s.classes.end() - 1);
    const Index label = 2 * (found - s.classes.begin()) + 1;
    const Eigen::Map<const Eigen::VectorXf> completes(s.label.data(), 16);
    CHECK(s.tokens.matrix().col(label) == completes);
    CHECK(s.tokens.matrix().col(11).isZero(0));
    for (const std::int64_t c : s.classes) CHECK((c >= 1 && c < 30));
  }
}

TEST_CASE("items of a class share their mean and differ by noise; labels of a class are equal") {
  const InContextSequenceParameters parameters{.classes = 3, .length = 20, .dimension = 50, .noise = 0.1};
  InContextSequence<double> s;
  tasks::draw(parameters, {.seed = 2}, 0, s);
  const auto x = s.tokens.matrix();
  int pairs = 0;
  for (Index i = 0; i < 9; ++i) {
    for (Index j = 0; j < i; ++j) {
      const bool same = s.classes[static_cast<std::size_t>(i)] == s.classes[static_cast<std::size_t>(j)];
      CHECK((x.col(2 * i + 1) == x.col(2 * j + 1)) == same);
      // Two items of a class differ by ε√2 η/√(1+ε²), whose length is about 0.14/√D = 0.02; of two classes by
      // about √2.
      const double distance = (x.col(2 * i) - x.col(2 * j)).norm();
      if (same) {
        CHECK((distance > 0.01 && distance < 0.04));
      } else {
        CHECK(distance > 0.8);
      }
      pairs += same ? 1 : 0;
    }
  }
  CHECK(pairs > 0);
}

TEST_CASE("variances are those of the paper and of the released code") {
  // Sample variances of n normals have a relative standard error of √(2/n); 4 of them.
  for (const auto scale : {tasks::NoiseScale::released, tasks::NoiseScale::text}) {
    const InContextSequenceParameters parameters{
        .classes = 1000000, .length = 40, .dimension = 200, .noise = 2, .noise_scale = scale};
    InContextSequence<double> s;
    double items = 0;
    double labels = 0;
    for (std::uint32_t trial = 0; trial < 20; ++trial) {
      tasks::draw(parameters, {.seed = 3}, trial, s);
      for (Index i = 0; i < 19; ++i) {
        items += s.tokens.matrix().col(2 * i).squaredNorm();
        labels += s.tokens.matrix().col(2 * i + 1).squaredNorm();
      }
    }
    const double n = 20 * 19 * 200;
    const double noise = scale == tasks::NoiseScale::released ? 1.0 / (200.0 * 200.0) : 1.0 / 200.0;
    const double slack = 4 * std::sqrt(2 / n);
    CHECK(labels / n * 200 == doctest::Approx(1).epsilon(slack));
    CHECK(items / n == doctest::Approx((1.0 / 200 + 4 * noise) / 5).epsilon(slack));
  }
}

TEST_CASE("classes are uniform and may repeat") {
  const InContextSequenceParameters parameters{.classes = 5, .length = 20, .dimension = 1};
  InContextSequence<float> s;
  std::map<std::int64_t, double> counts;
  for (std::uint32_t trial = 0; trial < 4000; ++trial) {
    tasks::draw(parameters, {.seed = 4}, trial, s);
    for (std::size_t i = 0; i < 9; ++i) counts[s.classes[i]] += 1;
  }
  CHECK(counts.size() == 4);
  double chi_squared = 0;
  for (const auto& [c, count] : counts) chi_squared += (count - 9000) * (count - 9000) / 9000;
  CHECK(chi_squared < 16.3);  // 0.1% point at 3 degrees of freedom
}

TEST_CASE("float and double hold the same sequence, and a trial does not depend on those before it") {
  const InContextSequenceParameters parameters{.classes = 10, .length = 8, .dimension = 33};
  InContextSequence<float> f;
  InContextSequence<double> d;
  tasks::draw(parameters, {.seed = 5}, 3, f);
  for (std::uint32_t trial = 0; trial <= 3; ++trial) tasks::draw(parameters, {.seed = 5}, trial, d);
  CHECK(f.classes == d.classes);
  // Three products and a sum in single precision, of elements below 1.
  CHECK((f.tokens.matrix().cast<double>() - d.tokens.matrix()).cwiseAbs().maxCoeff() < 2e-7);
}
