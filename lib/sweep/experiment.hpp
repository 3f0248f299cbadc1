#pragma once
// What a sweep needs to know of an experiment: its settings, and a function of one point.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ecphory/base/deadline.hpp"
#include "ecphory/base/parameters.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/store/dataset.hpp"

namespace ecphory::sweep {

/// An array of this name counts the parts of a point that failed while its other numbers hold.
inline constexpr std::string_view kFailedParts = "failed_trajectories";

/// What a run gets beside its settings.
struct RunContext {
  base::RandomKey key = {};                      ///< from which it draws everything random
  std::shared_ptr<store::Scratch> scratch = {};  ///< where spools are kept
  base::Deadline deadline = {};                  ///< work that may last long asks it now and then
};

/// What a run takes, as far as that is known before it runs.
struct Footprint {
  double memory = 0;   ///< bytes at work
  double results = 0;  ///< bytes of its arrays
};

/// A kind of experiment.
struct Experiment {
  std::string name;   ///< what `experiment = "…"` names
  std::string title;  ///< one line
  std::vector<base::Parameter> parameters;

  /// Throws UserError (with a key) for a point whose settings, each allowed by itself, do not go together.
  std::function<void(const base::Point&)> check = [](const base::Point&) {};

  /// The labelled arrays of one point. Must depend on point and key alone: it runs on any thread, in any
  /// order. Every point of a sweep gives the same arrays, with the same dimensions; extents may differ, and
  /// what an array lacks to the largest is then filled with NaN, 0 or empty strings.
  std::function<store::Dataset(const base::Point&, const RunContext&)> run;

  /// How long a run takes beside others, in any unit. Shards are balanced by it, and long runs start first.
  std::function<double(const base::Point&)> cost = {};

  /// For experiments whose runs are long or large: what a run takes, and a short run of the same kind, whose
  /// time tells that of the whole by their costs.
  std::function<Footprint(const base::Point&)> footprint = {};
  std::function<base::Point(const base::Point&)> shortened = {};
};

}  // namespace ecphory::sweep
