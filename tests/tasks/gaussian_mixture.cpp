#include "ecphory/tasks/gaussian_mixture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>
#include <omp.h>

#include "ecphory/compute/graph.hpp"

#include "compute/gpu.hpp"

using namespace ecphory;
using namespace ecphory::tasks;
using compute::Index;

namespace {

/// As a MixtureSampler on the CPU does.
template <class Real>
void draw(std::span<const MixtureRun<Real>> runs, base::Purpose purpose,
          const std::vector<std::uint64_t>& step, std::uint32_t offset, InContextBatch<Real>& batch) {
  MixtureSampler<Real>(runs, purpose).draw(std::span(step), offset, batch);
}

/// Sequences of one run.
template <class Real>
InContextBatch<Real> drawn(const GaussianMixtureParameters& p, Index sequences, std::uint64_t seed = 1,
                           base::Purpose purpose = kTrainingSequences, std::uint32_t first = 0) {
  const auto mixture = draw_mixture<Real>(p, {.seed = seed});
  const MixtureRun<Real> run{.parameters = p, .mixture = &mixture, .key = {.seed = seed}};
  InContextBatch<Real> batch(p, 1, sequences);
  draw<Real>(std::span(&run, 1), purpose, {0}, first, batch);
  return batch;
}

/// Runs that differ in all that they may.
template <class Real>
struct Many {
  explicit Many(Index pairs = 4, Index dimension = 7) {
    const Index labels = 2 * pairs;
    const GaussianMixtureParameters common{.classes = 3 * labels,
                                           .labels = labels,
                                           .pairs = pairs,
                                           .most_pairs = pairs + 2,
                                           .dimension = dimension,
                                           .noise = 0.3,
                                           .burstiness = 2,
                                           .novel_classes = 2 * labels};
    parameters.assign(8, common);
    parameters[1].repeated_labels = true;
    parameters[2].zipf = 1.2;
    parameters[3].classes = 8 * labels;
    parameters[3].noise = 2;
    parameters[3].burstiness = 1;
    parameters[4] = parameters_of(TestSet::swapped, parameters[3]);
    parameters[5] = parameters_of(TestSet::in_context, parameters[1]);
    parameters[6] = parameters_of(TestSet::in_weights, parameters[2]);
    parameters[7].novel_classes = labels;
    parameters[7].burstiness = 4;
    parameters[7].bursty = 0.9;
    parameters[7].novel = 0.1;
    mixtures.reserve(8);
    for (std::uint32_t r = 0; r < 8; ++r) {
      const base::RandomKey key{.seed = 1 + r / 2, .point = r % 2, .replicate = r};
      mixtures.push_back(draw_mixture<Real>(parameters[r], key));
      runs.push_back({.parameters = parameters[r], .mixture = &mixtures[r], .key = key});
    }
  }

  std::vector<GaussianMixtureParameters> parameters;
  std::vector<GaussianMixture<Real>> mixtures;
  std::vector<MixtureRun<Real>> runs;
};

constexpr Index kEach = 30;  // sequences of a run

/// The classes of one sequence: N of the context, and the query's.
std::vector<std::int32_t> classes_of(const InContextBatch<float>& batch, Index sequence) {
  const std::int32_t* first = batch.classes.data() + sequence * batch.classes.rows();
  return {first, first + batch.classes.rows()};
}

std::map<std::int32_t, int> counts(const std::vector<std::int32_t>& classes, std::size_t n) {
  std::map<std::int32_t, int> count;
  for (std::size_t i = 0; i < n; ++i) ++count[classes[i]];
  return count;
}

/// Σ (observed − expected)²/expected.
double chi_squared(const std::vector<double>& observed, const std::vector<double>& probabilities) {
  REQUIRE(observed.size() == probabilities.size());
  double n = 0;
  for (const double o : observed) n += o;
  double sum = 0;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const double expected = n * probabilities[i];
    sum += (observed[i] - expected) * (observed[i] - expected) / expected;
  }
  return sum;
}

double chi_squared(const std::vector<double>& observed) {
  return chi_squared(observed,
                     std::vector<double>(observed.size(), 1 / static_cast<double>(observed.size())));
}

/// Four standard errors of a fraction.
double slack(double p, double n) { return 4 * std::sqrt(p * (1 - p) / n); }

}  // namespace

