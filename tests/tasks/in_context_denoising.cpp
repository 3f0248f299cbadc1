#include "ecphory/tasks/in_context_denoising.hpp"

#include <Eigen/LU>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

using namespace ecphory;
using namespace ecphory::tasks;
using Eigen::MatrixXd;
using Eigen::VectorXd;

TEST_CASE(
    "samples fill a subspace of the right dimension, anew in each prompt, and the query is another one") {
  const DenoisingParameters p{
      .dimension = 10, .subspace = 3, .context = 2000, .variance = 2, .noise_variance = 0.5};
  const DenoisingPrompt prompt = draw(p, {.seed = 1}, 0);
  CHECK(prompt.context.fullPivLu().rank() == 3);
  MatrixXd both(10, 2001);
  both << prompt.context, prompt.clean;
  CHECK(both.fullPivLu().rank() == 3);
  // The variance in the subspace: 6000 numbers, standard error 2·√(2/6000) = 0.037.
  CHECK(prompt.context.squaredNorm() / 6000 == doctest::Approx(2).epsilon(0.06));
  const DenoisingPrompt other = draw(p, {.seed = 1}, 1);
  both << prompt.context, other.clean;
  CHECK(both.fullPivLu().rank() == 4);
}

TEST_CASE("the Bayes estimate has the loss d s z/(n (s + z)), and nothing linear in the subspace has less") {
  // Smart, Bietti & Sengupta (2025): n = 16, d = 8, variances 2 and 1: 1/3.
  const DenoisingParameters p{.context = 1};
  CHECK(bayes_loss(p) == doctest::Approx(1.0 / 3));
  constexpr int kTrials = 20000;
  double bayes = 0;
  double shrunk = 0;
  double noise = 0;
  for (std::uint32_t t = 0; t < kTrials; ++t) {
    const DenoisingPrompt prompt = draw(p, {.seed = 3}, t);
    bayes += (prompt.bayes - prompt.clean).squaredNorm() / 16 / kTrials;
    shrunk += (0.9 * prompt.bayes - prompt.clean).squaredNorm() / 16 / kTrials;
    noise += (prompt.noisy - prompt.clean).squaredNorm() / 16 / kTrials;
  }
  // An error of a prompt is a χ² of 8 degrees: relative deviation 1/2, over 20,000 prompts 0.0035; four times
  // that.
  CHECK(bayes == doctest::Approx(1.0 / 3).epsilon(0.014));
  CHECK(noise == doctest::Approx(1).epsilon(0.01));
  CHECK(shrunk > bayes);
}

TEST_CASE("a subspace larger than its space is refused") {
  CHECK_THROWS_AS(draw({.dimension = 4, .subspace = 5}, {}, 0), base::UserError);
}
