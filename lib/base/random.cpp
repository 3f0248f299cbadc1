#include "ecphory/base/random.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include <Random123/philox.h>

#include "ecphory/base/error.hpp"

namespace ecphory::base {
namespace {

constexpr std::size_t kWordsPerBlock = 4;
constexpr std::size_t kChunk = 512;  // words drawn at a time; stays in the first-level cache

/// log(u) for positive normal u. With u = m·2^e, m in [√½, √2), and s = (m−1)/(m+1):
/// log m = 2 atanh s = 2 (s + s³/3 + s⁵/5 + …), |s| < 0.172; `Terms` of the series reach rounding.
template <class Real, class Bits, int MantissaBits, int Terms>
inline Real log_of(Real u) {
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
inline Real trigonometric_series(Real x2) {
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
inline void box_muller(Real u, Real quarter_turns, Real& first, Real& second) {
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

/// How elements of one type are made of words. Pairs are made together; `words` starts at a whole pair.
template <class Real>
struct Transform;

template <>
struct Transform<float> {
  static constexpr std::size_t kWords = 1;

  static float uniform(const std::uint32_t* w) { return static_cast<float>(2 * (w[0] >> 9U) + 1) * 0x1p-24F; }
  static void normal_pair(const std::uint32_t* w, float* out) {
    const float u = std::fma(static_cast<float>(w[0]), 0x1p-32F, 0x1p-33F);
    const float angle = static_cast<float>(static_cast<std::int32_t>(w[1])) * 0x1p-30F;
    box_muller<float, std::int32_t, 23, 5, 5>(u, angle, out[0], out[1]);
  }
};

template <>
struct Transform<double> {
  static constexpr std::size_t kWords = 2;

  static double uniform(const std::uint32_t* w) {
    return static_cast<double>(w[0]) * 0x1p-32 + (static_cast<double>(w[1] >> 12U) * 0x1p-52 + 0x1p-53);
  }
  static void normal_pair(const std::uint32_t* w, double* out) {
    const double angle =
        static_cast<double>(static_cast<std::int32_t>(w[2])) * 0x1p-30 + static_cast<double>(w[3]) * 0x1p-62;
    box_muller<double, std::int64_t, 52, 11, 9>(uniform(w), angle, out[0], out[1]);
  }
};

/// Makes out[i] = element first+i, in chunks that begin at an even element: `make(words, n, buffer)` turns
/// words into the n elements from there.
template <class Real, class Make>
void in_chunks(const RandomStream& stream, std::uint64_t first, std::span<Real> out, const Make& make) {
  constexpr std::size_t kWords = Transform<Real>::kWords;
  std::array<std::uint32_t, kChunk> words;
  std::array<Real, kChunk / kWords> buffer;
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t element = first + done;
    const std::size_t skip = element % 2;
    const std::size_t wanted = std::min(out.size() - done, buffer.size() - skip);
    const std::size_t made = (wanted + skip + 1) / 2 * 2;
    stream.words((element - skip) * kWords, std::span(words).first(made * kWords));
    make(words.data(), made, buffer.data());
    std::copy_n(buffer.data() + skip, wanted, out.data() + done);
    done += wanted;
  }
}

}  // namespace

RandomStream::RandomStream(const RandomKey& key, Purpose purpose, std::uint32_t step)
    : key_(mix64(key.point ^ mix64(key.seed))),
      replicate_(key.replicate),
      step_(step),
      purpose_(purpose.id()) {}

void RandomStream::words(std::uint64_t first, std::span<std::uint32_t> out) const {
  ensure(first + out.size() <= std::uint64_t{1} << 34U, "a random stream holds at most 2^34 words");
  const r123::Philox4x32::key_type key = {
      {static_cast<std::uint32_t>(key_), static_cast<std::uint32_t>(key_ >> 32U)}};
  const auto block_at = [&](std::uint32_t block) {
    const r123::Philox4x32::ctr_type counter = {{block, replicate_, step_, purpose_}};
    return philox4x32_R(10, counter, key);
  };
  const auto copy_part = [&](std::uint32_t block, std::size_t from, std::size_t n, std::uint32_t* to) {
    const auto word = block_at(block);
    std::copy_n(std::begin(word.v) + from, n, to);
  };

  std::size_t done = 0;
  auto block = static_cast<std::uint32_t>(first / kWordsPerBlock);
  if (const std::size_t within = first % kWordsPerBlock; within != 0) {
    done = std::min(kWordsPerBlock - within, out.size());
    copy_part(block++, within, done, out.data());
  }
  const auto whole = static_cast<std::uint32_t>((out.size() - done) / kWordsPerBlock);
  std::uint32_t* to = out.data() + done;
#pragma omp simd
  for (std::uint32_t b = 0; b < whole; ++b) {
    const auto word = block_at(block + b);
    for (std::size_t j = 0; j < kWordsPerBlock; ++j) to[kWordsPerBlock * b + j] = word.v[j];
  }
  done += kWordsPerBlock * whole;
  if (done < out.size()) copy_part(block + whole, 0, out.size() - done, out.data() + done);
}

template <class Real>
void RandomStream::uniforms(std::uint64_t first, std::span<Real> out) const {
  in_chunks<Real>(*this, first, out, [](const std::uint32_t* words, std::size_t n, Real* buffer) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i)
      buffer[i] = Transform<Real>::uniform(words + i * Transform<Real>::kWords);
  });
}

template <class Real>
void RandomStream::normals(std::uint64_t first, std::span<Real> out) const {
  in_chunks<Real>(*this, first, out, [](const std::uint32_t* words, std::size_t n, Real* buffer) {
#pragma omp simd
    for (std::size_t i = 0; i < n; i += 2) {
      Transform<Real>::normal_pair(words + i * Transform<Real>::kWords, buffer + i);
    }
  });
}

void RandomStream::integers(std::uint64_t first, std::uint64_t bound, std::span<std::uint64_t> out) const {
  ensure(bound > 0, "random integers need a positive bound");
  std::array<std::uint32_t, 2> word;
  for (std::size_t i = 0; i < out.size(); ++i) {
    words(2 * (first + i), word);
    const std::uint64_t w = (std::uint64_t{word[0]} << 32U) | word[1];
    __extension__ using Wide = unsigned __int128;
    out[i] = static_cast<std::uint64_t>((Wide{w} * bound) >> 64U);
  }
}

template void RandomStream::uniforms<float>(std::uint64_t, std::span<float>) const;
template void RandomStream::uniforms<double>(std::uint64_t, std::span<double>) const;
template void RandomStream::normals<float>(std::uint64_t, std::span<float>) const;
template void RandomStream::normals<double>(std::uint64_t, std::span<double>) const;

}  // namespace ecphory::base