TEST_CASE("the defaults are the published ones") {
  // Burns, Fukai & Earls (2024), released runs: tokens of 150 elements, of which 65 are positions.
  const GaussianMixtureParameters p;
  CHECK(p.dimension + 2 * p.most_pairs + 1 == 150);
  const InContextBatch<float> batch = drawn<float>(p, 3);
  CHECK(batch.content.shape() == std::vector<Index>{85, 51});
  CHECK(batch.shift.shape() == std::vector<Index>{1, 3});
  CHECK(batch.label.shape() == std::vector<Index>{1, 3});
  CHECK(batch.classes.shape() == std::vector<Index>{9, 3});
  CHECK_NOTHROW(check(p));
}

TEST_CASE("an item is its class's mean and the token behind it that class's label, which is the answer") {
  // Without noise, bit for bit. Of novel classes only equality is known: their means are nowhere else.
  GaussianMixtureParameters p{.classes = 24, .labels = 8, .pairs = 6, .most_pairs = 7, .dimension = 9};
  p.noise = 0;
  p.novel_classes = 16;
  p.repeated_labels = true;
  for (const bool swapped : {false, true}) {
    p.swapped = swapped;
    const auto mixture = draw_mixture<float>(p, {.seed = 2});
    const InContextBatch<float> batch = drawn<float>(p, 400, 2);
    int novel = 0;
    for (Index s = 0; s < 400; ++s) {
      const auto classes = classes_of(batch, s);
      for (std::size_t i = 0; i < classes.size(); ++i) {
        const Index column = 13 * s + 2 * static_cast<Index>(i);
        const bool is_novel = classes[i] >= 24;
        REQUIRE((is_novel == (classes[0] >= 24) && classes[i] >= 0 && classes[i] < 24 + 16));
        const Index label = (classes[i] + (swapped && !is_novel ? 1 : 0)) % 8;
        if (is_novel) {
          for (std::size_t j = 0; j < i; ++j) {
            const Index other = 13 * s + 2 * static_cast<Index>(j);
            CHECK((batch.content.matrix().col(column) == batch.content.matrix().col(other)) ==
                  (classes[i] == classes[j]));
          }
        } else {
          CHECK(batch.content.matrix().col(column) == mixture.classes.matrix().col(classes[i]));
        }
        if (i + 1 < classes.size()) {
          CHECK(batch.content.matrix().col(column + 1) == mixture.labels.matrix().col(label));
        } else {
          CHECK(batch.label.matrix()(s) == label);
        }
      }
      novel += classes[0] >= 24 ? 1 : 0;
    }
    CHECK((novel > 100 && novel < 300));
  }
}

TEST_CASE("variances of means, labels, items and novel means") {
  // A variance of n normals has a relative standard error of √(2/n); 4 of them.
  GaussianMixtureParameters p{.classes = 4000, .labels = 2000, .pairs = 4, .dimension = 50, .noise = 0.5};
  p.novel_classes = 2000;
  const auto mixture = draw_mixture<double>(p, {.seed = 3});
  const auto variance = [](const auto& x) { return x.squaredNorm() / static_cast<double>(x.size()) * 50; };
  CHECK(variance(mixture.classes.matrix()) == doctest::Approx(1).epsilon(4 * std::sqrt(2 / 200000.0)));
  CHECK(variance(mixture.labels.matrix()) == doctest::Approx(1).epsilon(4 * std::sqrt(2 / 100000.0)));
  // Neither are the two drawn from the same numbers.
  CHECK(mixture.classes.matrix().leftCols(2000) != mixture.labels.matrix());

  p.novel = 0;
  p.bursty = 0;
  const auto known = drawn<double>(p, 1000, 3);
  double noise = 0;
  for (Index s = 0; s < 1000; ++s) {
    for (Index i = 0; i < 5; ++i) {
      const auto mean = mixture.classes.matrix().col(known.classes.matrix()(i, s));
      noise += (known.content.matrix().col(9 * s + 2 * i) - mean / std::sqrt(1.25)).squaredNorm();
    }
  }
  CHECK(noise / 5000 == doctest::Approx(0.25 / 1.25).epsilon(4 * std::sqrt(2 / 250000.0)));

  // Novel items have the variance of known ones, and two of a class differ by two noises; B = N: one class.
  p.novel = 1;
  p.burstiness = 4;
  const auto novel = drawn<double>(p, 1000, 3);
  double items = 0;
  double between = 0;
  for (Index s = 0; s < 1000; ++s) {
    const auto x = novel.content.matrix().middleCols(9 * s, 9);
    items += x.col(0).squaredNorm();
    between += (x.col(2) - x.col(8)).squaredNorm();
  }
  const double error = 4 * std::sqrt(2 / 50000.0);
  CHECK(items / 1000 == doctest::Approx(1).epsilon(error));
  CHECK(between / 1000 == doctest::Approx(2 * 0.25 / 1.25).epsilon(error));
}

