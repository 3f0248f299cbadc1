#include "ecphory/bridge/lifted_head.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::bridge {

using attention::kKey;
using attention::kQuery;
using attention::kValue;
using compute::Array;
using compute::View;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

void require_within(const std::string& key, Index number, Index first, Index last) {
  if (number >= first && number <= last) return;
  throw base::UserError(
      {.key = key,
       .problem = fmt::format("there is no {} {}", key, number),
       .expected = first == last ? fmt::format("{}", first) : fmt::format("{} to {}", first, last)});
}

/// x as layer `layer` (from 1 up) gets it.
MatrixXd input_of(attention::StackShape shape, const compute::Tensors<const double>& weights,
                  View<const double> x, Index layer, Index sequences) {
  if (layer == 1) return x.matrix();
  shape.layers = layer - 1;
  attention::Stack<double> below(shape, sequences);
  return below.forward(weights, x).matrix();
}

/// V ≈ c K̃ + d 1ᵀ by least squares.
struct Tie {
  double scale;   ///< c
  VectorXd mean;  ///< d
  double rest;    ///< ‖V − (c K̃ + d 1ᵀ)‖
  double size;    ///< ‖V − mean‖
};
Tie tie_of(const LiftedHead& head, Index sequence) {
  const MatrixXd k = head.keys_of(sequence);
  const MatrixXd v = head.values_of(sequence);
  const VectorXd mean_k = k.rowwise().mean();
  const VectorXd mean_v = v.rowwise().mean();
  const MatrixXd kc = k.colwise() - mean_k;
  const MatrixXd vc = v.colwise() - mean_v;
  const double size = kc.squaredNorm();
  const double scale = size > 0 ? kc.cwiseProduct(vc).sum() / size : 0.0;
  return {scale, mean_v - scale * mean_k, (vc - scale * kc).norm(), vc.norm()};
}

/// 0 of a matrix that is `zero` or less in size.
double antisymmetric_share(const MatrixXd& a, double zero = 0) {
  const double size = a.norm();
  return size > zero ? (a - a.transpose()).norm() / (2 * size) : 0.0;
}

VectorXd scores(const LiftedHead& head, Index sequence, const VectorXd& x) {
  return head.beta * (head.keys_of(sequence).transpose() * x + head.bias.col(sequence));
}

}  // namespace

LiftedHead lift(const attention::StackShape& shape, const compute::Tensors<const double>& weights,
                View<const double> x, Index layer, Index head, Index query) {
  require_within("layer", layer, 1, shape.layers);
  require_within("head", head, 1, shape.heads);
  if (query < 0) query = shape.tokens - 1;
  require_within("token", query, 0, shape.tokens - 1);
  if (x.rows != shape.width || x.columns == 0 || x.columns % shape.tokens != 0) {
    throw base::UserError(
        {.key = "context",
         .problem = fmt::format("its tokens are {} x {}", x.rows, x.columns),
         .expected = fmt::format("sequences of {} tokens of width {}", shape.tokens, shape.width)});
  }
  if (shape.layer_norm) {
    throw base::UserError({.key = fmt::format("layer {}", layer),
                           .problem = "its heads read the layer norm of their tokens",
                           .expected = "a head whose scores are linear in the token that asks"});
  }
  const Index sequences = x.columns / shape.tokens;
  attention::Stack<double> stack(shape, sequences);
  stack.forward(weights, x);
  const auto name = [&](const char* what) { return fmt::format("layer{}.{}", layer, what); };
  const auto rows = [&](View<const double> all) -> MatrixXd {
    return all.middle_rows((head - 1) * shape.head_width(), shape.head_width()).matrix();
  };
  const MatrixXd w_q = rows(weights[name("query")].only());
  const MatrixXd w_k = rows(weights[name("key")].only());
  const MatrixXd k = rows(stack.used(layer - 1, kKey));
  const MatrixXd v = rows(stack.used(layer - 1, kValue));
  const MatrixXd q = rows(stack.used(layer - 1, kQuery));
  const MatrixXd q_raw = rows(stack.raw(layer - 1, kQuery));
  const double own =
      shape.stream == attention::Stream::query && layer > 1 ? factors(shape, layer - 1).own : 1.0;
  // What a head gives goes into its own rows of the token, or through W_O.
  MatrixXd write = MatrixXd::Zero(shape.width, shape.head_width());
  if (shape.output_projection) {
    write = weights[name("output")].only().matrix().middleCols((head - 1) * shape.head_width(),
                                                               shape.head_width());
  } else {
    write.middleRows((head - 1) * shape.head_width(), shape.head_width()).setIdentity();
  }

  LiftedHead lifted;
  lifted.beta = shape.scaled ? 1 / std::sqrt(static_cast<double>(shape.head_width())) : 1.0;
  lifted.tokens = query + 1;
  lifted.sequences = sequences;
  lifted.query_key = w_q.transpose() * w_k;
  lifted.keys.resize(shape.width, lifted.tokens * sequences);
  lifted.values.resize(shape.width, lifted.tokens * sequences);
  lifted.bias.resize(lifted.tokens, sequences);
  lifted.state.resize(shape.width, sequences);
  lifted.output.resize(shape.width, sequences);
  const MatrixXd input = input_of(shape, weights, x, layer, sequences);
  const auto attention = stack.attention(layer - 1, head - 1).matrix();
  for (Index s = 0; s < sequences; ++s) {
    const Index asks = s * shape.tokens + query;
    const MatrixXd keys = k.middleCols(s * shape.tokens, lifted.tokens);
    lifted.keys.middleCols(s * lifted.tokens, lifted.tokens) = own * (w_q.transpose() * keys);
    lifted.values.middleCols(s * lifted.tokens, lifted.tokens) =
        write * v.middleCols(s * shape.tokens, lifted.tokens);
    lifted.bias.col(s) = keys.transpose() * (q.col(asks) - own * q_raw.col(asks));
    lifted.state.col(s) = input.col(asks);
    lifted.output.col(s) =
        write * (v.middleCols(s * shape.tokens, lifted.tokens) * attention.col(asks).head(lifted.tokens));
  }
  return lifted;
}

