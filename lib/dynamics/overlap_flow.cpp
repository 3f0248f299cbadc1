#include "ecphory/compute/gemm.hpp"
#include "ecphory/dynamics/flow.hpp"

namespace ecphory::dynamics {

using compute::Array;
using compute::Index;
using compute::Transpose;

namespace {

/// The two layers and Ξ of a network that suits.
template <class Real>
struct Parts {
  LayerId visible;
  LayerId hidden;
  const Symmetric<Real>* synapse;

  explicit Parts(const Network<Real>& network)
      : visible(network.layers()[0].tau > 0 ? 0 : 1),
        hidden(1 - visible),
        synapse(&std::get<Symmetric<Real>>(network.synapses()[0])) {}

  /// op(Ξ) x for op(Ξ) = Ξ or Ξᵀ, however the synapse was written.
  bool transposed() const { return synapse->a == hidden; }
};

template <class Real>
class OverlapFlow final : public Flow<Real> {
 public:
  using typename Flow<Real>::View;
  using typename Flow<Real>::ConstView;

  OverlapFlow(const Network<Real>& network, Weights<Real> gram)
      : network_(network), parts_(network), gram_(std::move(gram)) {
    const Layer<Real>& visible = network.layers()[parts_.visible];
    tau_.assign(static_cast<std::size_t>(memories() + 1), visible.tau);
  }

  const Network<Real>& network() const override { return network_; }
  std::span<const Index> ids() const override { return ids_; }
  Index rows() const override { return memories() + 1; }
  const std::vector<double>& tau() const override { return tau_; }
  const std::vector<Noise>& noise() const override { return noise_; }

  void start(std::span<const Index> ids, double t, ConstView neurons, View x) override {
    const auto columns = static_cast<Index>(ids.size());
    ids_.assign(ids.begin(), ids.end());
    current_ = current_of(parts_.visible, ids, t);
    away_ = Array<Real>({neurons.rows, columns});
    away_.matrix() = neurons.matrix() - current_.matrix();
    overlap_of_current_ = current_of(parts_.hidden, ids, t);
    project(current_, 1, overlap_of_current_);
    overlap_away_ = Array<Real>({memories(), columns});
    project(away_, 0, overlap_away_);
    x.matrix().setZero();
    x.matrix().row(memories()).setOnes();
  }

  void keep(std::span<const Index> columns) override {
    std::vector<Index> kept_ids;
    for (const Index j : columns) kept_ids.push_back(ids_[static_cast<std::size_t>(j)]);
    ids_ = std::move(kept_ids);
    for (Array<Real>* const array : {&current_, &away_, &overlap_of_current_, &overlap_away_}) {
      Array<Real> kept({array->rows(), static_cast<Index>(columns.size())});
      for (std::size_t j = 0; j < columns.size(); ++j) {
        kept.matrix().col(static_cast<Index>(j)) = array->matrix().col(columns[j]);
      }
      *array = std::move(kept);
    }
  }

  void drive(ConstView x, View d) override {
    if (overlaps_.rows() != memories() || overlaps_.columns() != x.columns) {
      overlaps_ = Array<Real>({memories(), x.columns});
    }
    auto h = overlaps_.matrix();
    const auto a = x.matrix().row(memories());
    h = overlap_of_current_.matrix() + overlap_away_.matrix() * a.asDiagonal();
    compute::gemm<Real>(Transpose::no, Transpose::no, 1, *gram_, x.middle_rows(0, memories()), 1, overlaps_);
    gradient<Real>(network_.layers()[parts_.hidden].lagrangian, overlaps_, d.middle_rows(0, memories()));
    d.matrix().row(memories()).setZero();
  }

  void neurons(Index column, const Real* x, Real* state) const override {
    linear(column, x, state);
    Eigen::Map<Vector>(state, away_.rows()) += current_.matrix().col(column);
  }

  void neuron_rate(Index column, const Real* x, const Real* d, Real* rate) const override {
    const Vector difference = Eigen::Map<const Vector>(d, rows()) - Eigen::Map<const Vector>(x, rows());
    linear(column, difference.data(), rate);
  }

 private:
  using Vector = Eigen::Matrix<Real, Eigen::Dynamic, 1>;

  Index memories() const { return gram_->rows(); }

  /// Ξ c + a (v₀ − I).
  void linear(Index column, const Real* x, Real* out) const {
    const auto xi = parts_.synapse->w->matrix();
    const Eigen::Map<const Vector> c(x, memories());
    Eigen::Map<Vector> v(out, away_.rows());
    v = x[memories()] * away_.matrix().col(column);
    if (parts_.transposed()) {
      v.noalias() += xi.transpose() * c;
    } else {
      v.noalias() += xi * c;
    }
  }

