#include "ecphory/dynamics/synapses/setwise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::dynamics {

using compute::Index;

namespace {

void check_sets(const Sets& sets, Index neurons) {
  const auto refuse = [](const std::string& problem, const std::string& expected) {
    throw base::UserError({.key = "setwise synapse", .problem = problem, .expected = expected});
  };
  if (sets.size < 1) refuse(fmt::format("sets of {} neurons", sets.size), "at least one neuron");
  if (sets.members.size() != sets.weights.size() * static_cast<std::size_t>(sets.size) ||
      sets.weights.size() > std::numeric_limits<std::uint32_t>::max()) {
    refuse(fmt::format("{} members and {} weights of sets of {}", sets.members.size(), sets.weights.size(),
                       sets.size),
           "one weight, and as many members as a set has, for each set");
  }
  if (!std::ranges::all_of(sets.weights, [](double w) { return std::isfinite(w); }))
    refuse("a weight is not finite", "finite numbers");
  for (auto set = sets.members.begin(); set != sets.members.end(); set += sets.size) {
    std::vector<Index> members(set, set + sets.size);
    std::ranges::sort(members);
    if (members.front() < 0 || members.back() >= neurons)
      refuse(fmt::format("there is no neuron {}", members.front() < 0 ? members.front() : members.back()),
             fmt::format("0 to {}", neurons - 1));
    if (const auto twice = std::ranges::adjacent_find(members); twice != members.end())
      refuse(fmt::format("a set has neuron {} twice", *twice), "members that differ");
  }
}

/// w Π g over the members of a set, and into `others` for each member the product without it.
template <class Real>
Real products(const Index* members, Index k, Real w, const Real* g, Real* others) {
  Real before = w;
  for (Index a = 0; a < k; ++a) {
    others[a] = before;
    before *= g[members[a]];
  }
  Real behind = 1;
  for (Index a = k; a-- > 0;) {
    others[a] *= behind;
    behind *= g[members[a]];
  }
  return before;
}

}  // namespace

template <class Real>
Setwise<Real>::Setwise(LayerId layer, Index neurons, std::vector<Sets> sets)
    : layer_(layer), sets_(std::move(sets)), first_(static_cast<std::size_t>(neurons) + 1, 0) {
  for (const Sets& some : sets_) {
    check_sets(some, neurons);
    for (const Index member : some.members) ++first_[static_cast<std::size_t>(member) + 1];
  }
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  places_.resize(first_.back());
  std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
  for (std::size_t s = 0; s < sets_.size(); ++s) {
    for (std::size_t m = 0; m < sets_[s].members.size(); ++m) {
      places_[next[static_cast<std::size_t>(sets_[s].members[m])]++] = {
          static_cast<std::uint32_t>(s),
          static_cast<std::uint32_t>(m / static_cast<std::size_t>(sets_[s].size))};
    }
  }
}

template <class Real>
void Setwise<Real>::check(std::span<const Index> neurons, std::span<const Index>) const {
  if (neurons[0] + 1 == static_cast<Index>(first_.size())) return;
  throw base::UserError(
      {.key = "setwise synapse",
       .problem = fmt::format("it is for {} neurons, the layer has {}", first_.size() - 1, neurons[0]),
       .expected = "equal numbers"});
}

template <class Real>
void Setwise<Real>::add_energy(std::span<const ConstView> outputs, Ids, View e) const {
  for (Index j = 0; j < outputs[0].columns; ++j) {
    const Real* const g = outputs[0].column(j);
    Real sum = 0;
    for (const Sets& sets : sets_) {
      const Index* set = sets.members.data();
      for (const double w : sets.weights) {
        auto product = static_cast<Real>(w);
        for (Index a = 0; a < sets.size; ++a) product *= g[set[a]];
        sum += product;
        set += sets.size;
      }
    }
    *e.column(j) -= sum;
  }
}

template <class Real>
void Setwise<Real>::add_drive(std::span<const ConstView> outputs, Ids, std::size_t, View d) const {
  std::vector<Real> others;
  for (Index j = 0; j < d.columns; ++j) {
    const Real* const g = outputs[0].column(j);
    Real* const to = d.column(j);
    for (const Sets& sets : sets_) {
      others.resize(static_cast<std::size_t>(sets.size));
      const Index* set = sets.members.data();
      for (const double w : sets.weights) {
        products(set, sets.size, static_cast<Real>(w), g, others.data());
        for (Index a = 0; a < sets.size; ++a) to[set[a]] += others[static_cast<std::size_t>(a)];
        set += sets.size;
      }
    }
  }
}

/// The derivative of w Π_{j≠a} g_j along u is the sum over b ≠ a of u_b w Π_{j≠a,b} g_j.
template <class Real>
void Setwise<Real>::add_drive_tangent(std::span<const ConstView> outputs, std::span<const ConstView> tangents,
                                      Ids, std::size_t, View d) const {
  for (Index j = 0; j < d.columns; ++j) {
    const Real* const g = outputs[0].column(j);
    const Real* const u = tangents[0].column(j);
    Real* const to = d.column(j);
    for (const Sets& sets : sets_) {
      const Index* set = sets.members.data();
      for (const double w : sets.weights) {
        for (Index a = 0; a < sets.size; ++a) {
          for (Index b = 0; b < sets.size; ++b) {
            if (a == b) continue;
            Real product = static_cast<Real>(w) * u[set[b]];
            for (Index c = 0; c < sets.size; ++c) {
              if (c != a && c != b) product *= g[set[c]];
            }
            to[set[a]] += product;
          }
        }
        set += sets.size;
      }
    }
  }
}

template <class Real>
double Setwise<Real>::flip_change(ConstView g, Index, Index i) const {
  const Real* const s = g.column(0);
  double sum = 0;
  const auto at = static_cast<std::size_t>(i);
  for (std::size_t p = first_[at]; p < first_[at + 1]; ++p) {
    const Sets& sets = sets_[places_[p].sets];
    const Index* const set = sets.members.data() + static_cast<Index>(places_[p].which) * sets.size;
    double product = sets.weights[places_[p].which];
    for (Index a = 0; a < sets.size; ++a) product *= static_cast<double>(s[set[a]]);
    sum += product;
  }
  return 2 * sum;
}

template class Setwise<float>;
template class Setwise<double>;

}  // namespace ecphory::dynamics
