#pragma once
// Derivatives by central differences, which gradients are held to.

#include <cmath>
#include <limits>

namespace ecphory::tests {

/// f′(0) to about 3e-8 · scale, by differences of fourth order: their error is h⁴, and eps / h by rounding.
/// The step is halved until two in a row agree, which a step over the corner of a relu does not. NaN when
/// none do.
template <class Function>
double derivative(const Function& f, double scale) {
  const auto difference = [&](double h) { return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h); };
  double before = difference(1e-3);
  for (double h = 0.5e-3; h > 1e-8; h /= 2) {
    const double now = difference(h);
    if (std::abs(now - before) <= 3e-8 * scale) return now;
    before = now;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace ecphory::tests
