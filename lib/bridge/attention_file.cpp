#include "ecphory/bridge/attention_file.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/nearest.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"

namespace ecphory::bridge {

namespace fs = std::filesystem;
using compute::Array;
using Strings = std::vector<std::string>;
using Integers = std::vector<std::int64_t>;

namespace {

template <class Real>
using RowMajor = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class Real>
using Vector = Eigen::Matrix<Real, Eigen::Dynamic, 1>;

template <class T>
store::LabelledArray row_of(const std::string& name, const std::string& dimension, std::vector<T> values,
                            const std::string& long_name) {
  const std::size_t n = values.size();
  return {.name = name,
          .dimensions = {dimension},
          .shape = {n},
          .values = std::move(values),
          .long_name = long_name};
}

template <class Real>
std::vector<Real> numbers(const Vector<Real>& vector) {
  return {vector.data(), vector.data() + vector.size()};
}

template <class Real>
store::LabelledArray matrix_of(const std::string& name, const std::string& rows, const std::string& columns,
                               const Array<Real>& array, const std::string& long_name) {
  const RowMajor<Real> matrix = array.matrix();
  return {.name = name,
          .dimensions = {rows, columns},
          .shape = {static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols())},
          .values = std::vector<Real>(matrix.data(), matrix.data() + matrix.size()),
          .long_name = long_name};
}

/// A file that is being read: refusals name it.
class File {
 public:
  explicit File(const fs::path& path) : path_(path), data_(store::read(path)) {
    const std::int64_t version = attribute<std::int64_t>("attention_version");
    if (version != kAttentionVersion)
      refuse(fmt::format("it is of version {}", version), fmt::format("version {}", kAttentionVersion));
  }

  [[noreturn]] void refuse(const std::string& problem, const std::string& expected) const {
    throw base::UserError({.where = path_.string(),
                           .problem = problem,
                           .expected = expected,
                           .remedy = "write it with ecphory bridge"});
  }

  template <class T>
  T attribute(const std::string& name) const {
    for (const auto& [key, value] : data_.attributes) {
      if (key == name && std::holds_alternative<T>(value)) return std::get<T>(value);
    }
    refuse("it has no attribute " + name, "an attention form");
  }

  const store::LabelledArray& array(const std::string& name, std::size_t rank) const {
    const store::LabelledArray* const found = data_.find(name);
    if (found == nullptr) refuse("it has no variable " + name, "an attention form");
    if (found->shape.size() != rank)
      refuse(fmt::format("{} has {} dimensions", name, found->shape.size()), fmt::format("{}", rank));
    return *found;
  }

  template <class T>
  std::vector<T> list(const std::string& name, std::size_t size) const {
    const store::LabelledArray& found = array(name, 1);
    const auto* const values = std::get_if<std::vector<T>>(&found.values);
    if (values == nullptr) refuse(name + " is of another type", "numbers or names as they were written");
    if (values->size() != size)
      refuse(fmt::format("{} has {} elements", name, values->size()), fmt::format("{}", size));
    return *values;
  }

  Vector<double> vector(const std::string& name, Index size) const {
    const std::vector<double> values = reals(array(name, 1));
    if (static_cast<Index>(values.size()) != size)
      refuse(fmt::format("{} has {} elements", name, values.size()), fmt::format("{}", size));
    return Eigen::Map<const Vector<double>>(values.data(), size);
  }

  std::shared_ptr<const Array<double>> matrix(const std::string& name, Index rows) const {
    const store::LabelledArray& found = array(name, 2);
    const std::vector<double> values = reals(found);
    const auto columns = static_cast<Index>(found.shape[1]);
    if (static_cast<Index>(found.shape[0]) != rows)
      refuse(fmt::format("{} has {} rows", name, found.shape[0]), fmt::format("{}", rows));
    Array<double> matrix({rows, columns});
    matrix.matrix() = Eigen::Map<const RowMajor<double>>(values.data(), rows, columns);
    return std::make_shared<const Array<double>>(std::move(matrix));
  }

  std::size_t length(const std::string& name) const { return array(name, 1).shape[0]; }

