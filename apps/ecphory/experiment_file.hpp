#pragma once
// Experiment files: TOML in, a checked plan out.

#include <filesystem>
#include <string>
#include <vector>

#include "ecphory/store/hdf5_write.hpp"
#include "ecphory/sweep/plan.hpp"

namespace ecphory::app {

/// Settings of the file itself, beside those of its experiment.
struct FileParameters {
  std::string experiment;
  std::string title;
  std::int64_t seed = 1;
  std::string precision = "double";
  std::int64_t gzip = 0;
};

/// Their keys, with what they mean.
std::vector<base::Parameter> file_parameters();

/// What an experiment file asks for.
struct Request {
  sweep::Plan plan;
  std::string title;
  store::WriteOptions write;
  std::string config;  ///< TOML with every key resolved; run again, it gives the same numbers
};

/// Reads `file` and applies `overrides` ("key=value", value in TOML or a bare word). Throws UserError with
/// file, line, key, what was expected and the nearest valid name.
Request read_request(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                     sweep::PointCheck check = sweep::PointCheck::yes);

/// What the `config` of a result or a plan asks for; its points were checked when it was made. `name` is what
/// messages call it.
Request request_of_config(const std::string& config, const std::string& name);

}  // namespace ecphory::app
