#include "ecphory/sweep/shard.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"
#include "ecphory/store/seal.hpp"
#include "ecphory/sweep/assemble.hpp"

namespace ecphory::sweep {
namespace {

store::LabelledArray of_records(std::string name, store::Values values, std::string long_name,
                                std::string units = "1") {
  const std::size_t n = store::size_of(values);
  return {.name = std::move(name),
          .dimensions = {"record"},
          .shape = {n},
          .values = std::move(values),
          .units = std::move(units),
          .long_name = std::move(long_name)};
}

template <class T>
std::vector<T> column(const store::Reader& reader, const std::string& name) {
  const store::LabelledArray* const array = reader.layout().find(name);
  if (array == nullptr || !std::holds_alternative<std::vector<T>>(array->values)) {
    throw base::UserError({.problem = "it has no variable " + name, .expected = "a shard of a sweep"});
  }
  return std::get<std::vector<T>>(reader.read(name));
}

/// An open shard with its seal. Two looks at the seal tell that no other file has taken the name in between.
std::pair<std::unique_ptr<const store::Reader>, std::string> open_sealed(const std::filesystem::path& path) {
  for (;;) {
    std::string seal = store::seal_of(path);
    auto reader = std::make_unique<const store::Reader>(path);
    if (store::seal_of(path) == seal) return {std::move(reader), std::move(seal)};
  }
}

}  // namespace

std::string hash_text(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

std::string text_attribute(const store::Dataset& dataset, const std::string& name) {
  for (const auto& [key, value] : dataset.attributes) {
    const auto* const text = std::get_if<std::string>(&value);
    if (key == name && text != nullptr) return *text;
  }
  return "";
}

void write_shard(const std::filesystem::path& path, std::uint64_t plan, std::vector<Record> records,
                 store::Attributes attributes, store::Existing existing) {
  std::ranges::sort(records, {}, &Record::run);
  std::vector<std::int64_t> runs;
  std::vector<std::uint8_t> statuses;
  std::vector<double> seconds;
  std::vector<std::string> messages;
  std::vector<std::int64_t> rows;
  std::vector<const store::Dataset*> arrays;
  for (const Record& record : records) {
    runs.push_back(static_cast<std::int64_t>(record.run));
    statuses.push_back(static_cast<std::uint8_t>(record.status));
    seconds.push_back(record.seconds);
    messages.push_back(record.message);
    if (record.status != RunStatus::done) continue;
    rows.push_back(runs.back());
    arrays.push_back(&*record.arrays);
  }
  store::Dataset shard;
  shard.attributes = std::move(attributes);
  shard.attributes.emplace_back("plan", hash_text(plan));
  shard.arrays.push_back(of_records("record_run", std::move(runs), "place of the run in the plan"));
  shard.arrays.push_back(of_records("record_status", std::move(statuses), kRunStatuses));
  shard.arrays.push_back(of_records("record_seconds", std::move(seconds), "time that the run took", "s"));
  if (std::ranges::any_of(messages, [](const std::string& message) { return !message.empty(); }))
    shard.arrays.push_back(of_records("record_message", std::move(messages), "why the run failed"));
  shard.arrays.push_back(store::coordinate("run", std::move(rows), "1", "place of the run in the plan"));
  std::ranges::move(assemble(arrays, "run"), std::back_inserter(shard.arrays));
  store::write(path, shard, {.existing = existing, .sealed = true});
}

std::unique_ptr<const store::Reader> open_shard(const Shard& shard) {
  auto [reader, seal] = open_sealed(shard.path);
  if (seal == shard.seal) return std::move(reader);
  throw base::UserError({.where = shard.path.string(),
                         .problem = "has changed while the sweep was read",
                         .remedy = "do the same again; a process that still runs writes it"});
}

Shard read_shard(const std::filesystem::path& path, std::uint64_t plan) {
  const auto [opened, seal] = open_sealed(path);
  const store::Reader& reader = *opened;
  const store::Dataset& layout = reader.layout();
  const std::string of = text_attribute(layout, "plan");
  if (of != hash_text(plan)) {
    throw base::UserError({.where = path.string(),
                           .problem = of.empty() ? "is no shard of a sweep" : "is a shard of another plan",
                           .expected = "a shard of the plan " + hash_text(plan),
                           .remedy = "move it out of this folder"});
  }
  Shard shard{.path = path,
              .seal = seal,
              .records = {},
              .rows = {},
              .host = text_attribute(layout, "host"),
              .device = text_attribute(layout, "device"),
              .commit = text_attribute(layout, "commit"),
              .start = text_attribute(layout, "start_time"),
              .end = text_attribute(layout, "end_time")};
  const auto runs = column<std::int64_t>(reader, "record_run");
  const auto statuses = column<std::uint8_t>(reader, "record_status");
  const auto seconds = column<double>(reader, "record_seconds");
  std::vector<std::string> messages(runs.size());
  if (layout.find("record_message") != nullptr) messages = column<std::string>(reader, "record_message");
  for (std::size_t i = 0; i < runs.size(); ++i) {
    shard.records.push_back({.run = static_cast<std::size_t>(runs[i]),
                             .status = static_cast<RunStatus>(statuses[i]),
                             .seconds = seconds[i],
                             .message = std::move(messages[i])});
  }
  for (const std::int64_t run : column<std::int64_t>(reader, "run"))
    shard.rows.push_back(static_cast<std::size_t>(run));
  return shard;
}

}  // namespace ecphory::sweep
