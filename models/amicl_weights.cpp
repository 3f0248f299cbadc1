#include "ecphory/models/amicl_weights.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

namespace ecphory::models {

namespace {

using compute::Index;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

/// Smallest difference of two logits where the right label was looked up.
constexpr double kMargin = 4;

[[noreturn]] void refuse(std::string key, std::string problem, std::string expected, std::string remedy) {
  throw base::UserError({.key = std::move(key),
                         .problem = std::move(problem) + ", and weights of AMICL are to be constructed",
                         .expected = std::move(expected),
                         .remedy = std::move(remedy) + ", or model.initial = \"random\""});
}

/// What label vectors (D, L) have to do with each other.
struct Labels {
  Matrix basis;                // U (D, r)
  Matrix coordinates;          // Uᵀ μ_l/|μ_l| (r, L)
  double shortest = 0;         // min |μ|
  double longest = 0;          // max |μ|
  double largest_cosine = -1;  // between two of them

  explicit Labels(const Matrix& vectors) {
    const Eigen::ColPivHouseholderQR<Matrix> qr(vectors);
    const Index rank = qr.rank();
    basis = Matrix(qr.householderQ()).leftCols(rank);
    coordinates = basis.transpose() * vectors.colwise().normalized();
    const Vector lengths = vectors.colwise().norm();
    shortest = lengths.minCoeff();
    longest = lengths.maxCoeff();
    for (Index l = 1; l < vectors.cols(); ++l)
      largest_cosine =
          std::max(largest_cosine, (coordinates.leftCols(l).transpose() * coordinates.col(l)).maxCoeff());
    if (!(shortest > 0 && largest_cosine < 1 - 1e-9)) {
      refuse("task.dimension", "two labels have one direction, which no linear read-out tells apart",
             "labels of different directions", "a higher dimension");
    }
  }

  /// sin(θ/2) of the smallest angle between two.
  double half_sine() const { return std::sqrt((1 - largest_cosine) / 2); }

  double value_scale() const { return 2 * (longest + 1) / (shortest * half_sine()); }
};

/// What the construction reads and writes among the positions.
struct Positions {
  Index period;  // T
  Index count;   // P
  Matrix basis;  // R (P, r)

  Positions(const IclTransformerShape& shape, Index rank)
      : period(shape.stack.tokens),
        count(shape.positions),
        basis(Matrix(Eigen::HouseholderQR<Matrix>(codes(0).transpose()).householderQ())
                  .middleCols(period - 1, rank)) {}

  /// f(p + shift) of every position (T − 1, P).
  Matrix codes(Index shift) const {
    const auto t = static_cast<double>(period);
    Matrix f(period - 1, count);
    for (Index p = 0; p < count; ++p) {
      for (Index wave = 1; wave <= period / 2; ++wave) {
        // Whole turns are left out before they cost digits.
        const auto turns = static_cast<double>(((p + shift + period) * wave) % period) / t;
        f(2 * wave - 2, p) = std::sqrt(2 / t) * std::cos(2 * std::numbers::pi * turns);
        f(2 * wave - 1, p) = std::sqrt(2 / t) * std::sin(2 * std::numbers::pi * turns);
      }
    }
    return f;
  }
};

/// A matrix of the network by its blocks: what positions and content give.
template <class Real>
struct Block {
  compute::View<Real> all;
  Index positions;

