#include "ecphory/base/finite.hpp"

#include <algorithm>
#include <cmath>

namespace ecphory::base {

template <class Real>
std::optional<std::size_t> first_not_finite(std::span<const Real> values) {
  // x·0 is 0 for every finite x and NaN otherwise, so one sum answers for a block without a branch in it.
  constexpr std::size_t kBlock = 1024;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const auto block = values.subspan(begin, std::min(kBlock, values.size() - begin));
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::size_t i = 0; i < block.size(); ++i) sum += block[i] * Real{0};
    if (sum == Real{0}) continue;
    const auto bad = std::find_if(block.begin(), block.end(), [](Real x) { return !std::isfinite(x); });
    return begin + static_cast<std::size_t>(bad - block.begin());
  }
  return std::nullopt;
}

template std::optional<std::size_t> first_not_finite<float>(std::span<const float>);
template std::optional<std::size_t> first_not_finite<double>(std::span<const double>);

}  // namespace ecphory::base
