#pragma once
// Networks of icl_transformer.hpp at work: logits, gradients and scores of several side by side, on a device.

#include <memory>
#include <vector>

#include "ecphory/attention/tokens.hpp"
#include "ecphory/models/icl_transformer.hpp"

namespace ecphory::models {

/// The plain form of the stack computes every projection of every token; the shortcut only what is read
/// (attention/two_layer.hpp), where the shape has that form.
enum class Form { shortcut, plain };

/// What IclTransformer makes room for.
struct Workload {
  compute::Index networks = 1;   ///< of one shape, which work side by side
  compute::Index sequences = 0;  ///< of each network, at most
  compute::Device device = compute::kCpu;
};

/// About how many numbers it keeps for gradients.
double numbers_at_work(const IclTransformerShape& shape, Form form, const Workload& workload);

/// What a set of sequences gives. Attention is averaged over heads and sequences; rows are keys.
struct Scores {
  double loss = 0;                  ///< mean cross-entropy
  double accuracy = 0;              ///< fraction whose largest logit is the answer's
  double previous_token = 0;        ///< attention of the context's labels to their items, in the first layer
  double induction = 0;             ///< of the query to the labels of items of its class, in the last layer
  Eigen::MatrixXd first_attention;  ///< (T, T) of the first layer
  Eigen::VectorXd last_attention;   ///< (T) of the last token in the last layer

  Scores& operator+=(const Scores& other);
  Scores& operator*=(double factor);
};

/// Networks of one shape side by side on a device, with memory for their activations. Weights of a network
/// are a column of (layout().size(), networks); its sequences stand together, as many for each. On the CPU,
/// threads share the work in parts of a fixed number of sequences of one network, so results have the same
/// bits for any number of threads and of networks. On a GPU all networks are one batch; there, gradient()
/// only starts the work, and can be recorded in a compute::Graph.
template <class Real>
class IclTransformer {
 public:
  using Weights = compute::View<const Real>;
  using Tokens = attention::PositionedTokens<Real>;
  using Integers = compute::View<const std::int32_t>;

  IclTransformer(const IclTransformerShape& shape, const Workload& workload, Form form = Form::shortcut);
  ~IclTransformer();
  IclTransformer(IclTransformer&&) noexcept;
  IclTransformer& operator=(IclTransformer&&) noexcept;

  const compute::TensorLayout& layout() const;

  /// Logits (labels, sequences).
  void logits(Weights weights, const Tokens& tokens, compute::View<Real> to);

  /// The mean loss of each network, (1, networks); `gradient` is overwritten with those of the weights.
  /// `labels` is (1, sequences).
  void gradient(Weights weights, const Tokens& tokens, Integers labels, compute::View<Real> gradient,
                compute::View<double> losses);

  /// What each network's sequences give. `classes` (pairs + 1, sequences) are those of the items, the query's
  /// last.
  std::vector<Scores> evaluate(Weights weights, const Tokens& tokens, Integers labels, Integers classes);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

extern template class IclTransformer<float>;
extern template class IclTransformer<double>;

}  // namespace ecphory::models