  void write(Index row, const Matrix& of_positions, const Matrix& of_content) const {
    auto rows = all.matrix().middleRows(row, of_positions.rows());
    rows.leftCols(positions) = of_positions.template cast<Real>();
    rows.rightCols(all.columns - positions) = of_content.template cast<Real>();
  }
};

template <class Real>
void write_attention(const IclTransformerParameters& p, const IclTransformerShape& shape,
                     const Labels& labels, const auto& clear) {
  const Index n_positions = shape.positions;
  const Index content = shape.stack.width - n_positions;
  const Positions positions(shape, labels.basis.cols());
  const Matrix& u = labels.basis;
  const Matrix& r = positions.basis;
  const Matrix identity = Matrix::Identity(content, content);
  const double a = p.initial_a;
  const auto block = [&](const char* name) { return Block<Real>{clear(name), n_positions}; };

  // Others get less than half a unit of the last place of 1, in double precision.
  const double score = std::log(std::ldexp(static_cast<double>(shape.stack.tokens), 54));
  const Index codes = shape.stack.tokens - 1;
  const Matrix nothing = Matrix::Zero(codes, content);
  block("layer1.query").write(0, std::sqrt(score) * positions.codes(-1), nothing);
  block("layer1.key").write(0, std::sqrt(score) * positions.codes(0), nothing);
  Matrix next = Matrix::Zero(n_positions, n_positions);
  next.diagonal(-1).setOnes();
  const auto value1 = block("layer1.value");
  value1.write(0, -r * (r.transpose() * next), r * u.transpose());
  value1.write(n_positions, Matrix::Zero(content, n_positions), a * identity);

  // A mean takes half of the streamed projection.
  const auto weight = [&](attention::Stream stream) {
    return shape.stack.stream == stream ? 1 / attention::factors(shape.stack, 1).own : 1.0;
  };
  const double query = weight(attention::Stream::query);
  const double key = weight(attention::Stream::key);
  const double value = weight(attention::Stream::value) * labels.value_scale();
  const double root = std::sqrt(p.initial_beta);
  const double counter = std::sqrt(2 * p.initial_beta) * a / (a + 1);
  const auto query2 = block("layer2.query");
  query2.write(codes, -query * root * a * a / (a + 1) * u * r.transpose(),
               query * root * a / (a + 1) * identity);
  query2.write(codes + content, -query * counter * positions.codes(1), nothing);
  const auto key2 = block("layer2.key");
  key2.write(codes, Matrix::Zero(content, n_positions), key * root / (a + 1) * identity);
  key2.write(codes + content, key * counter * positions.codes(0), nothing);
  block("layer2.value").write(0, -value * a * r * r.transpose(), value * r * u.transpose());
  if (shape.stack.has_learned_mix()) clear("layer2.mix").matrix().setOnes();
}

/// The layers between hold the r coordinates that were looked up as what is above 0 of them and of their
/// opposites, 2 r ≤ W rows, which relu leaves as they are.
template <class Real>
void write_readout(const IclTransformerShape& shape, const Labels& labels, const auto& clear) {
  const Index rank = labels.basis.cols();
  const Positions positions(shape, rank);
  const double scale = kMargin / (labels.value_scale() * labels.shortest * (1 - labels.largest_cosine));
  const Matrix logits = scale * labels.coordinates.transpose();  // (L, r)
  const Matrix read = positions.basis.transpose();               // (r, P)
  auto readout = clear("readout.weight").matrix();
  if (shape.readout.layers == 0) {
    readout.leftCols(shape.positions) = (logits * read).template cast<Real>();
    return;
  }
  readout.leftCols(rank) = logits.template cast<Real>();
  readout.middleCols(rank, rank) = -logits.template cast<Real>();
  for (Index layer = 1; layer <= shape.readout.layers; ++layer) {
    clear(fmt::format("mlp{}.bias", layer));
    auto mlp = clear(fmt::format("mlp{}.weight", layer)).matrix();
    if (layer == 1) {
      mlp.topLeftCorner(rank, shape.positions) = read.template cast<Real>();
      mlp.block(rank, 0, rank, shape.positions) = -read.template cast<Real>();
    } else {
      mlp.diagonal().head(2 * rank).setOnes();
    }
  }
}

}  // namespace

void check_amicl_weights(const IclTransformerParameters& p, const IclTransformerShape& shape) {
  if (shape.stack.layers != 2)
    refuse("model.layers", fmt::format("{} layers", shape.stack.layers), "two layers", "model.layers = 2");
  if (shape.stack.heads != 1)
    refuse("model.heads", fmt::format("{} heads", shape.stack.heads), "one head", "model.heads = 1");
  if (!(p.initial_a > 0))
    refuse("model.initial_a", fmt::format("a is {}", p.initial_a), "a number > 0", "a = 2");
  if (!(p.initial_beta > 0 && std::isfinite(p.initial_beta)))
    refuse("model.initial_beta", fmt::format("β is {}", p.initial_beta), "a number > 0", "β = 100");
  const Index content = shape.stack.width - shape.positions;
  const Index labels = shape.readout.labels;
  if (content < 2 && labels > 1) {
    refuse("task.dimension", "labels of one element differ in length alone", "at least 2 elements",
           "a higher dimension");
  }
  const Index rank = std::min(content, labels);
  const Index shifts = shape.stack.tokens - 1;
  if (const Index needed = std::max(rank, shifts) + shifts; needed > shape.positions) {
    refuse(
        "task.most_pairs",
        fmt::format("labels span {} dimensions and contexts have {} tokens, which takes {} positions of {}",
                    rank, shifts, needed, shape.positions),
        "2 task.most_pairs + 1 at least 2 task.pairs more than the smaller of task.labels and "
        "task.dimension, and at least 4 task.pairs",
        fmt::format("task.most_pairs = {}", needed / 2));
  }
}

template <class Real>
void write_amicl_weights(AmiclPart part, const IclTransformerParameters& p, const IclTransformerShape& shape,
                         compute::View<const Real> labels, std::vector<Real>& weights) {
  check_amicl_weights(p, shape);
  const compute::TensorLayout layout = shape.layout();
  base::ensure(labels.rows == shape.stack.width - shape.positions && labels.columns == shape.readout.labels &&
                   static_cast<Index>(weights.size()) == layout.size(),
               "labels are (D, L) and weights have the size of their layout");
  const Labels vectors(labels.matrix().template cast<double>());
  const auto clear = [&](std::string_view name) {
    const auto tensor = view_of(weights.data(), layout.at(name));
    tensor.matrix().setZero();
    return tensor;
  };
  if (part == AmiclPart::attention) {
    write_attention<Real>(p, shape, vectors, clear);
  } else {
    write_readout<Real>(shape, vectors, clear);
  }
}

template <class Real>
std::vector<Real> starting_weights(const IclTransformerParameters& p, const IclTransformerShape& shape,
                                   compute::View<const Real> labels, const base::RandomKey& key) {
  std::vector<Real> weights = initial_weights<Real>(shape, key);
  if (p.initial == Initial::random) return weights;
  write_amicl_weights(AmiclPart::attention, p, shape, labels, weights);
  if (p.initial == Initial::amicl) write_amicl_weights(AmiclPart::readout, p, shape, labels, weights);
  return weights;
}

template void write_amicl_weights<float>(AmiclPart, const IclTransformerParameters&,
                                         const IclTransformerShape&, compute::View<const float>,
                                         std::vector<float>&);
template void write_amicl_weights<double>(AmiclPart, const IclTransformerParameters&,
                                          const IclTransformerShape&, compute::View<const double>,
                                          std::vector<double>&);
template std::vector<float> starting_weights<float>(const IclTransformerParameters&,
                                                    const IclTransformerShape&, compute::View<const float>,
                                                    const base::RandomKey&);
template std::vector<double> starting_weights<double>(const IclTransformerParameters&,
                                                      const IclTransformerShape&, compute::View<const double>,
                                                      const base::RandomKey&);

}  // namespace ecphory::models