TEST_CASE("novel means are another sequence's no more than another batch's") {
  GaussianMixtureParameters p{.classes = 1, .labels = 1, .pairs = 1, .dimension = 2000, .noise = 0};
  p.burstiness = 1;
  p.novel_classes = 1;
  p.novel = 1;
  const auto x = drawn<double>(p, 2, 1);
  REQUIRE((x.classes.matrix().array() == 1).all());
  // Independent vectors of unit length: their product has the standard deviation 1/√2000 = 0.022.
  CHECK(std::abs(x.content.matrix().col(0).dot(x.content.matrix().col(3))) < 0.1);
}

TEST_CASE("positions lie within 2 N_max + 1 columns and begin anywhere") {
  const GaussianMixtureParameters p{.labels = 4, .pairs = 2, .most_pairs = 5, .dimension = 1};
  const InContextBatch<float> batch = drawn<float>(p, 7000);
  std::vector<double> count(7);
  for (const std::int32_t shift : batch.shift.elements()) {
    REQUIRE((shift >= 0 && shift + 4 <= 10));
    count[static_cast<std::size_t>(shift)] += 1;
  }
  CHECK(chi_squared(count) < 22.5);  // 0.1% point at 6 degrees of freedom
  const InContextBatch<float> full = drawn<float>({.most_pairs = 8, .dimension = 1}, 50);
  CHECK((full.shift.matrix().array() == 0).all());
}

TEST_CASE("a bursty context has each class exactly B times, in random order, and the query's among them") {
  GaussianMixtureParameters p{.classes = 512, .labels = 32, .pairs = 12, .dimension = 1, .burstiness = 3};
  for (const double novel : {0.0, 1.0}) {
    for (const bool repeated : {false, true}) {
      p.bursty = 1 - novel;  // novel sequences are bursty whatever p_B
      p.novel = novel;
      p.repeated_labels = repeated;
      const InContextBatch<float> batch = drawn<float>(p, 4000);
      std::vector<double> place(12);
      for (Index s = 0; s < 4000; ++s) {
        const auto classes = classes_of(batch, s);
        const auto count = counts(classes, 12);
        CHECK((repeated || count.size() == 4));
        for (const auto& [c, n] : count) CHECK((repeated ? n % 3 == 0 : n == 3));
        CHECK(count.contains(classes[12]));
        for (std::size_t i = 0; i < 12; ++i) place[i] += classes[i] == classes[12] ? 1 : 0;
      }
      // Each place holds the query's class equally often. Three (rarely six) of a sequence's places do and
      // shut each other out, so the sum is below a χ² at 11 degrees; this is its 0.1% point.
      CHECK(chi_squared(place) < 31.3);
    }
  }

  SUBCASE("all orders are equally likely") {
    p = {.classes = 512, .labels = 32, .pairs = 4, .dimension = 1, .bursty = 1, .novel = 0};
    const InContextBatch<float> batch = drawn<float>(p, 6000);
    std::map<std::string, double> orders;
    for (Index s = 0; s < 6000; ++s) {
      const auto classes = classes_of(batch, s);
      const std::int32_t low = *std::min_element(classes.begin(), classes.end());
      std::string order;
      for (std::size_t i = 0; i < 4; ++i) order += classes[i] == low ? 'a' : 'b';
      orders[order] += 1;
    }
    CHECK(orders.size() == 6);
    std::vector<double> count;
    for (const auto& [order, n] : orders) count.push_back(n);
    CHECK(chi_squared(count) < 20.5);  // 0.1% point at 5 degrees of freedom
  }
}

