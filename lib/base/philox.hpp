#pragma once
// What random.hpp's numbers are made of, for the CPU's loops and for kernels: Philox's words, and how a float
// or a double is made of them. Integer operations, IEEE-exact ones and fma only: equal bits everywhere, where
// the compiler fuses nothing by itself (-ffp-contract=off, --fmad=false).

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include <Random123/philox.h>

#include "ecphory/base/host_device.hpp"
#include "ecphory/base/random.hpp"

namespace ecphory::base {

constexpr std::size_t kWordsPerBlock = 4;

/// Words 4·block … 4·block + 3 of the stream.
ECPHORY_HOST_DEVICE inline r123::Philox4x32::ctr_type philox_block(const RandomCounter& counter,
                                                                   std::uint32_t block) {
  const r123::Philox4x32::key_type key = {
      {static_cast<std::uint32_t>(counter.key), static_cast<std::uint32_t>(counter.key >> 32U)}};
  const r123::Philox4x32::ctr_type at = {{block, counter.replicate, counter.step, counter.purpose}};
  return philox4x32_R(10, at, key);
}

namespace detail {

/// log(u) for positive normal u. With u = m·2^e, m in [√½, √2), and s = (m−1)/(m+1):
/// log m = 2 atanh s = 2 (s + s³/3 + s⁵/5 + …), |s| < 0.172; `Terms` of the series reach rounding.
template <class Real, class Bits, int MantissaBits, int Terms>
ECPHORY_HOST_DEVICE inline Real log_of(Real u) {
  constexpr auto kSqrtHalf = std::bit_cast<Bits>(static_cast<Real>(1 / std::numbers::sqrt2));
  const auto exponent = static_cast<Bits>(std::bit_cast<Bits>(u) - kSqrtHalf) >> MantissaBits;
  const auto m = std::bit_cast<Real>(static_cast<Bits>(std::bit_cast<Bits>(u) - (exponent << MantissaBits)));
  const Real s = (m - 1) / (m + 1);
  const Real s2 = s * s;
  Real series = Real{1} / static_cast<Real>(2 * Terms - 1);
#pragma GCC unroll 16
  for (int k = Terms - 2; k >= 0; --k) series = std::fma(series, s2, Real{1} / static_cast<Real>(2 * k + 1));
  return std::fma(static_cast<Real>(exponent), std::numbers::ln2_v<Real>, 2 * s * series);
}

/// Taylor series of sin(x)/x and cos(x) in x², |x| ≤ π/4, with `Terms` terms.
template <class Real, int Terms, int Offset>
ECPHORY_HOST_DEVICE inline Real trigonometric_series(Real x2) {
  constexpr auto kCoefficients = [] {
    std::array<Real, Terms> c{};
    double factorial = 1;
    int n = 0;
    for (int k = 0; k < Terms; ++k) {
      for (; n < 2 * k + Offset;) factorial *= ++n;
      c[static_cast<std::size_t>(k)] = static_cast<Real>((k % 2 == 0 ? 1 : -1) / factorial);
    }
    return c;
  }();
  Real series = kCoefficients[Terms - 1];
#pragma GCC unroll 16
  for (int k = Terms - 2; k >= 0; --k)
    series = std::fma(series, x2, kCoefficients[static_cast<std::size_t>(k)]);
  return series;
}

/// One Box–Muller pair from u in (0, 1] and an angle in quarter turns, [−2, 2].
template <class Real, class Bits, int MantissaBits, int LogTerms, int TrigonometricTerms>
ECPHORY_HOST_DEVICE inline void box_muller(Real u, Real quarter_turns, Real& first, Real& second) {
  const Real radius = std::sqrt(-2 * log_of<Real, Bits, MantissaBits, LogTerms>(u));
  const Real nearest = std::rint(quarter_turns);
  const Real x = (quarter_turns - nearest) * (std::numbers::pi_v<Real> / 2);
  const Real sine = x * trigonometric_series<Real, TrigonometricTerms, 1>(x * x);
  const Real cosine = trigonometric_series<Real, TrigonometricTerms, 0>(x * x);
  const auto quadrant = static_cast<std::int32_t>(nearest);
  const bool odd = (quadrant & 1) != 0;
  const Real along = odd ? sine : cosine;
  const Real across = odd ? cosine : sine;
  first = radius * (((quadrant + 1) & 2) != 0 ? -along : along);
  second = radius * ((quadrant & 2) != 0 ? -across : across);
}

}  // namespace detail

/// How elements of one type are made of words. Pairs are made together; `words` starts at a whole pair.
template <class Real>
struct RandomTransform;

template <>
struct RandomTransform<float> {
  static constexpr std::size_t kWords = 1;

  ECPHORY_HOST_DEVICE static float uniform(const std::uint32_t* w) {
    return static_cast<float>(2 * (w[0] >> 9U) + 1) * 0x1p-24F;
  }
  ECPHORY_HOST_DEVICE static void normal_pair(const std::uint32_t* w, float* out) {
    const float u = std::fma(static_cast<float>(w[0]), 0x1p-32F, 0x1p-33F);
    const float angle = static_cast<float>(static_cast<std::int32_t>(w[1])) * 0x1p-30F;
    detail::box_muller<float, std::int32_t, 23, 5, 5>(u, angle, out[0], out[1]);
  }
};

template <>
struct RandomTransform<double> {
  static constexpr std::size_t kWords = 2;

  ECPHORY_HOST_DEVICE static double uniform(const std::uint32_t* w) {
    return static_cast<double>(w[0]) * 0x1p-32 + (static_cast<double>(w[1] >> 12U) * 0x1p-52 + 0x1p-53);
  }
  ECPHORY_HOST_DEVICE static void normal_pair(const std::uint32_t* w, double* out) {
    const double angle =
        static_cast<double>(static_cast<std::int32_t>(w[2])) * 0x1p-30 + static_cast<double>(w[3]) * 0x1p-62;
    detail::box_muller<double, std::int64_t, 52, 11, 9>(uniform(w), angle, out[0], out[1]);
  }
};

/// Elements 2·pair and 2·pair + 1 of the stream, as RandomStream::normals gives them.
template <class Real>
ECPHORY_HOST_DEVICE inline void normal_pair_at(const RandomCounter& counter, std::uint64_t pair, Real* out) {
  const std::uint64_t first = 2 * RandomTransform<Real>::kWords * pair;
  const auto words = philox_block(counter, static_cast<std::uint32_t>(first / kWordsPerBlock));
  RandomTransform<Real>::normal_pair(words.v + first % kWordsPerBlock, out);
}

/// Element `element` of the stream, as RandomStream::normals gives it.
template <class Real>
ECPHORY_HOST_DEVICE inline Real normal_at(const RandomCounter& counter, std::uint64_t element) {
  Real pair[2];
  normal_pair_at(counter, element / 2, pair);
  return element % 2 == 0 ? pair[0] : pair[1];
}

/// Element `element` of the stream, as RandomStream::uniforms gives it.
template <class Real>
ECPHORY_HOST_DEVICE inline Real uniform_at(const RandomCounter& counter, std::uint64_t element) {
  const std::uint64_t first = RandomTransform<Real>::kWords * element;
  const auto words = philox_block(counter, static_cast<std::uint32_t>(first / kWordsPerBlock));
  return RandomTransform<Real>::uniform(words.v + first % kWordsPerBlock);
}

}  // namespace ecphory::base
