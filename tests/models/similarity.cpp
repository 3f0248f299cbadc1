#include "ecphory/models/similarity.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/random.hpp"

using namespace ecphory;
using compute::Array;
using models::Similarity;

namespace {

double by_definition(Similarity similarity, const Eigen::VectorXd& k, const Eigen::VectorXd& q) {
  switch (similarity) {
    case Similarity::dot:
      return k.dot(q);
    case Similarity::correlation: {
      const auto n = static_cast<double>(k.size());
      const double covariance = k.dot(q) / n - k.mean() * q.mean();
      return covariance / std::sqrt((k.squaredNorm() / n - k.mean() * k.mean()) *
                                    (q.squaredNorm() / n - q.mean() * q.mean()));
    }
    case Similarity::euclidean:
      return -std::sqrt((k - q).squaredNorm());
    case Similarity::manhattan:
      return -(k - q).cwiseAbs().sum();
  }
  return NAN;
}

}  // namespace

TEST_CASE_TEMPLATE("each similarity equals its definition", Real, float, double) {
  Array<Real> keys({20, 7});
  Array<Real> queries({20, 3});
  Array<Real> scores({7, 3});
  base::RandomStream({.seed = 1}, base::Purpose("keys")).normals(0, keys.elements());
  base::RandomStream({.seed = 1}, base::Purpose("queries")).normals(0, queries.elements());
  const double slack =
      200 * static_cast<double>(std::numeric_limits<Real>::epsilon());  // sums of 20 terms below 10
  for (const auto s :
       {Similarity::dot, Similarity::correlation, Similarity::euclidean, Similarity::manhattan}) {
    models::similarities(s, keys, queries, scores);
    for (int t = 0; t < 7; ++t) {
      for (int j = 0; j < 3; ++j) {
        const double expected = by_definition(s, keys.matrix().col(t).template cast<double>(),
                                              queries.matrix().col(j).template cast<double>());
        CHECK(std::abs(scores.matrix()(t, j) - expected) < slack);
      }
    }
  }
}

TEST_CASE("the correlation with a constant vector is 0, not NaN") {
  Array<double> keys({4, 2});
  keys.matrix() << 1, 1, 1, 2, 1, 3, 1, 4;
  Array<double> scores({2, 2});
  models::similarities(Similarity::correlation, keys, keys, scores);
  CHECK(scores.matrix()(0, 1) == 0);
  CHECK(scores.matrix()(1, 1) == doctest::Approx(1));
}