TEST_CASE("fractions of bursty and of novel sequences, and how often the query's class is in the context") {
  GaussianMixtureParameters p{.classes = 1000000, .labels = 100, .pairs = 4, .dimension = 1};
  p.novel_classes = 100000000;
  p.bursty = 0.3;
  p.novel = 0.4;
  p.repeated_labels = true;
  constexpr Index kSequences = 20000;
  const InContextBatch<float> batch = drawn<float>(p, kSequences);
  double novel = 0;
  double bursty = 0;
  for (Index s = 0; s < kSequences; ++s) {
    const auto classes = classes_of(batch, s);
    const bool is_bursty = counts(classes, 4).size() <= 2;
    // With so many classes, others hardly ever come twice.
    CHECK(is_bursty == counts(classes, 4).contains(classes[4]));
    if (classes[0] >= 1000000) {
      novel += 1;
      CHECK(is_bursty);
    } else {
      bursty += is_bursty ? 1 : 0;
    }
  }
  // Four standard errors of a binomial fraction; burstiness is independent of novelty.
  CHECK(std::abs(novel / kSequences - 0.4) < slack(0.4, kSequences));
  CHECK(std::abs(bursty / (kSequences - novel) - 0.3) < slack(0.3, 0.6 * kSequences));

  SUBCASE("in weights, the query's class is independent of the context") {
    p = {.classes = 16, .labels = 4, .pairs = 4, .dimension = 1};
    const auto weights = drawn<float>(parameters_of(TestSet::in_weights, p), kSequences);
    double inside = 0;
    std::vector<double> queries(16);
    std::vector<double> contexts(16);
    for (Index s = 0; s < kSequences; ++s) {
      const auto classes = classes_of(weights, s);
      REQUIRE(*std::max_element(classes.begin(), classes.end()) < 16);
      inside += counts(classes, 4).contains(classes[4]) ? 1 : 0;
      queries[static_cast<std::size_t>(classes[4])] += 1;
      for (std::size_t i = 0; i < 4; ++i) contexts[static_cast<std::size_t>(classes[i])] += 1;
    }
    const double expected = 1 - std::pow(15.0 / 16, 4);
    CHECK(std::abs(inside / kSequences - expected) < slack(expected, kSequences));
    CHECK(chi_squared(queries) < 37.7);  // 0.1% point at 15 degrees of freedom
    CHECK(chi_squared(contexts) < 37.7);
  }
}

TEST_CASE("classes follow Zipf's law: in contexts, in queries, and in bursts unless labels are distinct") {
  GaussianMixtureParameters p{.classes = 8, .labels = 2, .pairs = 2, .dimension = 1, .zipf = 1.5};
  p.burstiness = 1;
  p.novel_classes = 8;
  p.novel = 0;
  p.repeated_labels = true;
  std::vector<double> law(8);
  double sum = 0;
  for (std::size_t k = 0; k < 8; ++k) sum += law[k] = std::pow(static_cast<double>(k + 1), -1.5);
  for (double& x : law) x /= sum;

  const auto histogram = [&](Index from, Index to) {
    const InContextBatch<float> batch = drawn<float>(p, 10000);
    std::vector<double> count(8);
    for (Index s = 0; s < 10000; ++s) {
      for (Index i = from; i < to; ++i)
        count[static_cast<std::size_t>(batch.classes.matrix()(i, s) % 8)] += 1;
    }
    return count;
  };
  constexpr double kBound = 24.3;  // 0.1% point at 7 degrees of freedom
  p.bursty = 0;
  CHECK(chi_squared(histogram(0, 2), law) < kBound);
  CHECK(chi_squared(histogram(2, 3), law) < kBound);
  p.bursty = 1;
  CHECK(chi_squared(histogram(0, 2), law) < kBound);
  p.repeated_labels = false;
  CHECK(chi_squared(histogram(0, 2)) < kBound);
  p.repeated_labels = true;
  p.novel = 1;
  CHECK(chi_squared(histogram(0, 2)) < kBound);
}

