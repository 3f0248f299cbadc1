#include "ecphory/dynamics/synapses/attention.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/gemm.hpp"

namespace ecphory::dynamics {

using compute::Index;
using compute::Transpose;

namespace {

template <class Real>
compute::View<const Real> whole(const compute::Array<Real>& a) {
  return {a.data(), a.rows(), a.columns(), a.rows()};
}

}  // namespace

template <class Real>
Attention<Real>::Attention(LayerId layer, const Options& options, Weights<Real> keys, Weights<Real> queries)
    : layer_(layer), options_(options), keys_(std::move(keys)), queries_(std::move(queries)) {
  const auto refuse = [](const std::string& problem, const std::string& expected) {
    throw base::UserError({.key = "attention", .problem = problem, .expected = expected});
  };
  const Index least = options_.self ? 1 : 2;
  if (options_.tokens < least)
    refuse(fmt::format("{} tokens", options_.tokens), fmt::format("at least {}", least));
  if (!(options_.beta > 0) || !std::isfinite(options_.beta))
    refuse(fmt::format("beta = {}", options_.beta), "a finite number > 0");
  if (options_.heads < 1 || keys_->rows() < 1 || keys_->rows() % options_.heads != 0)
    refuse(fmt::format("{} rows of keys for {} heads", keys_->rows(), options_.heads),
           "the same for each head");
  if (keys_->shape() != queries_->shape()) refuse("keys and queries differ in shape", "equal shapes");
  if (!keys_->matrix().allFinite() || !queries_->matrix().allFinite())
    refuse("a weight is not finite", "finite numbers");
}

template <class Real>
void Attention<Real>::check(std::span<const Index> neurons, std::span<const Index>) const {
  if (neurons[0] == options_.tokens * keys_->columns()) return;
  throw base::UserError({.key = "attention",
                         .problem = fmt::format("{} neurons are not {} tokens of {}", neurons[0],
                                                options_.tokens, keys_->columns()),
                         .expected = "tokens times their dimension"});
}

/// W g_B of the blocks of one column, (heads × Y, tokens).
template <class Real>
typename Attention<Real>::Matrix Attention<Real>::projected(const Weights<Real>& w,
                                                            const Real* blocks) const {
  Matrix x(w->rows(), options_.tokens);
  compute::gemm<Real>(Transpose::no, Transpose::no, 1, whole(*w),
                      {blocks, w->columns(), options_.tokens, w->columns()}, 0,
                      {x.data(), x.rows(), x.cols(), x.rows()});
  return x;
}

/// Blocks of one column += Wᵀ x.
template <class Real>
void Attention<Real>::add_projected_back(const Weights<Real>& w, const Matrix& x, Real* blocks) const {
  compute::gemm<Real>(Transpose::yes, Transpose::no, 1, whole(*w), {x.data(), x.rows(), x.cols(), x.rows()},
                      1, {blocks, w->columns(), options_.tokens, w->columns()});
}

/// p_BC of one head, (tokens, tokens), and where asked for β⁻¹ log Σ_B exp(β K_B·Q_C) of every C.
template <class Real>
typename Attention<Real>::Matrix Attention<Real>::probabilities(const Matrix& k, const Matrix& q, Index head,
                                                                Real* log_sums) const {
  const auto beta = static_cast<Real>(options_.beta);
  const Index y = k.rows() / options_.heads;
  Matrix p = k.middleRows(head * y, y).transpose() * q.middleRows(head * y, y);
  for (Index c = 0; c < p.cols(); ++c) {
    auto column = p.col(c).array();
    if (!options_.self)
      column[c] = column[c == 0 ? 1 : 0];  // any other one, so that it is not the largest alone
    const Real largest = column.maxCoeff();
    column = (beta * (column - largest)).exp();
    if (!options_.self) column[c] = 0;
    const Real sum = column.sum();
    column /= sum;
    if (log_sums != nullptr) log_sums[c] = largest + std::log(sum) / beta;
  }
  return p;
}

template <class Real>
void Attention<Real>::add_energy(std::span<const ConstView> g, Ids, View e) const {
  std::vector<Real> log_sums(static_cast<std::size_t>(options_.tokens));
  for (Index j = 0; j < e.columns; ++j) {
    const Matrix k = projected(keys_, g[0].column(j));
    const Matrix q = projected(queries_, g[0].column(j));
    for (Index head = 0; head < options_.heads; ++head) {
      probabilities(k, q, head, log_sums.data());
      for (const Real l : log_sums) *e.column(j) -= l;
    }
  }
}

template <class Real>
void Attention<Real>::add_drive(std::span<const ConstView> g, Ids, std::size_t, View d) const {
  for (Index j = 0; j < d.columns; ++j) {
    const Matrix k = projected(keys_, g[0].column(j));
    const Matrix q = projected(queries_, g[0].column(j));
    Matrix to_queries(k.rows(), k.cols());
    Matrix to_keys(k.rows(), k.cols());
    const Index y = k.rows() / options_.heads;
    for (Index head = 0; head < options_.heads; ++head) {
      const Matrix p = probabilities(k, q, head, nullptr);
      to_queries.middleRows(head * y, y).noalias() = k.middleRows(head * y, y) * p;
      to_keys.middleRows(head * y, y).noalias() = q.middleRows(head * y, y) * p.transpose();
    }
    add_projected_back(queries_, to_queries, d.column(j));
    add_projected_back(keys_, to_keys, d.column(j));
  }
}

/// With s = Kᵀ Q: dp = β p ∘ (ds − Σ_B p ds), column by column.
template <class Real>
void Attention<Real>::add_drive_tangent(std::span<const ConstView> g, std::span<const ConstView> u, Ids,
                                        std::size_t, View d) const {
  const auto beta = static_cast<Real>(options_.beta);
  for (Index j = 0; j < d.columns; ++j) {
    const Matrix k = projected(keys_, g[0].column(j));
    const Matrix q = projected(queries_, g[0].column(j));
    const Matrix dk = projected(keys_, u[0].column(j));
    const Matrix dq = projected(queries_, u[0].column(j));
    Matrix to_queries(k.rows(), k.cols());
    Matrix to_keys(k.rows(), k.cols());
    const Index y = k.rows() / options_.heads;
    for (Index head = 0; head < options_.heads; ++head) {
      const auto of_head = [&](const Matrix& x) { return x.middleRows(head * y, y); };
      const Matrix p = probabilities(k, q, head, nullptr);
      const Matrix ds = of_head(dk).transpose() * of_head(q) + of_head(k).transpose() * of_head(dq);
      const Eigen::Matrix<Real, 1, Eigen::Dynamic> mean = p.cwiseProduct(ds).colwise().sum();
      const Matrix dp = beta * p.cwiseProduct(ds.rowwise() - mean);
      to_queries.middleRows(head * y, y).noalias() = of_head(dk) * p + of_head(k) * dp;
      to_keys.middleRows(head * y, y).noalias() = of_head(dq) * p.transpose() + of_head(q) * dp.transpose();
    }
    add_projected_back(queries_, to_queries, d.column(j));
    add_projected_back(keys_, to_keys, d.column(j));
  }
}

template class Attention<float>;
template class Attention<double>;

}  // namespace ecphory::dynamics
