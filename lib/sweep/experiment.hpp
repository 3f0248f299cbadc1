#pragma once
// What a sweep needs to know of an experiment: its settings, and a function of one point.

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ecphory/base/deadline.hpp"
#include "ecphory/base/parameters.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/compute/device.hpp"
#include "ecphory/store/dataset.hpp"

namespace ecphory::sweep {

/// An array of this name counts the parts of a point that failed while its other numbers hold.
inline constexpr std::string_view kFailedParts = "failed_trajectories";

/// What a run gets beside its settings.
struct RunContext {
  base::RandomKey key = {};                      ///< from which it draws everything random
  std::shared_ptr<store::Scratch> scratch = {};  ///< where spools are kept
  base::Deadline deadline = {};                  ///< work that may last long asks it now and then
  compute::Device device = compute::kCpu;        ///< where it computes
};

/// What a run takes, as far as that is known before it runs.
struct Footprint {
  double memory = 0;   ///< bytes at work
  double results = 0;  ///< bytes of its arrays
};

/// What one of several runs gave: its arrays, or why it has none.
using Outcome = std::variant<store::Dataset, std::exception_ptr>;

/// How an experiment runs several points as one problem, on the CPU or on a GPU.
struct Together {
  /// Points that give the same words may be one problem; they still do when all are shortened.
  std::function<std::string(const base::Point&)> company;

  /// One outcome for each point, in their order. The points have one device and one deadline. A point's
  /// numbers must be those that it gives alone: on the CPU bit for bit those of Experiment::run, on a GPU to
  /// rounding. One that fails must leave the others as they are. What it throws fails all of them.
  std::function<std::vector<Outcome>(std::span<const base::Point>, std::span<const RunContext>)> run;
};

/// A kind of experiment.
struct Experiment {
  std::string name;   ///< what `experiment = "…"` names
  std::string title;  ///< one line
  std::vector<base::Parameter> parameters;

  /// Throws UserError (with a key) for a point whose settings, each allowed by itself, do not go together.
  std::function<void(const base::Point&)> check = [](const base::Point&) {};

  /// The labelled arrays of one point, on the CPU; with check_on_gpu, where the context says. Must depend on
  /// point and key alone: it runs on any thread, in any order. Every point of a sweep gives the same arrays,
  /// with the same dimensions; extents may differ, and what an array lacks to the largest is then filled with
  /// NaN, 0 or empty strings.
  std::function<store::Dataset(const base::Point&, const RunContext&)> run;

  /// How long a run takes beside others, in any unit. Shards are balanced by it, and long runs start first.
  std::function<double(const base::Point&)> cost = {};

  /// For experiments whose runs are long or large: what a run takes, and a short run of the same kind, whose
  /// time tells that of the whole by their costs.
  std::function<Footprint(const base::Point&, compute::Device)> footprint = {};
  std::function<base::Point(const base::Point&)> shortened = {};

  /// For experiments that can run several points as one problem. They run on a GPU, single points too.
  std::optional<Together> together = {};

  /// For experiments of which `run` computes its point on a GPU as well: throws UserError (with a key) for a
  /// point that has no form for one. A GPU's numbers may differ from the CPU's in what `run` says.
  std::function<void(const base::Point&)> check_on_gpu = {};

  bool runs_on_gpu() const { return together || check_on_gpu; }
};

}  // namespace ecphory::sweep