  /// overlaps ← Ξᵀ states + beta · overlaps.
  void project(const Array<Real>& states, Real beta, Array<Real>& overlaps) const {
    const Transpose transpose = parts_.transposed() ? Transpose::no : Transpose::yes;
    compute::gemm<Real>(transpose, Transpose::no, 1, *parts_.synapse->w, states, beta, overlaps);
  }

  Array<Real> current_of(LayerId layer, std::span<const Index> ids, double t) const {
    const Layer<Real>& l = network_.layers()[layer];
    Array<Real> current({l.neurons, static_cast<Index>(ids.size())});
    current.matrix().setZero();
    const auto* const value = l.input.at(t);
    if (value == nullptr) return current;
    for (std::size_t j = 0; j < ids.size(); ++j) {
      if (ids[j] >= 0)
        current.matrix().col(static_cast<Index>(j)) = value->col(value->cols() == 1 ? 0 : ids[j]);
    }
    return current;
  }

  const Network<Real>& network_;
  Parts<Real> parts_;
  Weights<Real> gram_;  // (M, M)
  std::vector<double> tau_;
  std::vector<Noise> noise_;
  std::vector<Index> ids_;
  Array<Real> current_;             // (N, columns) I
  Array<Real> away_;                // (N, columns) v₀ − I
  Array<Real> overlap_of_current_;  // (M, columns) ΞᵀI + I_h
  Array<Real> overlap_away_;        // (M, columns) Ξᵀ(v₀ − I)
  Array<Real> overlaps_;            // (M, columns) h
};

}  // namespace

template <class Real>
OverlapSuitability suits_overlap_space(const Network<Real>& network) {
  const auto& layers = network.layers();
  const auto no = [](std::string reason) { return OverlapSuitability{false, false, std::move(reason)}; };
  if (layers.size() != 2 || network.synapses().size() != 1) {
    return no("it has not exactly two layers and one synapse");
  }
  const auto* const synapse = std::get_if<Symmetric<Real>>(&network.synapses()[0]);
  if (synapse == nullptr || synapse->a == synapse->b || synapse->w->shape().size() != 2) {
    return no("its synapse is not one symmetric matrix between the two layers");
  }
  if ((layers[0].tau > 0) == (layers[1].tau > 0)) return no("not exactly one of its layers is instantaneous");
  const LayerId visible = layers[0].tau > 0 ? 0 : 1;
  if (!std::holds_alternative<Quadratic>(layers[visible].lagrangian)) {
    return no("the Lagrangian of the layer with tau > 0 is not quadratic");
  }
  if (layers[visible].noise.present()) return no("it has noise");
  if (!network.lifetimes()[0].always()) return no("its synapse comes or goes");
  if (!layers[visible].tau_of_neuron.empty()) return no("its neurons have time constants of their own");
  return {true, layers[1 - visible].neurons < 2 * layers[visible].neurons, ""};
}

template <class Real>
Weights<Real> gram_of(const Network<Real>& network) {
  const Parts<Real> parts(network);
  const auto& xi = *parts.synapse->w;
  const Index memories = parts.transposed() ? xi.rows() : xi.columns();
  auto gram = std::make_shared<Array<Real>>(std::vector<Index>{memories, memories});
  if (parts.transposed()) {
    compute::gemm<Real>(Transpose::no, Transpose::yes, 1, xi, xi, 0, *gram);
  } else {
    compute::gemm<Real>(Transpose::yes, Transpose::no, 1, xi, xi, 0, *gram);
  }
  return gram;
}

template <class Real>
std::unique_ptr<Flow<Real>> overlap_flow(const Network<Real>& network, Weights<Real> gram) {
  return std::make_unique<OverlapFlow<Real>>(network, std::move(gram));
}

template OverlapSuitability suits_overlap_space<float>(const Network<float>&);
template OverlapSuitability suits_overlap_space<double>(const Network<double>&);
template Weights<float> gram_of<float>(const Network<float>&);
template Weights<double> gram_of<double>(const Network<double>&);
template std::unique_ptr<Flow<float>> overlap_flow<float>(const Network<float>&, Weights<float>);
template std::unique_ptr<Flow<double>> overlap_flow<double>(const Network<double>&, Weights<double>);

}  // namespace ecphory::dynamics
