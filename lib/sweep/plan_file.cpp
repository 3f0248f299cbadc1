#include "ecphory/sweep/plan_file.hpp"

#include <algorithm>
#include <array>
#include <sstream>

#include <fmt/format.h>

#include "ecphory/base/build_info.hpp"
#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"
#include "ecphory/store/seal.hpp"
#include "ecphory/sweep/assemble.hpp"
#include "ecphory/sweep/shard.hpp"

namespace ecphory::sweep {
namespace {

namespace fs = std::filesystem;
using base::UserError;

/// Raised whenever plans of the same configuration come out differently, or shards look different.
constexpr std::int64_t kFormat = 1;

/// Root attributes of a plan besides its provenance.
constexpr std::array<std::string_view, 5> kOwnAttributes = {"plan", "format", "points", "replicates",
                                                            "output"};

std::int64_t whole_attribute(const store::Dataset& dataset, const std::string& name) {
  for (const auto& [key, value] : dataset.attributes) {
    const auto* const number = std::get_if<std::int64_t>(&value);
    if (key == name && number != nullptr) return *number;
  }
  return -1;
}

store::LabelledArray array_of(const Plan& plan, const Column& column) {
  const base::Parameter& parameter = base::find_parameter(plan.experiment.parameters, column.key);
  return {.name = plan.name_of(column.key),
          .dimensions = {"point"},
          .shape = {plan.points},
          .values = values_of(column.values),
          .units = parameter.unit,
          .long_name = parameter.meaning};
}

/// The first line that differs between two configurations, as "there: …, here: …".
std::string difference(const std::string& there, const std::string& here) {
  std::istringstream a(there);
  std::istringstream b(here);
  std::string of_a;
  std::string of_b;
  for (;;) {
    const bool more_a = static_cast<bool>(std::getline(a, of_a));
    const bool more_b = static_cast<bool>(std::getline(b, of_b));
    if (!more_a && !more_b) return "";
    if (!more_a) of_a = "nothing";
    if (!more_b) of_b = "nothing";
    if (of_a != of_b) return fmt::format(" ({} there, {} here)", of_a, of_b);
  }
}

}  // namespace

void ensure_same(const PlanFile& file, const Plan& plan, const std::string& config) {
  if (file.hash == plan.hash()) return;
  throw UserError({.key = file.path.string(),
                   .problem = file.experiment == plan.experiment.name
                                  ? "holds another plan" + difference(file.config, config)
                                  : fmt::format("holds a plan of another experiment, {}", file.experiment),
                   .expected = "the plan of this experiment file",
                   .remedy = "go on with the file as it was, or choose another --output, or begin again with "
                             "--force"});
}

PlanFile open_sweep(const fs::path& folder, const Plan& plan, const std::string& config,
                    store::Attributes attributes, const std::string& output) {
  const fs::path path = folder / kPlanFile;
  if (!fs::exists(path)) {
    store::make_folder(folder);
    store::Dataset file;
    file.attributes = std::move(attributes);
    file.attributes.emplace_back("plan", hash_text(plan.hash()));
    file.attributes.emplace_back("format", kFormat);
    file.attributes.emplace_back("output", output);
    file.attributes.emplace_back("points", static_cast<std::int64_t>(plan.points));
    file.attributes.emplace_back("replicates", static_cast<std::int64_t>(plan.replicate_count()));
    std::vector<std::int64_t> identities;
    for (const std::uint64_t identity : plan.identities)
      identities.push_back(static_cast<std::int64_t>(identity));
    file.arrays.push_back({.name = "identity",
                           .dimensions = {"point"},
                           .shape = {plan.points},
                           .values = std::move(identities),
                           .long_name = "64-bit hash of the point's content"});
    for (const Column& column : plan.columns) file.arrays.push_back(array_of(plan, column));
    file.arrays.push_back({.name = "config",
                           .dimensions = {},
                           .shape = {},
                           .values = std::vector{config},
                           .long_name = "the experiment file, every key resolved"});
    try {
      store::write(path, file, {.existing = store::Existing::refuse, .sealed = true});
    } catch (const UserError&) {
      std::error_code ignored;
      if (!fs::exists(path)) {
        fs::remove(folder, ignored);  // unless there is something in it
        throw;
      }  // else another process was first
    }
  }
  PlanFile file = read_plan(path);
  ensure_same(file, plan, config);
  return file;
}

PlanFile read_plan(const fs::path& folder_or_file) {
  fs::path path = fs::is_directory(folder_or_file) ? folder_or_file / kPlanFile : folder_or_file;
  if (!path.has_parent_path()) path = "." / path;
  const auto refuse = [&](const std::string& problem, const std::string& remedy) {
    throw UserError({.key = path.string(),
                     .problem = problem,
                     .expected = "the plan of a sweep, such as results.sweep/plan.h5, or its folder",
                     .remedy = remedy});
  };
  if (!fs::is_regular_file(path))
    refuse("there is no such plan", "give the folder that ecphory run has made");
  if (path.filename() != kPlanFile) refuse("is no plan of a sweep", "");
  if (const std::string damage = store::damage_of(path); !damage.empty())
    refuse("the plan is damaged: " + damage, "move the folder away and run the experiment file again");
  const store::Dataset read = store::read(path);
  const base::BuildInfo& build = base::build_info();
  PlanFile file{.path = path,
                .hash = std::strtoull(text_attribute(read, "plan").c_str(), nullptr, 16),
                .points = static_cast<std::size_t>(whole_attribute(read, "points")),
                .replicates = static_cast<std::size_t>(whole_attribute(read, "replicates")),
                .experiment = text_attribute(read, "experiment"),
                .config = {},
                .commit = text_attribute(read, "commit"),
                .output = text_attribute(read, "output"),
                .provenance = {}};
  for (const auto& [name, value] : read.attributes) {
    if (std::ranges::find(kOwnAttributes, name) == kOwnAttributes.end())
      file.provenance.emplace_back(name, value);
  }
  const std::string version = text_attribute(read, "ecphory_version");
  if (whole_attribute(read, "format") != kFormat || version != build.version) {
    refuse(fmt::format("was made by another version, ecphory {}; this is {}", version, build.version),
           "go on with that version, or begin again in another folder");
  }
  file.config = std::get<std::vector<std::string>>(read.at("config").values).front();
  return file;
}

void ensure_reproduced(const PlanFile& file, const Plan& plan) {
  if (plan.hash() == file.hash) return;
  throw UserError({.key = file.path.string(),
                   .problem = "its configuration gives another plan with this program than when it was made",
                   .expected = fmt::format("the program of commit {}", file.commit),
                   .remedy = "go on with that program, or begin again in another folder"});
}

std::vector<fs::path> shard_files(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const fs::path name = entry.path().filename();
    const std::string number = name.stem().extension().string();  // ".000" of 03-of-16.000.h5
    if (name.extension() == ".h5" && number.size() > 3 &&
        number.find_first_not_of("0123456789", 1) == std::string::npos)
      files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

void remove_sweep(const fs::path& folder) {
  std::error_code ignored;
  fs::remove(folder / kPlanFile, ignored);
  for (const fs::path& shard : shard_files(folder)) fs::remove(shard, ignored);
  store::remove_parts_of_the_dead(folder);
  fs::remove(folder, ignored);  // unless it is not empty
}

}  // namespace ecphory::sweep