 private:
  std::vector<double> reals(const store::LabelledArray& found) const {
    if (std::ranges::find(found.shape, std::size_t{0}) != found.shape.end())
      refuse(found.name + " is empty", "numbers");
    std::vector<double> values;
    if (const auto* const wide = std::get_if<std::vector<double>>(&found.values)) values = *wide;
    if (const auto* const narrow = std::get_if<std::vector<float>>(&found.values))
      values.assign(narrow->begin(), narrow->end());
    if (values.empty()) refuse(found.name + " is of another type", "real numbers");
    if (std::ranges::any_of(values, [](double x) { return !std::isfinite(x); }))
      refuse(found.name + " is not finite", "finite numbers");
    return values;
  }

  fs::path path_;
  store::Dataset data_;
};

}  // namespace

template <class Real>
store::Dataset dataset_of(const AttentionForm<Real>& form) {
  check(form.layer);
  store::Dataset data;
  data.attributes = {{"attention_version", kAttentionVersion},
                     {"method", base::name_of(form.method)},
                     {"step", form.step},
                     {"depth", std::int64_t{form.depth}}};
  Strings names;
  Integers sizes;
  std::vector<std::uint8_t> residual;
  for (const Block& block : form.blocks) {
    names.push_back(block.name);
    sizes.push_back(block.neurons);
    residual.push_back(block.residual ? 1 : 0);
  }
  const auto place_of = [&](Index first) {
    const auto at = std::ranges::find(form.blocks, first, &Block::first);
    base::ensure(at != form.blocks.end(), "a head asks with a block and answers to one");
    return static_cast<std::int64_t>(at - form.blocks.begin());
  };
  Strings heads;
  std::vector<double> beta;
  Integers query;
  Integers output;
  std::vector<std::uint8_t> tied;
  for (const auto& head : form.layer.heads) {
    heads.push_back(head.name);
    beta.push_back(head.beta);
    query.push_back(place_of(head.query));
    output.push_back(place_of(head.output));
    tied.push_back(head.tied() ? 1 : 0);
  }
  data.arrays = {
      row_of("block", "block", names, "layers of the state, one below the other"),
      row_of("neurons", "block", sizes, "neurons of the layer"),
      row_of("residual", "block", residual, "1: the layer has no leak, x <- x + gate * drive"),
      row_of("keep", "row", numbers<Real>(form.layer.keep), "what a step keeps of the state"),
      row_of("gate", "row", numbers<Real>(form.layer.gate), "what a step takes of the drive"),
      row_of("input", "row", numbers<Real>(form.layer.input), "constant input current"),
      row_of("tau", "row", numbers<double>(form.tau), "time constant"),
      row_of("head", "head", heads, "attention heads, one for each memory layer"),
      row_of("beta", "head", beta, "inverse temperature of the softmax"),
      row_of("query_block", "head", query, "index of the layer that asks"),
      row_of("output_block", "head", output, "index of the layer that is answered"),
      row_of("tied", "head", tied, "1: values are the keys"),
  };
  std::ranges::find(data.arrays, "tau", &store::LabelledArray::name)->units = "ms";
  for (std::size_t h = 0; h < form.layer.heads.size(); ++h) {
    const attention::StoredHead<Real>& head = form.layer.heads[h];
    const auto numbered = [&](const char* what) { return fmt::format("{}_{}", what, h + 1); };
    data.arrays.push_back(matrix_of(numbered("keys"), numbered("query_row"), numbered("memory"), *head.keys,
                                    "stored keys, one a column"));
    data.arrays.push_back(matrix_of(numbered("values"), numbered("output_row"), numbered("memory"),
                                    *head.values, "stored values, one a column"));
    data.arrays.push_back(row_of(
        numbered("bias"), numbered("memory"),
        numbers<Real>(head.bias.size() > 0 ? head.bias : Vector<Real>(Vector<Real>::Zero(head.memories()))),
        "added to the overlaps before beta"));
  }
  return data;
}

template <class Real>
void write_attention(const fs::path& path, const AttentionForm<Real>& form, const store::Dataset& more) {
  store::Dataset data = dataset_of(form);
  data.arrays.insert(data.arrays.end(), more.arrays.begin(), more.arrays.end());
  data.attributes.insert(data.attributes.end(), more.attributes.begin(), more.attributes.end());
  store::write(path, data, {.existing = store::Existing::replace});
}

