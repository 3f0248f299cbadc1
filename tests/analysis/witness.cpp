// Writes what NumPy checks: weights, a batch, and logits, loss and gradients of the in-context Transformer on
// it.
//   witness FOLDER LAYERS HEADS STREAM SOURCE MIX

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "ecphory/models/icl_network.hpp"
#include "ecphory/store/hdf5_write.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"
#include "ecphory/training/checkpoint.hpp"

using namespace ecphory;

namespace {

template <class Enum>
Enum named(const std::string& name) {
  const auto all = names(Enum{});
  return static_cast<Enum>(std::find(all.begin(), all.end(), name) - all.begin());
}

store::LabelledArray array(std::string name, std::vector<std::string> dimensions,
                           std::vector<std::size_t> shape, store::Values values) {
  return {.name = std::move(name),
          .dimensions = std::move(dimensions),
          .shape = std::move(shape),
          .values = std::move(values)};
}

std::vector<std::int64_t> wide(const compute::Array<std::int32_t>& x) {
  return {x.data(), x.data() + x.size()};
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 7) {
    std::cerr << "usage: witness FOLDER LAYERS HEADS STREAM SOURCE MIX\n";
    return 2;
  }
  const std::filesystem::path folder = arguments[1];
  const tasks::GaussianMixtureParameters task{
      .classes = 16, .labels = 4, .pairs = 4, .most_pairs = 6, .dimension = 7, .novel_classes = 8};
  const models::IclTransformerParameters model{.layers = std::atoi(arguments[2]),
                                               .heads = std::atoi(arguments[3]),
                                               .stream = named<attention::Stream>(arguments[4]),
                                               .source = named<attention::StreamSource>(arguments[5]),
                                               .mix = named<attention::StreamMix>(arguments[6])};
  const auto positions = 2 * task.most_pairs + 1;
  const auto tokens = 2 * task.pairs + 1;
  const models::IclTransformerShape shape =
      models::shape_of(model, positions, task.dimension, tokens, task.labels);
  constexpr std::int64_t kSequences = 40;
  models::IclTransformer<double> network(shape, {.sequences = kSequences});
  std::vector<double> weights = models::initial_weights<double>(shape, {.seed = 5});
  for (const compute::Tensor& t : network.layout().tensors()) {
    for (compute::Index i = 0; t.name.ends_with(".mix") && i < t.size(); ++i)
      view_of(weights.data(), t).data[i] = 0.5 + 0.3 * static_cast<double>(i);
  }

  tasks::InContextBatch<double> batch(task, 1, kSequences);
  const auto mixture = tasks::draw_mixture<double>(task, {.seed = 5});
  const tasks::MixtureRun<double> run{.parameters = task, .mixture = &mixture, .key = {.seed = 5}};
  const std::uint64_t begin = 0;
  tasks::MixtureSampler<double>({&run, 1}, tasks::kTrainingSequences).draw(std::span(&begin, 1), 0, batch);
  const attention::PositionedTokens<double> x{positions, tokens, batch.content, batch.shift};
  compute::Array<double> logits({task.labels, kSequences});
  const auto size = static_cast<compute::Index>(weights.size());
  const compute::View<const double> column(weights.data(), size, 1, size);
  network.logits(column, x, logits);
  std::vector<double> gradient(weights.size());
  double loss = 0;
  network.gradient(column, x, batch.label, {gradient.data(), size, 1, size}, std::span(&loss, 1));

  const store::Attributes attributes = {{"model", std::string("icl_transformer")},
                                        {"stream", base::name_of(model.stream)},
                                        {"stream_source", base::name_of(model.source)},
                                        {"stream_mix", base::name_of(model.mix)},
                                        {"heads", model.heads}};
  training::History history{.step = {0}, .training_loss = {0}, .metrics = {{0}}};
  const auto state = [&](std::vector<double> numbers) {
    return training::TrainingState<double>{.weights = std::move(numbers), .history = history};
  };
  training::write_checkpoint(folder / "weights.h5", network.layout(), state(weights), attributes);
  training::write_checkpoint(folder / "gradients.h5", network.layout(), state(gradient), attributes);
  // A column of the batch is a token, so its columns one after the other are (sequence, token, feature).
  const auto n = static_cast<std::size_t>(kSequences);
  store::write(
      folder / "batch.h5",
      {.arrays = {array(
                      "content", {"sequence", "token", "feature"},
                      {n, static_cast<std::size_t>(tokens), static_cast<std::size_t>(task.dimension)},
                      std::vector<double>(batch.content.data(), batch.content.data() + batch.content.size())),
                  array("shift", {"sequence"}, {n}, wide(batch.shift)),
                  array("label", {"sequence"}, {n}, wide(batch.label)),
                  array("logits", {"sequence", "answer"}, {n, static_cast<std::size_t>(task.labels)},
                        std::vector<double>(logits.data(), logits.data() + logits.size())),
                  store::scalar("loss", loss, "1", "mean cross-entropy")},
       .attributes = {{"positions", positions}}},
      {});
  return 0;
}
