#pragma once
// A function of the exponential Runge–Kutta method, for the CPU's loop and the GPU's.

#include <cmath>

#include "ecphory/base/host_device.hpp"

namespace ecphory::dynamics {

/// y − 1 + e^{−y}, by its series where the terms cancel.
ECPHORY_HOST_DEVICE inline double linear_part(double y) {
  if (y > 0.1) return y + std::expm1(-y);
  double term = y * y / 2;
  double sum = 0;
  for (int k = 3; k < 14; ++k) {
    sum += term;
    term *= -y / k;
  }
  return sum;
}

}  // namespace ecphory::dynamics
