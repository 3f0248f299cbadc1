#include "ecphory/dynamics/input.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::dynamics {

template <class Real>
const typename Input<Real>::Matrix* Input<Real>::at(double t) const {
  const auto after = std::upper_bound(times.begin(), times.end(), t);
  return after == times.begin() ? nullptr : &values[static_cast<std::size_t>(after - times.begin() - 1)];
}

template <class Real>
Input<Real> constant_current(typename Input<Real>::Matrix current) {
  return {.times = {0.0}, .values = {std::move(current)}};
}

template <class Real>
Input<Real> pulse(double onset, double duration, typename Input<Real>::Matrix current) {
  if (!(onset >= 0 && duration > 0)) {
    throw base::UserError({.problem = fmt::format("a pulse of {} ms at {} ms cannot be", duration, onset),
                           .expected = "onset >= 0 and duration > 0"});
  }
  const typename Input<Real>::Matrix zero = 0 * current;
  return {.times = {onset, onset + duration}, .values = {std::move(current), zero}};
}

template <class Real>
Input<Real> token_sequence(double duration, std::vector<typename Input<Real>::Matrix> tokens) {
  if (!(duration > 0) || tokens.empty()) {
    throw base::UserError(
        {.problem = fmt::format("{} tokens of {} ms cannot be presented", tokens.size(), duration),
         .expected = "at least one token and a duration > 0"});
  }
  Input<Real> input;
  for (std::size_t t = 0; t <= tokens.size(); ++t) input.times.push_back(static_cast<double>(t) * duration);
  typename Input<Real>::Matrix zero = 0 * tokens.back();
  input.values = std::move(tokens);
  input.values.push_back(std::move(zero));
  return input;
}

template <class Real>
Input<Real> operator+(const Input<Real>& a, const Input<Real>& b) {
  Input<Real> sum;
  std::ranges::set_union(a.times, b.times, std::back_inserter(sum.times));
  for (const double t : sum.times) {
    const auto* const x = a.at(t);
    const auto* const y = b.at(t);
    if (x == nullptr || y == nullptr) {
      sum.values.push_back(x != nullptr ? *x : *y);
    } else if (x->cols() == y->cols()) {
      sum.values.push_back(*x + *y);
    } else {
      const bool wide = x->cols() > y->cols();
      sum.values.push_back((wide ? *x : *y).colwise() + (wide ? *y : *x).col(0));
    }
  }
  return sum;
}

template <class Real>
void validate(const Input<Real>& input, const std::string& layer, compute::Index neurons,
              compute::Index trajectories) {
  base::ensure(input.times.size() == input.values.size(), "an input has one value for each of its times");
  const auto refuse = [&](const std::string& problem, const std::string& expected) {
    throw base::UserError({.key = layer, .problem = problem, .expected = expected});
  };
  for (std::size_t i = 0; i < input.times.size(); ++i) {
    if (!std::isfinite(input.times[i]) || (i > 0 && input.times[i] <= input.times[i - 1])) {
      refuse("the times of its input current do not ascend", "finite times in ascending order, in ms");
    }
    const auto& value = input.values[i];
    if (value.rows() != neurons || (value.cols() != 1 && value.cols() != trajectories)) {
      refuse(fmt::format("its input current is {} x {}", value.rows(), value.cols()),
             fmt::format("{} neurons x 1 or {} trajectories", neurons, trajectories));
    }
    if (!value.allFinite()) refuse("its input current is not finite", "finite numbers");
  }
}

template struct Input<float>;
template struct Input<double>;
#define ECPHORY_INPUT(Real)                                                            \
  template Input<Real> constant_current<Real>(Input<Real>::Matrix);                    \
  template Input<Real> pulse<Real>(double, double, Input<Real>::Matrix);               \
  template Input<Real> token_sequence<Real>(double, std::vector<Input<Real>::Matrix>); \
  template Input<Real> operator+<Real>(const Input<Real>&, const Input<Real>&);        \
  template void validate<Real>(const Input<Real>&, const std::string&, compute::Index, compute::Index);
ECPHORY_INPUT(float)
ECPHORY_INPUT(double)
#undef ECPHORY_INPUT

}  // namespace ecphory::dynamics
