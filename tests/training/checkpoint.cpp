#include "ecphory/training/checkpoint.hpp"

#include <fstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"

#include "refusal.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using namespace ecphory::training;

namespace {

compute::TensorLayout layout() {
  compute::TensorLayout layout;
  layout.add("layer1.query", 2, 3);
  layout.add("layer2.mix", 2, 1);
  layout.add("mlp1.bias", 1, 1);
  return layout;
}

TrainingState<float> state() {
  return {.weights = {1, 2, 3, 4, 5, 6, 7, 8, 9},
          .moments = {},
          .step = 12,
          .loss_sum = 0.1,
          .loss_count = 3,
          .history = {.step = {0, 10}, .training_loss = {2.5, 1.5}, .metrics = {{1, 2}, {3, 4}}}};
}

store::Attributes model(const std::string& stream = "value") {
  return {{"model", std::string("test")}, {"stream", stream}, {"heads", std::int64_t{1}}};
}

std::string refusal_of(const std::filesystem::path& path, const compute::TensorLayout& of,
                       const store::Attributes& wanted) {
  return tests::refusal([&] { read_checkpoint<float>(path, of, wanted); });
}

}  // namespace

TEST_CASE("a checkpoint has weights by name, matrices as they act on a column, in their precision") {
  const tests::TemporaryFolder folder;
  write_checkpoint(folder.path() / "x.h5", layout(), state(), model());
  const store::Dataset file = store::read(folder.path() / "x.h5");
  // Column after column in the block, row after row in the file.
  CHECK(std::get<std::vector<float>>(file.at("layer1.query").values) == std::vector<float>{1, 3, 5, 2, 4, 6});
  CHECK(file.at("layer1.query").shape == std::vector<std::size_t>{2, 3});
  CHECK(file.at("layer2.mix").shape == std::vector<std::size_t>{2});
  CHECK(file.at("mlp1.bias").shape.empty());
  CHECK(std::get<std::vector<double>>(file.at("history_metric").values) == std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("another model, version, shape or precision is refused by name") {
  const tests::TemporaryFolder folder;
  const auto path = folder.path() / "x.h5";
  write_checkpoint(path, layout(), state(), model());
  CHECK(tests::contains(refusal_of(path, layout(), model("key")), "its stream is value"));
  store::Attributes more = model();
  more.emplace_back("labels", std::int64_t{3});
  CHECK(tests::contains(refusal_of(path, layout(), more), "it has no attribute labels"));
  compute::TensorLayout wider;
  wider.add("layer1.query", 3, 3);
  wider.add("layer2.mix", 2, 1);
  wider.add("mlp1.bias", 1, 1);
  CHECK(tests::contains(refusal_of(path, wider, model()), "layer1.query has the shape (2, 3)"));
  compute::TensorLayout deeper = layout();
  deeper.add("layer2.query", 2, 3);
  CHECK(tests::contains(refusal_of(path, deeper, model()), "it has no variable layer2.query"));
  compute::TensorLayout shallower;
  shallower.add("layer1.query", 2, 3);
  shallower.add("layer2.mix", 2, 1);
  CHECK(tests::contains(refusal_of(path, shallower, model()), "it has weights mlp1.bias"));
  CHECK(tests::contains(tests::refusal([&] { read_checkpoint<double>(path, layout(), model()); }),
                        "layer1.query has another precision"));
  CHECK(tests::contains(refusal_of(folder.path() / "none.h5", layout(), model()), "there is no such file"));
}

TEST_CASE("another version is refused, and a file that lacks what a checkpoint has") {
  const tests::TemporaryFolder folder;
  const auto path = folder.path() / "x.h5";
  write_checkpoint(path, layout(), state(), model());
  const store::Dataset whole = store::read(path);
  const auto with = [&](auto change) {
    store::Dataset file = whole;
    change(file);
    store::write(path, file, {.existing = store::Existing::replace, .sealed = true});
    return refusal_of(path, layout(), model());
  };
  const auto without = [&](const std::string& name) {
    return with([&](store::Dataset& file) {
      std::erase_if(file.attributes, [&](const auto& entry) { return entry.first == name; });
    });
  };
  CHECK(without("nothing").empty());
  CHECK(tests::contains(with([](store::Dataset& file) {
                          for (auto& [name, value] : file.attributes)
                            if (name == "checkpoint_version") value = kCheckpointVersion + 1;
                        }),
                        "its checkpoint_version is 2"));
  for (const char* const name : {"checkpoint_version", "step", "loss_sum", "loss_count"})
    CHECK(tests::contains(without(name), fmt::format("it has no attribute {}", name)));
  CHECK(tests::contains(with([](store::Dataset& file) {
                          for (auto& [name, value] : file.attributes)
                            if (name == "step") value = std::string("twelve");
                        }),
                        "it has no attribute step"));
}

TEST_CASE("a file that was cut short or has one other byte is refused, wherever that is") {
  const tests::TemporaryFolder folder;
  const auto path = folder.path() / "x.h5";
  write_checkpoint(path, layout(), state(), model());
  std::ifstream in(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  const auto with = [&](const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    return refusal_of(path, layout(), model());
  };
  CHECK(!with(bytes.substr(0, bytes.size() - 1)).empty());
  CHECK(!with(bytes.substr(0, 100)).empty());
  for (std::size_t at = 512; at < bytes.size(); at += bytes.size() / 37) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    CHECK(!with(flipped).empty());
  }
  CHECK(!with(bytes + "x").empty());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  CHECK_NOTHROW(read_checkpoint<float>(path, layout(), model()));
}