TEST_CASE("without repeats the labels of a bursty context differ, and every choice is equally likely") {
  GaussianMixtureParameters p{.classes = 12, .labels = 4, .pairs = 2, .dimension = 1, .burstiness = 1};
  p.novel_classes = 8;
  p.bursty = 1;
  for (const double novel : {0.0, 1.0}) {
    p.novel = novel;
    const std::int32_t offset = novel == 1 ? 12 : 0;
    const auto number = static_cast<std::size_t>(novel == 1 ? 8 : 12);
    const InContextBatch<float> batch = drawn<float>(p, 12000);
    std::map<std::pair<std::int32_t, std::int32_t>, double> labels;
    std::vector<double> classes(number);
    for (Index s = 0; s < 12000; ++s) {
      const auto c = classes_of(batch, s);
      REQUIRE(c[0] % 4 != c[1] % 4);
      labels[{c[0] % 4, c[1] % 4}] += 1;
      for (std::size_t i = 0; i < 2; ++i) classes.at(static_cast<std::size_t>(c[i] - offset)) += 1;
    }
    std::vector<double> count;
    for (const auto& [pair, n] : labels) count.push_back(n);
    CHECK(count.size() == 12);
    CHECK(chi_squared(count) < 31.3);  // 0.1% point at 11 degrees of freedom
    CHECK(chi_squared(classes) < (novel == 1 ? 24.3 : 31.3));
  }

  p = {.classes = 12, .labels = 4, .pairs = 4, .dimension = 1, .burstiness = 1};
  p.novel_classes = 8;
  for (const bool repeated : {false, true}) {
    p.repeated_labels = repeated;
    const InContextBatch<float> batch = drawn<float>(parameters_of(TestSet::swapped, p), 2000);
    double distinct = 0;
    for (Index s = 0; s < 2000; ++s) {
      const auto c = classes_of(batch, s);
      distinct += std::set<std::int32_t>{c[0] % 4, c[1] % 4, c[2] % 4, c[3] % 4}.size() == 4 ? 1 : 0;
    }
    if (repeated) {
      CHECK(std::abs(distinct / 2000 - 24.0 / 256) < slack(24.0 / 256, 2000));
    } else {
      CHECK(distinct == 2000);
    }
  }
}

TEST_CASE("the answer of a swapped sequence is the label that its context shows for the query's class") {
  const GaussianMixtureParameters training;
  const auto p = parameters_of(TestSet::swapped, training);
  const auto mixture = draw_mixture<float>(training, {.seed = 1});
  const InContextBatch<float> batch = drawn<float>(p, 200, 1, purpose_of(TestSet::swapped));
  for (Index s = 0; s < 200; ++s) {
    const auto classes = classes_of(batch, s);
    const auto at = std::find(classes.begin(), classes.end() - 1, classes.back()) - classes.begin();
    REQUIRE(at < 8);
    const Index answer = batch.label.matrix()(s);
    CHECK(batch.content.matrix().col(17 * s + 2 * at + 1) == mixture.labels.matrix().col(answer));
    CHECK(answer == (classes.back() + 1) % 32);
  }
}

TEST_CASE("test sets differ from training in what they say and in nothing else") {
  GaussianMixtureParameters training{.noise = 0.2, .bursty = 0.9, .novel = 0.1, .zipf = 1};
  const auto is = [&](TestSet set, double bursty, double novel, bool swapped) {
    const auto p = parameters_of(set, training);
    CHECK(p.bursty == bursty);
    CHECK(p.novel == novel);
    CHECK(p.swapped == swapped);
    CHECK(p.noise == 0.2);
    CHECK(p.zipf == 1);
  };
  is(TestSet::mixed, 0.9, 0.1, false);
  is(TestSet::in_context, 1, 1, false);
  is(TestSet::swapped, 1, 0, true);
  is(TestSet::in_weights, 0, 0, false);
  CHECK(base::name_of(TestSet::in_weights) == "in_weights");
}

TEST_CASE("training and the test sets are independent") {
  const GaussianMixtureParameters p{.dimension = 100, .noise = 10};
  std::vector<InContextBatch<double>> sets;
  sets.push_back(drawn<double>(p, 100));
  for (const auto set : {TestSet::mixed, TestSet::in_context, TestSet::swapped, TestSet::in_weights}) {
    sets.push_back(drawn<double>(p, 100, 1, purpose_of(set)));
  }
  for (std::size_t i = 0; i < sets.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      CHECK(sets[i].shift.matrix() != sets[j].shift.matrix());
      CHECK(sets[i].classes.matrix() != sets[j].classes.matrix());
      // The correlation of the items, almost all noise: standard error 1/√n, n = 9·100·100.
      double correlation = 0;
      for (Index s = 0; s < 100; ++s) {
        for (Index t = 0; t < 17; t += 2) {
          correlation +=
              sets[i].content.matrix().col(17 * s + t).dot(sets[j].content.matrix().col(17 * s + t));
        }
      }
      CHECK(std::abs(correlation / 900) < 4 / std::sqrt(90000.0));
    }
  }
}

