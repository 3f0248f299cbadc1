// The two-layer Transformer learns the Gaussian-mixture task: when does it answer from the context?

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/cuda_memory.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/models/amicl_weights.hpp"
#include "ecphory/training/checkpoint.hpp"

#include "checkpoint.hpp"
#include "learner.hpp"
#include "results.hpp"
#include "settings.hpp"

namespace ecphory::experiments {
namespace {

using namespace icl;

/// Points of one sweep with the same replicate share their data and initial weights (common random numbers),
/// so that streams can be compared in pairs.
base::RandomKey common_key(const base::RandomKey& key) {
  return {.seed = key.seed, .point = base::Purpose("icl_transformer").id(), .replicate = key.replicate};
}

/// The weights that a run starts from; constructed ones know the label vectors of its mixture.
template <class Real>
std::vector<Real> starting_weights(const base::Point& point, const base::RandomKey& key) {
  const auto model = models::icl_transformer_table().read(point);
  const models::IclTransformerShape shape = shape_of(point);
  if (model.initial == models::Initial::random) return models::initial_weights<Real>(shape, key);
  const auto mixture = tasks::draw_mixture<Real>(tasks::gaussian_mixture_table().read(point), key);
  return models::starting_weights<Real>(model, shape, mixture.labels, key);
}

/// The file of a run's states, in a folder that is there; empty for none. Throws UserError.
std::filesystem::path checkpoint_of(const RunSettings& run, const base::RandomKey& key) {
  if (run.checkpoints.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(run.checkpoints, error);
  if (error) {
    throw base::UserError({.key = "training.checkpoints",
                           .problem = fmt::format("making {} failed: {}", run.checkpoints, error.message()),
                           .expected = "a folder that can be made"});
  }
  return std::filesystem::path(run.checkpoints) /
         fmt::format("{}-{:016x}-{:03}.h5", key.seed, key.point, key.replicate);
}

/// What runs side by side may differ in: numbers that a step or the data depend on and what weights start
/// from, but no shape. Streams are part of the shape.
constexpr std::array<std::string_view, 20> kOwn = {
    "task.classes",         "task.noise",        "task.burstiness",      "task.bursty",
    "task.novel",           "task.zipf",         "task.novel_classes",   "training.rate",
    "training.decay",       "training.beta1",    "training.beta2",       "training.epsilon",
    "training.warmup",      "training.schedule", "training.checkpoints", "record.attention",
    "task.repeated_labels", "model.initial",     "model.initial_a",      "model.initial_beta"};

std::string company(const base::Point& point) {
  std::string words;
  for (const auto& [key, value] : point) {
    if (std::ranges::find(kOwn, key) == kOwn.end()) words += key + "=" + base::to_text(value) + "\n";
  }
  return words;
}

/// A run that has not ended, with where its states go.
template <class Real>
struct Candidate {
  std::size_t place = 0;  ///< among the points
  std::filesystem::path checkpoint = {};
  training::Run<Real> run = {};
};

template <class Real>
Candidate<Real> prepare(const base::Point& point, const base::RandomKey& key, std::size_t place) {
  const RunSettings settings = run_table().read(point);
  const compute::TensorLayout layout = shape_of(point).layout();
  const store::Attributes model = description(point, common_key(key));
  Candidate<Real> candidate{.place = place, .checkpoint = checkpoint_of(settings, key)};
  training::Run<Real>& run = candidate.run;
  run.optimiser = training::optimiser_table().read(point);
  if (candidate.checkpoint.empty() || !std::filesystem::exists(candidate.checkpoint)) {
    run.state.weights = starting_weights<Real>(point, common_key(key));
  } else {
    run.state = training::read_checkpoint<Real>(candidate.checkpoint, layout, model);
  }
  if (!candidate.checkpoint.empty()) {
    run.checkpoint = [path = candidate.checkpoint, layout, model](const training::TrainingState<Real>& now) {
      training::write_checkpoint(path, layout, now, model);
    };
  }
  return candidate;
}

double evaluations(const RunSettings& run) {
  return std::ceil(static_cast<double>(run.steps) / static_cast<double>(run.evaluate_every)) + 1;
}

sweep::Footprint footprint(const base::Point& point, compute::Device device) {
  const RunSettings run = run_table().read(point);
  const auto task = tasks::gaussian_mixture_table().read(point);
  const models::IclTransformerShape shape = shape_of(point);
  const auto weights = static_cast<double>(shape.layout().size());
  const bool has_moments = training::optimiser_table().read(point).method == training::Method::adamw;
  models::Workload workload = workload_of(point, 1, device);
  // On the CPU only training has its parts in memory at once.
  if (device == compute::kCpu) workload.sequences = run.batch;
  const double numbers = models::numbers_at_work(shape, models::Form::shortcut, workload) +
                         (has_moments ? 4 : 2) * weights +
                         static_cast<double>(task.dimension * (task.classes + task.labels)) +
                         static_cast<double>(task.dimension * shape.stack.tokens) *
                             static_cast<double>(run.batch + std::min(run.test_sequences, kTestedTogether));
  const auto t = static_cast<double>(shape.stack.tokens);
  const RecordSettings record = record_table().read(point);
  const double heads = record.heads > 0 ? static_cast<double>(shape.stack.layers * shape.stack.heads) *
                                              static_cast<double>(head_readings().size())
                                        : 0;
  const double of_evaluation = kSetMetrics + 4 + (record.attention ? t * (t + 1) : 0) + heads;
  return {.memory = (run.precision == Precision::double_ ? 8 : 4) * numbers,
          .results = 8 * evaluations(run) * of_evaluation};
}

/// Throws UserError when a GPU has no room for that many runs side by side.
void check_room(const base::Point& point, std::size_t runs, compute::Device device) {
  if (device == compute::kCpu) return;
  const double needed = static_cast<double>(runs) * footprint(point, device).memory;
  const auto free = static_cast<double>(compute::cuda::free_memory(device.index));
  if (needed <= free) return;
  throw base::UserError(
      {.problem = fmt::format("{} runs side by side need about {:.3g} GB, and {} has {:.3g} GB free", runs,
                              needed / 1e9, compute::to_string(device), free / 1e9),
       .remedy =
           runs > 1 ? "fewer of them with --together" : "lower training.batch or training.test_sequences"});
}

/// Trains runs that stand at one step.
template <class Real>
void train_together(std::span<const base::Point> points, std::span<const sweep::RunContext> contexts,
                    std::vector<Candidate<Real>>& candidates, std::vector<sweep::Outcome>& outcomes) {
  std::vector<base::Point> mine;
  std::vector<base::RandomKey> keys;
  std::vector<training::Run<Real>> runs;
  for (Candidate<Real>& candidate : candidates) {
    mine.push_back(points[candidate.place]);
    keys.push_back(common_key(contexts[candidate.place].key));
    runs.push_back(std::move(candidate.run));
  }
  const RunSettings settings = run_table().read(mine.front());
  const sweep::RunContext& context = contexts[candidates.front().place];
  std::optional<compute::Tf32Products> fast;
  if (settings.precision == Precision::tf32) fast.emplace();
  check_room(mine.front(), mine.size(), context.device);
  Learner<Real> learner(mine, keys, context.device);
  training::Objective<Real> objective{
      .gradient = [&](auto step, auto weights, auto gradient,
                      auto losses) { learner.gradient(step, weights, gradient, losses); },
      .evaluate = [&](auto weights) { return learner.evaluate(weights); }};
  if (settings.stop_at_criterion) {
    objective.is_enough = [&](const std::vector<double>& metrics) {
      return in_context_accuracy(metrics) >= settings.criterion;
    };
  }
  training::train<Real>(objective,
                        {.steps = settings.steps,
                         .evaluate_every = settings.evaluate_every,
                         .checkpoint_every = settings.checkpoint_every,
                         .deadline = context.deadline,
                         .device = context.device},
                        runs);
  for (std::size_t r = 0; r < runs.size(); ++r) {
    sweep::Outcome& outcome = outcomes[candidates[r].place];
    if (runs[r].failure) {
      outcome = runs[r].failure;
    } else {
      outcome = results(runs[r].state.history, settings, record_table().read(mine[r]),
                        shape_of(mine[r]).stack, candidates[r].checkpoint.string());
    }
  }
}

template <class Real>
std::vector<sweep::Outcome> run_with(std::span<const base::Point> points,
                                     std::span<const sweep::RunContext> contexts) {
  std::vector<sweep::Outcome> outcomes(points.size());
  std::map<std::uint64_t, std::vector<Candidate<Real>>> by_step;
  for (std::size_t i = 0; i < points.size(); ++i) {
    try {
      Candidate<Real> candidate = prepare<Real>(points[i], contexts[i].key, i);
      by_step[candidate.run.state.step].push_back(std::move(candidate));
    } catch (const base::UserError&) {
      outcomes[i] = std::current_exception();
    }
  }
  for (auto& [step, candidates] : by_step) train_together<Real>(points, contexts, candidates, outcomes);
  return outcomes;
}

std::vector<sweep::Outcome> run_together(std::span<const base::Point> points,
                                         std::span<const sweep::RunContext> contexts) {
  return run_table().read(points.front()).precision == Precision::double_ ? run_with<double>(points, contexts)
                                                                          : run_with<float>(points, contexts);
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  sweep::Outcome outcome = std::move(run_together({&point, 1}, {&context, 1}).front());
  if (auto* const failure = std::get_if<std::exception_ptr>(&outcome)) std::rethrow_exception(*failure);
  return std::move(std::get<store::Dataset>(outcome));
}

/// Throws UserError for a folder that something which is none stands in the way of.
void check_folder(const std::string& folder) {
  std::error_code ignored;
  for (std::filesystem::path path = folder; !path.empty(); path = path.parent_path()) {
    if (std::filesystem::is_directory(path, ignored) || path == path.parent_path()) return;
    if (!std::filesystem::exists(path, ignored)) continue;
    throw base::UserError({.key = "training.checkpoints",
                           .problem = path.string() + " is no folder",
                           .expected = "a folder, or a name that is free",
                           .remedy = "choose another one"});
  }
}

void check(const base::Point& point) {
  tasks::check(tasks::gaussian_mixture_table().read(point));
  const models::IclTransformerShape shape = shape_of(point);
  attention::check(shape.stack);
  if (const auto model = models::icl_transformer_table().read(point);
      model.initial != models::Initial::random)
    models::check_amicl_weights(model, shape);
  const RunSettings run = run_table().read(point);
  check_folder(run.checkpoints);
  constexpr auto kMost = static_cast<double>(std::uint64_t{1} << 32);
  if (static_cast<double>(run.steps) * static_cast<double>(run.batch) <= kMost) return;
  throw base::UserError({.key = "training.steps",
                         .problem = fmt::format("{} steps of {} sequences", run.steps, run.batch),
                         .expected = "at most 2^32 sequences",
                         .remedy = "lower training.steps or training.batch"});
}

/// Sequences through the network: forward and backward in training, forward in tests.
double cost(const base::Point& point) {
  const RunSettings run = run_table().read(point);
  const attention::StackShape stack = shape_of(point).stack;
  const double sequences =
      3 * static_cast<double>(run.steps) * static_cast<double>(run.batch) +
      evaluations(run) * static_cast<double>(kSets.size()) * static_cast<double>(run.test_sequences);
  return sequences * static_cast<double>(stack.layers * stack.tokens * stack.width * stack.width);
}

/// A few steps with a look at the test sets before and after.
base::Point shortened(const base::Point& point) {
  const RunSettings run = run_table().read(point);
  base::Point shorter = point;
  shorter["training.steps"] = std::min<std::int64_t>(run.steps, 20);
  shorter["training.evaluate_every"] = std::int64_t{20};
  shorter["training.test_sequences"] = std::min<std::int64_t>(run.test_sequences, 500);
  shorter["training.checkpoints"] = std::string();
  return shorter;
}

}  // namespace

sweep::Experiment icl_transformer() {
  std::vector<base::Parameter> parameters = models::icl_transformer_table().parameters();
  for (const auto* more : {&tasks::gaussian_mixture_table().parameters(), &run_table().parameters(),
                           &training::optimiser_table().parameters(), &record_table().parameters()})
    parameters.insert(parameters.end(), more->begin(), more->end());
  return {.name = "icl_transformer",
          .title = "When a two-layer Transformer learns to answer from its context",
          .parameters = std::move(parameters),
          .check = check,
          .run = run,
          .cost = cost,
          .footprint = footprint,
          .shortened = shortened,
          .together = sweep::Together{.company = company, .run = run_together}};
}

}  // namespace ecphory::experiments
