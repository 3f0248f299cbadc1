#include "ecphory/landscape/merge.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "dynamics/networks.hpp"

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;

TEST_CASE("states within the distance are one, and no others") {
  const Index n = 10, places = 40;
  const MatrixXd centres = 0.01 * tests::normals(n, places, 1);
  MatrixXd states(n, 400);
  MatrixXd offsets = tests::normals(n, states.cols(), 2);
  offsets.colwise().normalize();
  for (Index j = 0; j < states.cols(); ++j) {
    const Index place = j < places ? j : (j * 7) % places;
    states.col(j) = centres.col(place) + (j < places ? 0.0 : 0.99e-3 * std::sqrt(10.0)) * offsets.col(j);
  }
  const auto groups = landscape::merge(states, 1e-3, std::vector<char>(400, 1));
  REQUIRE(groups.first.size() == 40);
  for (Index j = 0; j < states.cols(); ++j)
    CHECK(groups.group[static_cast<std::size_t>(j)] == (j < places ? j : (j * 7) % places));
  // A little further, and every state off a centre is too far from it, though not from others like it.
  const auto apart = landscape::merge(states, 0.98e-3, std::vector<char>(400, 1));
  CHECK(apart.first.size() > 40);
}

TEST_CASE("a state joins the nearest founder, and some take no part") {
  MatrixXd states(1, 6);
  states << 0, 1.5, 0.9, std::nan(""), 0.1, 8;
  const auto groups = landscape::merge(states, 1, {1, 1, 1, 1, 0, 1});
  CHECK(groups.group == std::vector<Index>{0, 1, 1, -1, -1, 2});
  CHECK(groups.first == std::vector<Index>{0, 1, 5});
  // Whichever way the direction of the projection points.
  CHECK(landscape::merge(-states, 1, {1, 1, 1, 1, 0, 1}).group == groups.group);
}