TEST_CASE("a sequence depends on its number, whatever its batch and the number of threads") {
  const GaussianMixtureParameters p{.zipf = 0.5};
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const InContextBatch<float> whole = drawn<float>(p, 60);
  omp_set_num_threads(3);
  const InContextBatch<float> threads = drawn<float>(p, 60);
  omp_set_num_threads(before);
  CHECK(whole.content.matrix() == threads.content.matrix());
  CHECK(whole.classes.matrix() == threads.classes.matrix());
  CHECK(whole.label.matrix() == threads.label.matrix());
  CHECK(whole.shift.matrix() == threads.shift.matrix());
  for (const std::uint32_t first : {0U, 13U, 59U}) {
    const InContextBatch<float> part = drawn<float>(p, 1, 1, kTrainingSequences, first);
    CHECK(part.content.matrix() == whole.content.matrix().middleCols(Index{17} * first, 17));
    CHECK(part.shift.matrix()(0) == whole.shift.matrix()(first));
    CHECK(part.label.matrix()(0) == whole.label.matrix()(first));
    CHECK(classes_of(part, 0) == classes_of(whole, first));
  }
}

TEST_CASE("what is drawn for one thing stands at its place whatever was drawn for another") {
  // From the documented places alone, as a GPU would: shifts, and the noise of the items; all kinds of
  // sequence share them.
  GaussianMixtureParameters p{.dimension = 7};
  const auto mixture = draw_mixture<double>(p, {.seed = 4});
  for (const auto set : {TestSet::in_context, TestSet::swapped, TestSet::in_weights}) {
    const InContextBatch<double> batch = drawn<double>(parameters_of(set, p), 20, 4);
    for (std::uint32_t s = 0; s < 20; ++s) {
      const base::RandomStream stream({.seed = 4}, kTrainingSequences, s);
      double u = 0;
      stream.uniforms(2, std::span(&u, 1));
      CHECK(batch.shift.matrix()(s) == static_cast<std::int32_t>(u * 49));
      Eigen::MatrixXf normals(7, 9 + 4);
      stream.normals(72, std::span(normals.data(), 91));
      const auto items = batch.content.matrix().middleCols(Index{17} * s, 17);
      for (Index i = 0; i < 9; ++i) {
        const std::int32_t c = batch.classes.matrix()(i, s);
        const Eigen::VectorXd noise = normals.col(i).cast<double>() * (0.1 / std::sqrt(7));
        const Eigen::VectorXd mean = items.col(2 * i) * std::sqrt(1.01) - noise;
        if (set != TestSet::in_context) {
          CHECK((mean - mixture.classes.matrix().col(c)).norm() < 1e-14);
        } else {
          const Eigen::MatrixXd novel = normals.rightCols(4).cast<double>() / std::sqrt(7);
          CHECK((novel.colwise() - mean).colwise().norm().minCoeff() < 1e-14);
        }
      }
    }
  }
}

TEST_CASE("float and double hold the same sequences") {
  const GaussianMixtureParameters p{.dimension = 33, .noise = 0.3};
  const InContextBatch<float> f = drawn<float>(p, 50);
  const InContextBatch<double> d = drawn<double>(p, 50);
  CHECK(f.classes.matrix() == d.classes.matrix());
  CHECK(f.label.matrix() == d.label.matrix());
  CHECK(f.shift.matrix() == d.shift.matrix());
  // Labels are one product of what float rounds: the double, rounded. Items are two more products and a sum,
  // of elements below 1.
  for (Index t = 1; t < 17; t += 2)
    CHECK(f.content.matrix().col(t).isApprox(d.content.matrix().col(t).cast<float>(), 1e-7F));
  CHECK((f.content.matrix().cast<double>() - d.content.matrix()).cwiseAbs().maxCoeff() < 2e-7);
}

