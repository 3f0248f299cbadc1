#include "ecphory/sweep/part.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <numeric>
#include <queue>
#include <tuple>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/random.hpp"

namespace ecphory::sweep {
namespace {

/// Costs of all points; empty when the experiment does not know them.
std::vector<double> costs_of(const Plan& plan) {
  std::vector<double> costs;
  if (!plan.experiment.cost) return costs;
  for (std::size_t i = 0; i < plan.points; ++i)
    costs.push_back(plan.experiment.cost(plan.point(i * plan.replicate_count())));
  return costs;
}

}  // namespace

Part part_of_text(const std::string& text) {
  const auto number = [](std::string_view digits) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() ? value : 0;
  };
  const std::size_t slash = text.find('/');
  Part part{.index = 0, .of = 0};
  if (slash != std::string::npos)
    part = {.index = number(std::string_view(text).substr(0, slash)),
            .of = number(std::string_view(text).substr(slash + 1))};
  constexpr std::size_t kMost = 1'000'000;
  if (part.index >= 1 && part.index <= part.of && part.of <= kMost) return part;
  throw base::UserError({.key = "--shard",
                         .problem = fmt::format("there is no shard {}", text),
                         .expected = "i/n: one of n parts, 1/n to n/n",
                         .remedy = "count the parts from 1, as a Slurm array with --array=1-n does"});
}

std::string name_of(const Part& part) {
  const std::size_t width = std::to_string(part.of).size();
  return fmt::format("{:0{}}-of-{}", part.index, width, part.of);
}

std::vector<std::size_t> runs_of(const Plan& plan, const Part& part) {
  const std::size_t together = plan.stop ? plan.replicate_count() : 1;  // runs that stay in one part
  std::vector<std::size_t> items(plan.size() / together);
  std::iota(items.begin(), items.end(), std::size_t{0});
  const std::vector<double> costs = costs_of(plan);
  const auto cost = [&](std::size_t item) {
    return costs.empty() ? 1.0 : costs[item * together / plan.replicate_count()];
  };
  if (!costs.empty()) std::ranges::stable_sort(items, std::greater<>(), cost);
  // The most costly item that is left goes to the part with the least (Graham 1969, SIAM J. Appl. Math.
  // 17:416), of equals to one by lot: were they dealt round and round, an axis as long as there are parts
  // could give one part all of its costly values.
  using Load = std::tuple<double, std::uint64_t, std::size_t>;  // cost, lot, part
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (std::size_t p = 0; p < part.of; ++p) loads.emplace(0.0, base::mix64(p + 1), p);
  std::vector<std::size_t> runs;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto [load, lot, p] = loads.top();
    loads.pop();
    loads.emplace(load + cost(items[i]), base::mix64(lot + i), p);
    if (p != part.index - 1) continue;
    for (std::size_t k = 0; k < together; ++k) runs.push_back(items[i] * together + k);
  }
  std::ranges::sort(runs);
  return runs;
}

std::vector<std::size_t> longest_first(const Plan& plan, std::vector<std::size_t> runs) {
  if (const std::vector<double> costs = costs_of(plan); !costs.empty()) {
    std::ranges::stable_sort(runs, std::greater<>(),
                             [&](std::size_t run) { return costs[run / plan.replicate_count()]; });
  }
  return runs;
}

}  // namespace ecphory::sweep
