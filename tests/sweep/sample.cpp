#include "ecphory/sweep/sample.hpp"

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

using namespace ecphory;
using sweep::Sampler;
using sweep::unit_points;

namespace {

constexpr Sampler kAll[] = {Sampler::sobol, Sampler::latin_hypercube, Sampler::random};

/// Error of the mean of Π (1 + (x_k − ½)), whose integral is 1.
double integration_error(Sampler sampler, std::size_t points) {
  const std::vector<double> x = unit_points(sampler, points, 4, 1);
  double sum = 0;
  for (std::size_t i = 0; i < points; ++i) {
    double product = 1;
    for (std::size_t k = 0; k < 4; ++k) product *= 0.5 + x[4 * i + k];
    sum += product;
  }
  return std::abs(sum / static_cast<double>(points) - 1);
}

}  // namespace

TEST_CASE("points lie in the unit cube and differ") {
  for (const Sampler sampler : kAll) {
    std::vector<double> x = unit_points(sampler, 1000, 3, 7);
    CHECK(x.size() == 3000);
    CHECK(std::ranges::all_of(x, [](double u) { return u >= 0 && u < 1; }));
    std::vector<double> first;
    for (std::size_t i = 0; i < 1000; ++i) first.push_back(x[3 * i]);
    std::ranges::sort(first);
    CHECK(std::ranges::adjacent_find(first) == first.end());
  }
}

TEST_CASE("the first Sobol points are van der Corput's in the first dimension, and Joe & Kuo's in the next") {
  const std::vector<double> x = unit_points(Sampler::sobol, 7, 3, 1);
  const std::vector<double> expected = {0.5,   0.5,   0.5,   0.75,  0.25,  0.25,  0.25,
                                        0.75,  0.75,  0.375, 0.375, 0.625, 0.875, 0.875,
                                        0.125, 0.625, 0.125, 0.875, 0.125, 0.625, 0.375};
  CHECK(x == expected);
}

TEST_CASE("Sobol and random points continue; Sobol's do not hang on the seed") {
  for (const Sampler sampler : {Sampler::sobol, Sampler::random}) {
    const std::vector<double> few = unit_points(sampler, 100, 5, 3);
    const std::vector<double> many = unit_points(sampler, 237, 5, 3);
    CHECK(std::equal(few.begin(), few.end(), many.begin()));
  }
  CHECK(unit_points(Sampler::sobol, 50, 2, 1) == unit_points(Sampler::sobol, 50, 2, 2));
  CHECK(unit_points(Sampler::random, 50, 2, 1) != unit_points(Sampler::random, 50, 2, 2));
  CHECK(unit_points(Sampler::latin_hypercube, 50, 2, 1) != unit_points(Sampler::latin_hypercube, 50, 2, 2));
}

TEST_CASE("a Latin hypercube has one point in every slice of every dimension, in unrelated orders") {
  constexpr std::size_t kPoints = 1000;
  const std::vector<double> x = unit_points(Sampler::latin_hypercube, kPoints, 3, 5);
  std::vector<std::vector<double>> slices(3);
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t i = 0; i < kPoints; ++i) slices[k].push_back(std::floor(x[3 * i + k] * kPoints));
    std::vector<double> sorted = slices[k];
    std::ranges::sort(sorted);
    for (std::size_t i = 0; i < kPoints; ++i) REQUIRE(sorted[i] == static_cast<double>(i));
  }
  for (std::size_t k = 1; k < 3; ++k) {
    double covariance = 0;
    for (std::size_t i = 0; i < kPoints; ++i) covariance += (slices[0][i] - 499.5) * (slices[k][i] - 499.5);
    const double correlation = covariance / (kPoints * (kPoints * kPoints - 1.0) / 12);
    CHECK(std::abs(correlation) < 4 / std::sqrt(static_cast<double>(kPoints)));
  }
}

TEST_CASE("Sobol points integrate better than a Latin hypercube, and that better than random points") {
  CHECK(integration_error(Sampler::sobol, 1024) < 0.002);
  CHECK(integration_error(Sampler::latin_hypercube, 1024) < 0.01);
  CHECK(integration_error(Sampler::random, 1024) < 0.1);
  CHECK(integration_error(Sampler::random, 1024) > 0.002);
}

TEST_CASE("Sobol points end at 3667 dimensions") {
  CHECK(unit_points(Sampler::sobol, 2, 3667, 1).size() == 2 * 3667);
  CHECK_THROWS_AS(unit_points(Sampler::sobol, 2, 3668, 1), base::UserError);
}

TEST_CASE("a cube without dimensions is a bug; no points and one point are not") {
  for (const Sampler sampler : kAll) {
    CHECK_THROWS_AS(unit_points(sampler, 3, 0, 1), base::Bug);
    CHECK(unit_points(sampler, 0, 2, 1).empty());
    CHECK(unit_points(sampler, 1, 2, 1).size() == 2);
  }
}

TEST_CASE("every binary slice of every Sobol dimension holds one of 256 points with the origin") {
  constexpr std::size_t kPoints = 255;
  constexpr std::size_t kDimensions = 3667;
  const std::vector<double> x = unit_points(Sampler::sobol, kPoints, kDimensions, 1);
  for (std::size_t k = 0; k < kDimensions; ++k) {
    std::vector<double> slices;
    for (std::size_t i = 0; i < kPoints; ++i) slices.push_back(256 * x[kDimensions * i + k]);
    std::ranges::sort(slices);
    for (std::size_t i = 0; i < kPoints; ++i) REQUIRE(slices[i] == static_cast<double>(i + 1));
  }
}
