#pragma once
// exp() that the compiler can put into vector registers, with the same bits in every lane and every loop.

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <type_traits>

#include "ecphory/base/host_device.hpp"

namespace ecphory::compute {

/// exp(x) for x ≤ 0, the only arguments of a softmax, to about one unit in the last place. Results below the
/// smallest normal number are 0, so exp(−∞) is; NaN stays NaN. x = n ln 2 + r with |r| ≤ ½ ln 2; exp r by its
/// Taylor series, whose next term is below half a unit; ln 2 is split in two so that n ln 2 is exact to
/// rounding.
template <class Real>
ECPHORY_HOST_DEVICE inline Real exp_of_nonpositive(Real x) {
  constexpr bool kSingle = sizeof(Real) == sizeof(float);
  using Bits = std::conditional_t<kSingle, std::int32_t, std::int64_t>;
  constexpr int kMantissa = kSingle ? 23 : 52;
  constexpr Bits kBias = kSingle ? 127 : 1023;
  constexpr int kTerms = kSingle ? 7 : 13;
  constexpr Real kSmallest =
      kSingle ? Real(-87.3365447) : Real(-708.39641853226408);  // ln of the smallest normal
  constexpr Real kLn2High = kSingle ? Real(0x1.62e4p-1) : Real(0x1.62e42feep-1);
  constexpr Real kLn2Low = kSingle ? Real(0x1.7f7d1cf8p-20) : Real(0x1.a39ef35793c76p-33);

  const Real clamped = x < kSmallest ? kSmallest : x;
  // Adding 1.5·2^mantissa rounds to a whole number and leaves it in the low bits: no conversion, in any
  // register.
  constexpr Real kRound = kSingle ? Real(0x1.8p23) : Real(0x1.8p52);
  const Real rounded = std::fma(clamped, std::numbers::log2e_v<Real>, kRound);
  const Real n = rounded - kRound;
  const Real r = std::fma(-n, kLn2Low, std::fma(-n, kLn2High, clamped));
  constexpr auto kInverseFactorial = [] {
    std::array<Real, kTerms + 1> c{};
    double factorial = 1;
    for (int k = 0; k <= kTerms; ++k) {
      c[static_cast<std::size_t>(k)] = static_cast<Real>(1 / factorial);
      factorial *= k + 1;
    }
    return c;
  }();
  Real series = kInverseFactorial[kTerms];
#pragma GCC unroll 16
  for (int k = kTerms - 1; k >= 0; --k) {
    series = std::fma(series, r, kInverseFactorial[static_cast<std::size_t>(k)]);
  }
  const auto power =
      std::bit_cast<Real>(static_cast<Bits>((std::bit_cast<Bits>(rounded) + kBias) << kMantissa));
  return x < kSmallest ? Real{0} : series * power;
}

}  // namespace ecphory::compute
