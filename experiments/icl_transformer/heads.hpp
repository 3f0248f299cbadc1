#pragma once
// What the heads of a network are as memories, at a moment of its training: lifted in the contexts of some
// in-context test sequences, asked by the last token (bridge/lifted_head.hpp).

#include <string>
#include <vector>

#include "ecphory/models/icl_transformer.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"

namespace ecphory::experiments::icl {

/// Numbers of a head, in this order; each a mean over sequences.
struct HeadReading {
  std::string name;
  std::string long_name;
};
const std::vector<HeadReading>& head_readings();

/// Reads the heads of one run.
class HeadReader {
 public:
  /// Of that many sequences.
  HeadReader(const models::IclTransformerShape& shape, const tasks::GaussianMixtureParameters& task,
             const base::RandomKey& key, std::int64_t sequences);

  /// (layer, head, reading), the last fastest.
  std::vector<double> read(const std::vector<double>& weights) const;

 private:
  models::IclTransformerShape shape_;
  Eigen::MatrixXd tokens_;  ///< (width, T · sequences)
};

}  // namespace ecphory::experiments::icl
