// An attention layer as a memory: what `ecphory bridge` has written, from a network or from a trained head.
//
//     τ dx/dt = I + Σ_h V_h softmax(β_h (K_hᵀ x + b_h)) − x
//
// With values tied to keys it is the modern Hopfield network (Ramsauer et al. 2021, arXiv 2008.02217); values
// of their own give up the energy.

#include "ecphory/bridge/attention_file.hpp"
#include "ecphory/models/memories.hpp"

namespace ecphory::models {
namespace {

struct AttentionParameters {
  std::string file;
};

const base::ParameterTable<AttentionParameters>& table() {
  static const auto table = base::ParameterTable<AttentionParameters>("model").add(
      "file", &AttentionParameters::file, "1",
      "attention form: an HDF5 file that ecphory bridge has written; its path is taken from where the "
      "program runs");
  return table;
}

dynamics::Network<double> network_of(const base::Point& point) {
  const std::string file = table().read(point).file;
  if (file.empty()) {
    throw base::UserError({.key = "model.file",
                           .problem = "an attention layer needs its weights",
                           .expected = "a file that ecphory bridge has written",
                           .remedy = "ecphory bridge NETWORK.toml --to attention.h5"});
  }
  try {
    return bridge::network_of(bridge::read_attention(file));
  } catch (const base::UserError& error) {
    base::Complaint complaint = error.complaint();
    const std::string what = complaint.key.empty() || complaint.key == file ? "" : complaint.key + ": ";
    complaint.problem = file + ": " + what + complaint.problem;
    complaint.key = "model.file";
    complaint.where.clear();
    throw base::UserError(complaint);
  }
}

}  // namespace

Memory attention() {
  return {
      .model = {.name = "attention",
                .title = "Attention layer with stored keys and values, from a file",
                .equation = "tau dx/dt = I + sum_h V_h softmax(beta_h (K_h^T x + b_h)) - x",
                .source =
                    "Ramsauer et al. (2021), arXiv 2008.02217; Krotov & Hopfield (2021), arXiv 2008.06996",
                .parameters = table().parameters()},
      .build = [](const base::Point& point, const Eigen::MatrixXd& patterns,
                  const base::RandomKey&) -> dynamics::Network<double> {
        dynamics::Network<double> network = network_of(point);
        if (patterns.rows() == network.layers().front().neurons) return network;
        throw base::UserError({.key = "task.neurons",
                               .problem = "patterns of " + std::to_string(patterns.rows()) +
                                          " neurons do not suit the attention layer of model.file",
                               .expected = std::to_string(network.layers().front().neurons)});
      },
      .check = [](const base::Point& point, Eigen::Index neurons) -> Eigen::Index {
        const Eigen::Index width = network_of(point).layers().front().neurons;
        if (neurons != 0 && neurons != width) {
          throw base::UserError(
              {.key = "task.neurons",
               .problem = std::to_string(neurons) + " is not the width of the attention layer of model.file",
               .expected = std::to_string(width),
               .remedy = "patterns from the same file: task.file = \"FILE.h5:patterns\""});
        }
        return width;
      }};
}

}  // namespace ecphory::models