TEST_CASE_TEMPLATE("runs side by side draw what each draws alone, bit for bit", Real, float, double) {
  const Many<Real> many;
  const std::vector<std::uint64_t> step = {0, 7, 2, 90000000, 5, 1, 3, 4};
  InContextBatch<Real> together(many.parameters.front(), 8, kEach);
  draw<Real>(many.runs, kTrainingSequences, step, 11, together);
  const auto is_part = [&](const auto& whole, const auto& part, Index r) {
    const Index n = part.columns();
    return whole.matrix().middleCols(r * n, n) == part.matrix();
  };
  InContextBatch<Real> alone(many.parameters.front(), 1, kEach);
  for (Index r = 0; r < 8; ++r) {
    const auto at = static_cast<std::size_t>(r);
    draw<Real>(std::span(many.runs).subspan(at, 1), kTrainingSequences, {step[at]}, 11, alone);
    CHECK(is_part(together.content, alone.content, r));
    CHECK(is_part(together.shift, alone.shift, r));
    CHECK(is_part(together.label, alone.label, r));
    CHECK(is_part(together.classes, alone.classes, r));
  }
}

TEST_CASE("step and offset number the sequences of each run") {
  const Many<float> many;
  const std::span<const MixtureRun<float>> two = std::span(many.runs).first(2);
  InContextBatch<float> batch(many.parameters.front(), 2, 5);
  draw<float>(two, kTrainingSequences, {3, 1}, 4, batch);
  InContextBatch<float> one(many.parameters.front(), 2, 1);
  for (Index s = 0; s < 5; ++s) {
    const auto number = static_cast<std::uint64_t>(s);
    draw<float>(two, kTrainingSequences, {3 * 5 + 4 + number, 5 + 4 + number}, 0, one);
    for (Index r = 0; r < 2; ++r) {
      CHECK(batch.classes.matrix().col(5 * r + s) == one.classes.matrix().col(r));
      CHECK(batch.content.matrix().middleCols(9 * (5 * r + s), 9) ==
            one.content.matrix().middleCols(9 * r, 9));
    }
  }
}

TEST_CASE("runs that are not of one shape, and batches and steps that are not theirs, are bugs") {
  Many<float> many;
  const std::span<const MixtureRun<float>> runs = many.runs;
  InContextBatch<float> batch(many.parameters.front(), 2, 3);
  const auto steps = [&](const std::vector<std::uint64_t>& step, std::uint32_t offset) {
    draw<float>(runs.first(2), kTrainingSequences, step, offset, batch);
  };
  CHECK_NOTHROW(steps({0, 1}, 0));
  CHECK_THROWS_AS(steps({0, 1, 2}, 0), base::Bug);
  CHECK_THROWS_AS(draw<float>(runs.first(3), kTrainingSequences, {0, 1, 2}, 0, batch), base::Bug);
  CHECK_THROWS_AS(draw<float>(runs.first(0), kTrainingSequences, {}, 0, batch), base::Bug);

  // 2³² = 3 · 1431655765 + 1.
  CHECK_NOTHROW(steps({0, 1431655764}, 1));
  CHECK_THROWS_AS(steps({0, 1431655764}, 2), base::Bug);
  CHECK_THROWS_AS(steps({1431655765, 0}, 0), base::Bug);
  CHECK_THROWS_AS(steps({~std::uint64_t{0}, 0}, 0), base::Bug);
  CHECK_NOTHROW(steps({0, 0}, 0xFFFFFFFD));
  CHECK_THROWS_AS(steps({0, 0}, 0xFFFFFFFE), base::Bug);

  const auto disagrees = [&](const std::function<void(GaussianMixtureParameters&)>& spoil) {
    GaussianMixtureParameters p = many.parameters.front();
    spoil(p);
    const auto mixture = draw_mixture<float>(p, {});
    const std::array<MixtureRun<float>, 2> pair = {runs[0], {.parameters = p, .mixture = &mixture}};
    CHECK_THROWS_AS(MixtureSampler<float>(pair, kTrainingSequences), base::Bug);
    InContextBatch<float> other(p, 2, 3);
    return other;
  };
  auto shorter = disagrees([](auto& p) { p.pairs = 2; });
  CHECK_THROWS_AS(draw<float>(runs.first(2), kTrainingSequences, {0, 0}, 0, shorter), base::Bug);
  auto smaller = disagrees([](auto& p) { p.dimension = 6; });
  CHECK_THROWS_AS(draw<float>(runs.first(2), kTrainingSequences, {0, 0}, 0, smaller), base::Bug);
  disagrees([](auto& p) { p.most_pairs = 7; });
  disagrees([](auto& p) { p.labels = 4; });

  // A mixture of other classes, of none, and of classes as likely as each other.
  many.runs[1].mixture = &many.mixtures[3];
  CHECK_THROWS_AS(steps({0, 0}, 0), base::Bug);
  many.runs[1].mixture = nullptr;
  CHECK_THROWS_AS(steps({0, 0}, 0), base::Bug);
  many.runs[1].mixture = &many.mixtures[1];
  many.runs[1].parameters.zipf = 1;
  CHECK_THROWS_AS(steps({0, 0}, 0), base::Bug);
}

