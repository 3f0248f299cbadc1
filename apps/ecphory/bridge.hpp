#pragma once
// The two directions of `ecphory bridge`, and what they share.

#include <Eigen/Core>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ecphory/store/dataset.hpp"

namespace ecphory::app {

/// What the command line says.
struct BridgeArguments {
  std::string file;
  std::string to;
  // of a network
  std::vector<std::string> overrides;
  std::optional<double> step;
  std::optional<double> gate;
  std::optional<std::int64_t> layers;
  bool approximate = false;
  // of a checkpoint
  std::optional<std::int64_t> layer;
  std::optional<std::int64_t> head;
  std::optional<std::int64_t> token;
  std::string context;
  std::optional<std::string> test_set;
  std::optional<std::int64_t> sequence;
  std::optional<double> tau;
  bool residual = false;

  bool check = false;
  bool force = false;
  bool as_json = false;
};

/// What the verb says when it is done.
struct BridgeReport {
  std::vector<std::string> files = {};
  std::vector<std::string> changes = {};
  std::vector<double> deviation = {};
  std::string certificate = {};
  std::optional<double> effective_beta = {};  ///< of a head
};

/// The network of an experiment file as attention layers in an HDF5 file. Throws UserError.
BridgeReport network_to_attention(const BridgeArguments& arguments);

/// A head of a checkpoint as an experiment file, and an HDF5 file of its weights. Throws UserError.
BridgeReport head_to_network(const BridgeArguments& arguments);

/// Root attributes of a file that the verb writes.
store::Attributes bridge_provenance(const BridgeArguments& arguments, const std::string& title,
                                    std::uint64_t seed);

/// Throws UserError when `path` must not be written, before anything is.
void require_free(const std::filesystem::path& path, const BridgeArguments& arguments);

/// Throws UserError when an option was given that has an effect only with `of`.
void refuse_for(const std::string& option, bool given, const std::string& of);

/// (rows, columns) as an array over (dimension, row).
store::LabelledArray columns_of(const std::string& name, const std::string& dimension,
                                const Eigen::MatrixXd& columns, const std::string& row,
                                const std::string& long_name);

}  // namespace ecphory::app