dynamics::Network<double> network_of(const LiftedHead& head, double tau, bool residual) {
  dynamics::Network<double> network;
  const auto token = network.add_layer({.name = "token", .neurons = head.keys.rows(), .tau = tau});
  dynamics::Layer<double> context{
      .name = "context", .neurons = head.tokens, .lagrangian = dynamics::LogSumExp{head.beta}, .tau = 0};
  if (!head.bias.isZero(0)) context.input = dynamics::constant_current<double>(head.bias);
  const auto memory = network.add_layer(std::move(context));
  const auto weights = [&](const MatrixXd& matrix) {
    Array<double> array(head.sequences == 1 ? std::vector<Index>{matrix.rows(), head.tokens}
                                            : std::vector<Index>{matrix.rows(), head.tokens, head.sequences});
    array.matrix() = matrix;
    return std::make_shared<const Array<double>>(std::move(array));
  };
  network.add_synapse(
      dynamics::KeyValue<double>{token, memory, token, weights(head.keys), weights(head.values)});
  if (residual) network.add_synapse(dynamics::Relay<double>{token, token, 1});
  return network;
}

LiftedHead only(const LiftedHead& head, Index sequence) {
  base::ensure(sequence >= 0 && sequence < head.sequences, "the sequence is one of those lifted");
  return {.beta = head.beta,
          .tokens = head.tokens,
          .sequences = 1,
          .keys = head.keys_of(sequence),
          .values = head.values_of(sequence),
          .bias = head.bias.col(sequence),
          .state = head.state.col(sequence),
          .output = head.output.col(sequence),
          .query_key = head.query_key};
}

HeadCertificate certify(const LiftedHead& head, Index sequence) {
  const Tie tie = tie_of(head, sequence);
  HeadCertificate certificate;
  certificate.scale = tie.scale;
  constexpr double kRounding = 1e-12;  // what is less of its terms is their rounding
  const double values = head.values_of(sequence).norm();
  certificate.untied = tie.size > kRounding * values ? tie.rest / tie.size : 0.0;
  certificate.antisymmetric = antisymmetric_share(head.query_key);
  const VectorXd s = scores(head, sequence, head.state.col(sequence));
  const VectorXd p = (s.array() - s.maxCoeff()).exp().matrix();
  const VectorXd softmax = p / p.sum();
  const MatrixXd covariance =
      softmax.asDiagonal().toDenseMatrix() - softmax * softmax.transpose();  // of one-hot answers
  certificate.rotation =
      antisymmetric_share(head.values_of(sequence) * covariance * head.keys_of(sequence).transpose());
  return certificate;
}

std::string HeadCertificate::text() const {
  std::string text;
  if (!has_energy()) {
    text += fmt::format(
        "the head has no energy in the metric of its state: {:.4g} of its values are not its keys times "
        "{:.3g}\n",
        untied, scale);
  } else if (std::abs(scale) < 1e-12) {
    text += "the head has an energy: its values are all one, to which the state goes\n";
  } else {
    text += fmt::format("the head has an energy: its values are its keys times {:.6g}{}\n", scale,
                        scale < 0 ? ", so that its memories repel" : "");
  }
  text += fmt::format("antisymmetric part of W_Q^T W_K: {:.3g} of its norm\n", antisymmetric);
  text +=
      fmt::format("rotation of the flow at the token that asks: {:.3g} of its Jacobian's norm\n", rotation);
  return text;
}

double effective_beta(const LiftedHead& head, Index sequence) {
  const MatrixXd k = head.keys_of(sequence);
  const MatrixXd v = head.values_of(sequence);
  const VectorXd mean_k = k.rowwise().mean();
  const VectorXd mean_v = v.rowwise().mean();
  const double n = static_cast<double>(head.tokens);
  return head.beta * std::sqrt((k.colwise() - mean_k).squaredNorm() / n) *
         std::sqrt((v.colwise() - mean_v).squaredNorm() / n);
}

double nearest_energy(const LiftedHead& head, Index sequence, const VectorXd& x) {
  const Tie tie = tie_of(head, sequence);
  const VectorXd s = scores(head, sequence, x);
  const double largest = s.maxCoeff();
  const double log_sum = largest + std::log((s.array() - largest).exp().sum());
  return 0.5 * (x - tie.mean).squaredNorm() - tie.scale / head.beta * log_sum;
}

}  // namespace ecphory::bridge