TEST_CASE_TEMPLATE("a GPU gives the CPU's bits, also when it is recorded", Real, float, double) {
  const auto device = tests::gpu();
  if (!device) return;
  // Less than a warp has threads, and more elements of a sequence than a block has.
  for (const Many<Real>& many : {Many<Real>(4, 7), Many<Real>(16, 85)}) {
    const MixtureSampler<Real> sampler(many.runs, kTrainingSequences);
    const MixtureSampler<Real> sampler_there(many.runs, kTrainingSequences, *device);
    InContextBatch<Real> batch(many.parameters.front(), 8, kEach);
    InContextBatch<Real> batch_there(many.parameters.front(), 8, kEach, *device);
    compute::Array<std::uint64_t> step({1, 8});
    step.matrix() << 0, 7, 2, 90000000, 5, 1, 3, 4;
    auto step_there = step.to(*device);
    const auto draw_there = [&] { sampler_there.draw(step_there, 11, batch_there); };
    const auto check_equal = [&] {
      sampler.draw(step, 11, batch);
      CHECK(batch_there.content.to(compute::kCpu).matrix() == batch.content.matrix());
      CHECK(batch_there.shift.to(compute::kCpu).matrix() == batch.shift.matrix());
      CHECK(batch_there.label.to(compute::kCpu).matrix() == batch.label.matrix());
      CHECK(batch_there.classes.to(compute::kCpu).matrix() == batch.classes.matrix());
    };
    draw_there();
    check_equal();
    const compute::Graph graph(*device, draw_there);
    for (int launch = 0; launch < 2; ++launch) {
      step.matrix().array() += 1;
      compute::copy(*device, step_there.data(), compute::kCpu, step.data(), 8 * sizeof(std::uint64_t));
      graph.launch();
      check_equal();
    }
    InContextBatch<Real> elsewhere(many.parameters.front(), 8, kEach);
    CHECK_THROWS_AS(sampler_there.draw(step_there, 11, elsewhere), base::Bug);
    CHECK_THROWS_AS(sampler_there.draw(step, 11, batch_there), base::Bug);
  }
}

TEST_CASE("settings that do not go together are refused with what to do") {
  const auto refused = [](const std::string& key,
                          const std::function<void(GaussianMixtureParameters&)>& spoil) {
    GaussianMixtureParameters p;
    spoil(p);
    try {
      check(p);
      FAIL("not refused: " << key);
    } catch (const base::UserError& e) {
      CHECK(e.complaint().key == key);
      CHECK(!e.complaint().problem.empty());
      CHECK(!e.complaint().expected.empty());
      CHECK(!e.complaint().remedy.empty());
    }
    CHECK_THROWS_AS(draw_mixture<float>(p, {}), base::UserError);
  };
  refused("task.classes", [](auto& p) { p.classes = 500; });
  refused("task.classes", [](auto& p) { p.classes = 16; });
  refused("task.novel_classes", [](auto& p) { p.novel_classes = 100; });
  refused("task.pairs", [](auto& p) { p.pairs = 34; });
  refused("task.burstiness", [](auto& p) { p.burstiness = 3; });
  refused("task.burstiness", [](auto& p) { p.burstiness = 16; });
  refused("task.labels", [](auto& p) {
    p.labels = 2;
    p.burstiness = 1;
  });
  GaussianMixtureParameters p{.labels = 2, .burstiness = 1, .repeated_labels = true};
  CHECK_NOTHROW(check(p));
  const auto mixture = draw_mixture<float>(p, {});
  p.burstiness = 3;
  const MixtureRun<float> run{.parameters = p, .mixture = &mixture};
  CHECK_THROWS_AS(MixtureSampler<float>(std::span(&run, 1), kTrainingSequences), base::UserError);
}
