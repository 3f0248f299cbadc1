#include "ecphory/training/checkpoint.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"
#include "ecphory/store/seal.hpp"

namespace ecphory::training {
namespace {

namespace fs = std::filesystem;
using compute::Index;
using compute::Tensor;

/// Files have a matrix row by row, blocks column by column.
template <class Real>
using RowMajor = Eigen::Map<Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

std::vector<std::size_t> shape_of(const Tensor& t) {
  std::vector<std::size_t> shape;
  if (t.size() > 1) shape.push_back(static_cast<std::size_t>(t.rows));
  if (t.columns > 1) shape.push_back(static_cast<std::size_t>(t.columns));
  return shape;
}

template <class Real>
store::LabelledArray array_of(const Tensor& t, const std::vector<Real>& weights) {
  std::vector<Real> values(static_cast<std::size_t>(t.size()));
  RowMajor<Real>(values.data(), t.rows, t.columns) = view_of(weights.data(), t).matrix();
  std::vector<std::string> dimensions;
  if (t.size() > 1) dimensions.push_back(fmt::format("rows_{}", t.rows));
  if (t.columns > 1) dimensions.push_back(fmt::format("columns_{}", t.columns));
  return {.name = t.name,
          .dimensions = std::move(dimensions),
          .shape = shape_of(t),
          .values = std::move(values),
          .long_name = "weights"};
}

template <class T>
store::LabelledArray column(const std::string& name, const std::string& dimension, std::vector<T> values,
                            const std::string& long_name) {
  const std::size_t n = values.size();
  return {.name = name,
          .dimensions = {dimension},
          .shape = {n},
          .values = std::move(values),
          .long_name = long_name};
}

std::string text_of(const store::Attribute& value) {
  if (const auto* const text = std::get_if<std::string>(&value)) return *text;
  if (const auto* const whole = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *whole);
  if (const auto* const real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  return "a list";
}

const store::Attribute* find(const store::Attributes& attributes, const std::string& name) {
  for (const auto& [key, value] : attributes) {
    if (key == name) return &value;
  }
  return nullptr;
}

/// A checkpoint that is being read: refusals name the file.
class File {
 public:
  explicit File(const fs::path& path) : path_(path) {
    if (!fs::exists(path)) {
      throw base::UserError(
          {.where = path.string(), .problem = "there is no such file", .expected = "a checkpoint"});
    }
    if (const std::string damage = store::damage_of(path); !damage.empty()) {
      throw base::UserError({.where = path.string(),
                             .problem = damage,
                             .expected = "a checkpoint as it was written",
                             .remedy = "go on from another one, or remove it to begin again"});
    }
    data_ = store::read(path);
  }

  [[noreturn]] void refuse(const std::string& problem, const std::string& expected) const {
    throw base::UserError({.where = path_.string(), .problem = problem, .expected = expected});
  }

  void require(const std::string& name, const store::Attribute& expected) const {
    const store::Attribute* const found = find(data_.attributes, name);
    if (found == nullptr) refuse(fmt::format("it has no attribute {}", name), "a checkpoint");
    if (text_of(*found) != text_of(expected))
      refuse(fmt::format("its {} is {}", name, text_of(*found)), text_of(expected));
  }

  template <class T>
  const T& attribute(const std::string& name) const {
    const store::Attribute* const found = find(data_.attributes, name);
    if (found == nullptr || !std::holds_alternative<T>(*found))
      refuse(fmt::format("it has no attribute {}", name), "a checkpoint");
    return std::get<T>(*found);
  }

  template <class T>
  const std::vector<T>& values(const std::string& name, const std::vector<std::size_t>& shape) const {
    const store::LabelledArray* const array = data_.find(name);
    if (array == nullptr) refuse(fmt::format("it has no variable {}", name), "a checkpoint of this model");
    if (array->shape != shape)
      refuse(fmt::format("{} has the shape ({})", name, fmt::join(array->shape, ", ")),
             fmt::format("({})", fmt::join(shape, ", ")));
    if (!std::holds_alternative<std::vector<T>>(array->values))
      refuse(fmt::format("{} has another precision", name), sizeof(T) == 4 ? "single" : "double");
    return std::get<std::vector<T>>(array->values);
  }

  const store::Dataset& data() const { return data_; }

 private:
  fs::path path_;
  store::Dataset data_;
};

}  // namespace

template <class Real>
void write_checkpoint(const fs::path& path, const compute::TensorLayout& layout,
                      const TrainingState<Real>& state, const store::Attributes& model) {
  store::Dataset file{.arrays = {}, .attributes = model};
  file.attributes.emplace_back("checkpoint_version", kCheckpointVersion);
  file.attributes.emplace_back("step", static_cast<std::int64_t>(state.step));
  file.attributes.emplace_back("loss_sum", state.loss_sum);
  file.attributes.emplace_back("loss_count", static_cast<std::int64_t>(state.loss_count));
  for (const Tensor& t : layout.tensors()) file.arrays.push_back(array_of(t, state.weights));
  if (!state.moments.first.empty()) {
    file.arrays.push_back(
        column("first_moment", "weight", state.moments.first, "running mean of the gradient"));
    file.arrays.push_back(
        column("second_moment", "weight", state.moments.second, "running mean of its square"));
  }
  const History& history = state.history;
  file.arrays.push_back(column("history_step", "evaluation", history.step, "steps that had been taken"));
  file.arrays.push_back(column("history_training_loss", "evaluation", history.training_loss,
                               "mean loss since the evaluation before"));
  std::vector<double> metrics;
  for (const auto& row : history.metrics) metrics.insert(metrics.end(), row.begin(), row.end());
  file.arrays.push_back({.name = "history_metric",
                         .dimensions = {"evaluation", "metric"},
                         .shape = {history.size(), history.size() == 0 ? 0 : history.metrics.front().size()},
                         .values = std::move(metrics),
                         .long_name = "what evaluations gave"});
  store::write(path, file, {.existing = store::Existing::replace, .sealed = true});
}

template <class Real>
TrainingState<Real> read_checkpoint(const fs::path& path, const compute::TensorLayout& layout,
                                    const store::Attributes& model) {
  const File file(path);
  file.require("checkpoint_version", kCheckpointVersion);
  for (const auto& [name, value] : model) file.require(name, value);
  for (const store::LabelledArray& array : file.data().arrays) {
    if (array.name.find('.') != std::string::npos &&
        std::ranges::find(layout.tensors(), array.name, &Tensor::name) == layout.tensors().end())
      file.refuse(fmt::format("it has weights {}", array.name), "a checkpoint of this model");
  }
  TrainingState<Real> state{
      .weights = std::vector<Real>(static_cast<std::size_t>(layout.size())),
      .moments = {},
      .step = static_cast<std::uint64_t>(file.attribute<std::int64_t>("step")),
      .loss_sum = file.attribute<double>("loss_sum"),
      .loss_count = static_cast<std::uint64_t>(file.attribute<std::int64_t>("loss_count")),
      .history = {}};
  for (const Tensor& t : layout.tensors()) {
    std::vector<Real> values = file.values<Real>(t.name, shape_of(t));
    view_of(state.weights.data(), t).matrix() = RowMajor<Real>(values.data(), t.rows, t.columns);
  }
  if (file.data().find("first_moment") != nullptr) {
    state.moments.first = file.values<Real>("first_moment", {state.weights.size()});
    state.moments.second = file.values<Real>("second_moment", {state.weights.size()});
  }
  const std::size_t n = file.data().at("history_step").shape.front();
  state.history.step = file.values<std::int64_t>("history_step", {n});
  state.history.training_loss = file.values<double>("history_training_loss", {n});
  const std::size_t width = file.data().at("history_metric").shape.back();
  const auto& metrics = file.values<double>("history_metric", {n, width});
  for (std::size_t i = 0; i < n; ++i) {
    const auto first = metrics.begin() + static_cast<std::ptrdiff_t>(i * width);
    state.history.metrics.emplace_back(first, first + static_cast<std::ptrdiff_t>(width));
  }
  return state;
}

template void write_checkpoint<float>(const fs::path&, const compute::TensorLayout&,
                                      const TrainingState<float>&, const store::Attributes&);
template void write_checkpoint<double>(const fs::path&, const compute::TensorLayout&,
                                       const TrainingState<double>&, const store::Attributes&);
template TrainingState<float> read_checkpoint<float>(const fs::path&, const compute::TensorLayout&,
                                                     const store::Attributes&);
template TrainingState<double> read_checkpoint<double>(const fs::path&, const compute::TensorLayout&,
                                                       const store::Attributes&);

}  // namespace ecphory::training