AttentionForm<double> read_attention(const fs::path& path) {
  const File file(path);
  AttentionForm<double> form;
  const auto method = file.attribute<std::string>("method");
  if (method == "euler") {
    form.method = dynamics::Method::euler;
  } else if (method != "exponential_euler") {
    file.refuse("its method is " + method, "exponential_euler or euler");
  }
  form.step = file.attribute<double>("step");
  if (!(form.step > 0)) file.refuse(fmt::format("its step is {} ms", form.step), "a number > 0");
  form.depth = file.attribute<std::int64_t>("depth");
  if (form.depth < 1) file.refuse(fmt::format("its depth is {}", form.depth), "a whole number >= 1");
  const std::size_t blocks = file.length("block");
  if (blocks == 0) file.refuse("it has no blocks", "at least one");
  const auto names = file.list<std::string>("block", blocks);
  const auto neurons = file.list<std::int64_t>("neurons", blocks);
  const auto residual = file.list<std::uint8_t>("residual", blocks);
  Index width = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    if (neurons[b] < 1) file.refuse(fmt::format("{} has {} neurons", names[b], neurons[b]), "at least one");
    form.blocks.push_back(
        {.name = names[b], .first = width, .neurons = neurons[b], .residual = residual[b] != 0});
    width += neurons[b];
  }
  form.layer.keep = file.vector("keep", width);
  form.layer.gate = file.vector("gate", width);
  form.layer.input = file.vector("input", width);
  form.tau = file.vector("tau", width);
  if (!(form.layer.gate.minCoeff() > 0 && form.layer.gate.maxCoeff() <= 1))
    file.refuse("a gate is outside (0, 1]", "gates above 0 and at most 1");
  const std::size_t heads = file.length("head");
  const auto head_names = file.list<std::string>("head", heads);
  const auto beta = file.list<double>("beta", heads);
  const auto query = file.list<std::int64_t>("query_block", heads);
  const auto output = file.list<std::int64_t>("output_block", heads);
  const auto tied = file.list<std::uint8_t>("tied", heads);
  for (std::size_t h = 0; h < heads; ++h) {
    const auto block_at = [&](std::int64_t at) -> const Block& {
      if (at < 0 || at >= static_cast<std::int64_t>(blocks))
        file.refuse(fmt::format("head {} is of layer {}", h + 1, at), fmt::format("0 to {}", blocks - 1));
      return form.blocks[static_cast<std::size_t>(at)];
    };
    const Block& asks = block_at(query[h]);
    const Block& answered = block_at(output[h]);
    attention::StoredHead<double> head{
        .name = head_names[h], .beta = beta[h], .query = asks.first, .output = answered.first};
    if (!(head.beta > 0 && std::isfinite(head.beta)))
      file.refuse(fmt::format("beta of head {} is {}", h + 1, head.beta), "a finite number > 0");
    head.keys = file.matrix(fmt::format("keys_{}", h + 1), asks.neurons);
    const std::shared_ptr<const Array<double>> values =
        file.matrix(fmt::format("values_{}", h + 1), answered.neurons);
    if (values->columns() != head.keys->columns())
      file.refuse(
          fmt::format("head {} has {} keys and {} values", h + 1, head.keys->columns(), values->columns()),
          "a value of every key");
    if (tied[h] != 0 && (asks != answered || values->matrix() != head.keys->matrix()))
      file.refuse(fmt::format("head {} is tied, and its values are not its keys", h + 1), "equal matrices");
    head.values = tied[h] != 0 ? head.keys : values;
    const Vector<double> bias = file.vector(fmt::format("bias_{}", h + 1), head.memories());
    if (!bias.isZero(0)) head.bias = bias;
    form.layer.heads.push_back(std::move(head));
  }
  return form;
}

#define ECPHORY_BRIDGE_FILE(Real)                                       \
  template store::Dataset dataset_of<Real>(const AttentionForm<Real>&); \
  template void write_attention<Real>(const fs::path&, const AttentionForm<Real>&, const store::Dataset&);
ECPHORY_BRIDGE_FILE(float)
ECPHORY_BRIDGE_FILE(double)
#undef ECPHORY_BRIDGE_FILE

}  // namespace ecphory::bridge
