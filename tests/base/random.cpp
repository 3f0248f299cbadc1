#include "ecphory/base/random.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <Random123/philox.h>
#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

using namespace ecphory::base;

namespace {

constexpr std::size_t kMany = 1 << 20;

template <class Real>
std::vector<Real> normals(const RandomStream& stream, std::size_t n) {
  std::vector<Real> x(n);
  stream.normals(0, std::span(x));
  return x;
}

template <class Real>
std::vector<Real> uniforms(const RandomStream& stream, std::size_t n) {
  std::vector<Real> x(n);
  stream.uniforms(0, std::span(x));
  return x;
}

/// √n times the Kolmogorov–Smirnov distance from the distribution `cdf`.
template <class Real, class Cdf>
double kolmogorov_smirnov(std::vector<Real> x, const Cdf& cdf) {
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double distance = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double f = cdf(static_cast<double>(x[i]));
    distance = std::max({distance, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  return distance * std::sqrt(n);
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum / static_cast<double>(x.size());
}

// The 0.1% point of √n times the Kolmogorov–Smirnov distance, sqrt(-ln(0.0005)/2); the keys are fixed, so a
// test that passes once passes always.
constexpr double kKolmogorov = 1.95;

}  // namespace

TEST_CASE("Philox4x32-10 gives Random123's known answers") {
  using P = r123::Philox4x32;
  const auto answer = [](P::ctr_type counter, P::key_type key) { return philox4x32_R(10, counter, key); };
  CHECK(answer({{0, 0, 0, 0}}, {{0, 0}}) == P::ctr_type{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  CHECK(answer({{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}}, {{0xffffffff, 0xffffffff}}) ==
        P::ctr_type{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  CHECK(answer({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, {{0xa4093822, 0x299f31d0}}) ==
        P::ctr_type{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST_CASE("words follow the documented key and counter") {
  const RandomKey key{.seed = 42, .point = 0x0123456789abcdefULL, .replicate = 7};
  const Purpose purpose("test");
  const std::uint64_t mixed = mix64(key.point ^ mix64(key.seed));
  std::vector<std::uint32_t> words(4096);
  RandomStream(key, purpose, 9).words(0, words);
  for (const std::uint32_t block : {0U, 1U, 500U, 1023U}) {
    const auto expected =
        philox4x32_R(10, r123::Philox4x32::ctr_type{{block, 7, 9, purpose.id()}},
                     r123::Philox4x32::key_type{
                         {static_cast<std::uint32_t>(mixed), static_cast<std::uint32_t>(mixed >> 32U)}});
    for (std::size_t j = 0; j < 4; ++j) CHECK(words[4 * block + j] == expected.v[j]);
  }
}

TEST_CASE_TEMPLATE("an element is the same however it is asked for", Real, float, double) {
  const RandomStream stream({.seed = 1}, Purpose("test"));
  const auto whole_normals = normals<Real>(stream, 3000);
  const auto whole_uniforms = uniforms<Real>(stream, 3000);
  for (const std::size_t first : {0U, 1U, 2U, 3U, 255U, 256U, 511U, 1001U}) {
    for (const std::size_t n : {1U, 2U, 5U, 511U, 513U, 1999U}) {
      std::vector<Real> part(n);
      stream.normals(first, std::span(part));
      CHECK(std::equal(part.begin(), part.end(), whole_normals.begin() + static_cast<std::ptrdiff_t>(first)));
      stream.uniforms(first, std::span(part));
      CHECK(
          std::equal(part.begin(), part.end(), whole_uniforms.begin() + static_cast<std::ptrdiff_t>(first)));
    }
  }
}

TEST_CASE_TEMPLATE("uniforms lie in the open interval and follow it", Real, float, double) {
  const auto x = uniforms<Real>(RandomStream({.seed = 2}, Purpose("test")), kMany);
  CHECK(*std::min_element(x.begin(), x.end()) > 0);
  CHECK(*std::max_element(x.begin(), x.end()) < 1);
  CHECK(kolmogorov_smirnov(x, [](double u) { return u; }) < kKolmogorov);
}

TEST_CASE_TEMPLATE("normals have the moments and the distribution of N(0, 1)", Real, float, double) {
  const auto x = normals<Real>(RandomStream({.seed = 3}, Purpose("test")), kMany);
  const double n = kMany;
  double moments[5] = {};
  for (const Real value : x) {
    double power = 1;
    for (double& moment : moments) {
      moment += power / n;
      power *= static_cast<double>(value);
    }
  }
  // Standard errors of the k-th moment: sqrt((E x^2k - (E x^k)^2) / n); 3.5 of them is a chance of 1 in 2000.
  CHECK(std::abs(moments[1]) < 3.5 * std::sqrt(1 / n));
  CHECK(std::abs(moments[2] - 1) < 3.5 * std::sqrt(2 / n));
  CHECK(std::abs(moments[3]) < 3.5 * std::sqrt(15 / n));
  CHECK(std::abs(moments[4] - 3) < 3.5 * std::sqrt(96 / n));
  CHECK(kolmogorov_smirnov(x, normal_cdf) < kKolmogorov);
}

TEST_CASE_TEMPLATE("the transform is Box and Muller's to rounding", Real, float, double) {
  // Against the library's log, sqrt, sin and cos in double, from the same words. A radius up to 8.5 and the
  // reduction of the angle leave a few units in the last place of the largest value.
  const RandomStream stream({.seed = 4}, Purpose("test"));
  const auto x = normals<Real>(stream, 4096);
  constexpr bool kSingle = std::is_same_v<Real, float>;
  std::vector<std::uint32_t> w(kSingle ? 4096 : 8192);
  stream.words(0, w);
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); i += 2) {
    const double u =
        kSingle ? w[i] * 0x1p-32 + 0x1p-33 : w[2 * i] * 0x1p-32 + (w[2 * i + 1] >> 12U) * 0x1p-52 + 0x1p-53;
    const double turns = kSingle ? static_cast<std::int32_t>(w[i + 1]) * 0x1p-32
                                 : static_cast<std::int32_t>(w[2 * i + 2]) * 0x1p-32 + w[2 * i + 3] * 0x1p-64;
    const double radius = std::sqrt(-2 * std::log(u));
    largest = std::max({largest, std::abs(x[i] - radius * std::cos(2 * M_PI * turns)),
                        std::abs(x[i + 1] - radius * std::sin(2 * M_PI * turns))});
  }
  CHECK(largest < (kSingle ? 2e-6 : 4e-15));
}

TEST_CASE("streams of neighbouring keys are independent") {
  // Each correlation of n pairs is N(0, 1/n); 4.5 standard errors for all of them together.
  const RandomKey key{.seed = 5, .point = 6, .replicate = 0};
  const Purpose purpose("a");
  const std::size_t n = 1 << 16;
  const auto x = normals<double>(RandomStream(key, purpose, 0), n);
  const std::vector<RandomStream> neighbours = {
      RandomStream({.seed = 6, .point = 6}, purpose, 0),
      RandomStream({.seed = 5, .point = 7}, purpose, 0),
      RandomStream({.seed = 6, .point = 5}, purpose, 0),
      RandomStream({.seed = 5, .point = 6, .replicate = 1}, purpose, 0),
      RandomStream(key, purpose, 1),
      RandomStream(key, Purpose("b"), 0),
  };
  for (const RandomStream& neighbour : neighbours) {
    const auto y = normals<double>(neighbour, n);
    CHECK(std::abs(correlation(x, y)) < 4.5 / std::sqrt(static_cast<double>(n)));
  }
  std::vector<double> shifted(x.begin() + 1, x.end());
  shifted.push_back(x.front());
  CHECK(std::abs(correlation(x, shifted)) < 4.5 / std::sqrt(static_cast<double>(n)));
}

TEST_CASE("the first numbers of many neighbouring keys are uniform") {
  // A generator that needs warming up, or a weak mix of the key, shows here.
  std::vector<double> by_seed(kMany / 16);
  std::vector<double> by_step(kMany / 16);
  for (std::size_t i = 0; i < by_seed.size(); ++i) {
    RandomStream({.seed = i}, Purpose("test")).uniforms(0, std::span(&by_seed[i], 1));
    RandomStream({}, Purpose("test"), static_cast<std::uint32_t>(i)).uniforms(0, std::span(&by_step[i], 1));
  }
  CHECK(kolmogorov_smirnov(by_seed, [](double u) { return u; }) < kKolmogorov);
  CHECK(kolmogorov_smirnov(by_step, [](double u) { return u; }) < kKolmogorov);
}

TEST_CASE("integers are uniform below their bound") {
  constexpr std::uint64_t kBound = 7;
  std::vector<std::uint64_t> x(70000);
  RandomStream({.seed = 8}, Purpose("test")).integers(0, kBound, x);
  double chi_squared = 0;
  for (std::uint64_t value = 0; value < kBound; ++value) {
    const auto count = static_cast<double>(std::count(x.begin(), x.end(), value));
    chi_squared += (count - 10000) * (count - 10000) / 10000;
  }
  CHECK(chi_squared < 22.5);  // 0.1% point at 6 degrees of freedom
  CHECK(std::set(x.begin(), x.end()).size() == kBound);
  CHECK_THROWS_AS(RandomStream({}, Purpose("test")).integers(0, 0, x), Bug);
}

TEST_CASE("for one seed no two points share a key") {
  std::set<std::uint64_t> keys;
  for (std::uint64_t point = 0; point < 1000; ++point) keys.insert(mix64(point ^ mix64(3)));
  CHECK(keys.size() == 1000);
}
