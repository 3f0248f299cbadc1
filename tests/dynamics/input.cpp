#include "ecphory/dynamics/input.hpp"

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using Eigen::MatrixXd;

namespace {

double at(const Input<double>& input, double t) {
  const MatrixXd* const value = input.at(t);
  return value == nullptr ? 0 : (*value)(0, 0);
}

MatrixXd scalar(double x) { return MatrixXd::Constant(1, 1, x); }

}  // namespace

TEST_CASE("currents have the value of the last jump") {
  CHECK(at(Input<double>{}, 5) == 0);
  CHECK(at(constant_current<double>(scalar(2)), 0) == 2);
  const auto p = pulse<double>(5, 3, scalar(2));
  CHECK(at(p, 4.9) == 0);
  CHECK(at(p, 5) == 2);
  CHECK(at(p, 8) == 0);
  CHECK(p.moves());
  CHECK_FALSE(constant_current<double>(scalar(2)).moves());
  const auto tokens = token_sequence<double>(10, {scalar(1), scalar(2)});
  CHECK(at(tokens, 0) == 1);
  CHECK(at(tokens, 10) == 2);
  CHECK(at(tokens, 20) == 0);
}

TEST_CASE("currents add, and one for all trajectories adds to one for each") {
  const auto sum = constant_current<double>(scalar(1)) + pulse<double>(5, 3, scalar(2));
  CHECK(at(sum, 0) == 1);
  CHECK(at(sum, 6) == 3);
  CHECK(at(sum, 9) == 1);
  MatrixXd wide(1, 2);
  wide << 10, 20;
  const auto mixed = constant_current<double>(scalar(1)) + constant_current<double>(wide);
  CHECK((*mixed.at(0))(0, 1) == 21);
}

TEST_CASE("currents that cannot be are refused") {
  CHECK_THROWS_AS(pulse<double>(-1, 3, scalar(2)), base::UserError);
  CHECK_THROWS_AS(pulse<double>(1, 0, scalar(2)), base::UserError);
  CHECK_THROWS_AS(token_sequence<double>(10, {}), base::UserError);
  CHECK_THROWS_AS(validate<double>(constant_current<double>(MatrixXd::Ones(3, 1)), "x", 2, 1),
                  base::UserError);
  CHECK_THROWS_AS(validate<double>(constant_current<double>(MatrixXd::Ones(2, 3)), "x", 2, 4),
                  base::UserError);
  CHECK_THROWS_AS(validate<double>(constant_current<double>(scalar(NAN)), "x", 1, 1), base::UserError);
  CHECK_THROWS_AS(validate<double>(Input<double>{{1, 1}, {scalar(0), scalar(1)}}, "x", 1, 1),
                  base::UserError);
  CHECK_NOTHROW(validate<double>(constant_current<double>(MatrixXd::Ones(2, 4)), "x", 2, 4));
}
