#include "ecphory/models/amicl.hpp"

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

using namespace ecphory;
using compute::Array;
using compute::Index;
using models::AmiclParameters;
using models::Similarity;

namespace {

const tasks::InContextSequenceParameters kTask{.classes = 50, .length = 20, .dimension = 100};

}  // namespace

TEST_CASE("keys mix each token with the one before it; before the first there is nothing") {
  Array<double> x({1, 4});
  x.matrix() << 8, 4, 2, 0;
  Array<double> k({1, 4});
  models::amicl_keys(3.0, x, k);
  CHECK(k.matrix()(0, 0) == doctest::Approx(2));
  CHECK(k.matrix()(0, 1) == doctest::Approx(7));
  CHECK(k.matrix()(0, 2) == doctest::Approx(3.5));
  CHECK(k.matrix()(0, 3) == doctest::Approx(1.5));
}

TEST_CASE("at infinite beta the answer is the value at the first largest score") {
  Array<double> keys({2, 3});
  keys.matrix() << 1, 2, 2, 0, 0, 0;
  Array<double> values({2, 3});
  values.matrix() << 1, 2, 3, 4, 5, 6;
  Array<double> query({2, 1});
  query.matrix() << 1, 0;
  models::AmiclReadout<double> readout;
  models::amicl_read({.a = 1}, keys, values, query, readout);
  CHECK(readout.answer == 1);
  CHECK(readout.output.matrix()(1, 0) == 5);
  CHECK(readout.probabilities.matrix().sum() == 1);
}

TEST_CASE("at finite beta the output is the softmax-weighted mean of the values") {
  Array<double> keys({1, 2});
  keys.matrix() << 1, 0;
  Array<double> values({1, 2});
  values.matrix() << 1, 0;
  Array<double> query({1, 1});
  query.matrix() << 1;
  models::AmiclReadout<double> readout;
  models::amicl_read({.beta = std::log(3.0)}, keys, values, query, readout);
  CHECK(readout.output.matrix()(0, 0) == doctest::Approx(0.75));
  CHECK(readout.answer == 0);
}

TEST_CASE("beta to infinity gives the argmax answer on every trial without a tie") {
  // At β times the gap of the two best scores > 40, the softmax holds the winner but for e^-40.
  constexpr double kBeta = 1e7;
  int compared = 0;
  for (const Similarity similarity :
       {Similarity::dot, Similarity::correlation, Similarity::euclidean, Similarity::manhattan}) {
    for (const double a : {0.5, 1.0, 1.25, 2.0}) {
      tasks::InContextSequence<double> s;
      for (std::uint32_t trial = 0; trial < 100; ++trial) {
        tasks::draw(kTask, {.seed = 1}, trial, s);
        Array<double> keys(s.tokens.shape());
        models::amicl_keys(a, s.tokens, keys);
        Array<double> query({kTask.dimension, 1});
        query.matrix() = keys.matrix().rightCols(1);
        models::AmiclReadout<double> hard;
        models::AmiclReadout<double> soft;
        models::amicl_read({.a = a, .similarity = similarity}, keys, s.tokens, query, hard);
        models::amicl_read({.a = a, .similarity = similarity, .beta = kBeta}, keys, s.tokens, query, soft);
        std::vector<double> scores(hard.scores.elements().begin(), hard.scores.elements().end());
        std::ranges::sort(scores, std::greater<>());
        if (kBeta * (scores[0] - scores[1]) < 40) continue;
        ++compared;
        // A class that comes twice has one label in two places: the values are compared, not their positions.
        CHECK(s.tokens.matrix().col(soft.answer) == s.tokens.matrix().col(hard.answer));
        CHECK((soft.output.matrix() - hard.output.matrix()).norm() < 1e-12);
      }
    }
  }
  CHECK(compared > 1400);  // of 1600; the rest are ties of repeated classes
}

TEST_CASE("float and double trials agree but for ties") {
  const AmiclParameters model{.a = 1.25};
  const auto single = models::amicl_trials<float>(model, kTask, {.seed = 2}, 1000);
  const auto twice = models::amicl_trials<double>(model, kTask, {.seed = 2}, 1000);
  int different = 0;
  for (std::size_t i = 0; i < 1000; ++i) different += single[i].correct != twice[i].correct ? 1 : 0;
  CHECK(different <= 2);
}

TEST_CASE("a trial's outcome depends on its number alone") {
  const AmiclParameters model{.a = 1.25, .beta = 20};
  const auto few = models::amicl_trials<float>(model, kTask, {.seed = 3}, 10);
  const auto many = models::amicl_trials<float>(model, kTask, {.seed = 3}, 500);
  for (std::size_t i = 0; i < few.size(); ++i) {
    CHECK(few[i].correct == many[i].correct);
    CHECK(few[i].distance == many[i].distance);
  }
}

TEST_CASE("a cold read-out reaches the label, a hot one stays silent") {
  const auto correct = [](double beta) {
    const auto outcomes = models::amicl_trials<float>({.a = 2, .beta = beta}, kTask, {.seed = 4}, 500);
    return std::ranges::count_if(outcomes, &models::AmiclOutcome::correct);
  };
  CHECK(correct(1e4) >= 498);
  CHECK(correct(0) == 0);
}

TEST_CASE("score matrices are those of the trial") {
  const AmiclParameters model{.a = 2, .beta = 30};
  const auto scores = models::amicl_scores(model, kTask, {.seed = 5}, 0);
  CHECK((scores.softmax.matrix().colwise().sum().array() - 1).abs().maxCoeff() < 1e-5F);
  CHECK((scores.argmax.matrix().colwise().sum().array() == 1).all());
  for (Index query = 0; query < 20; ++query) {
    Index from_scores = 0;
    Index from_softmax = 0;
    scores.score.matrix().col(query).maxCoeff(&from_scores);
    scores.softmax.matrix().col(query).maxCoeff(&from_softmax);
    CHECK(scores.argmax.matrix()(from_scores, query) == 1);
    CHECK(from_scores == from_softmax);
  }
  // Keys and queries are one vector but for the last key, which was replaced.
  const auto s = scores.score.matrix();
  CHECK(s.topLeftCorner(19, 19).isApprox(s.topLeftCorner(19, 19).transpose(), 1e-5F));
  CHECK(std::abs(s(19, 3) - s(3, 19)) > 1e-3F);
}
