#include "ecphory/compute/entmax.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <omp.h>

#include "ecphory/compute/largest.hpp"
#include "ecphory/compute/softmax.hpp"

namespace ecphory::compute {
namespace {

constexpr Index kParallelSize = 1 << 15;  // elements below which a second thread does not pay
constexpr Index kBlock = 32;              // elements that are looked at together for a candidate
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

/// The elements of one column that may have a probability above 0, in double for both types. With the
/// largest score at y = 0, p = (y + t)₊^(1/(α−1)) with t = −τ in (0, 1]: at t = 1 the largest alone has
/// p = 1. So y ≤ −1 is off the support.
struct Candidates {
  explicit Candidates(Index n) : index(n), y(n), p(n) {}

  Eigen::Array<Index, Eigen::Dynamic, 1> index;
  Eigen::ArrayXd y;  // (α − 1) · beta · (x − the largest x), in (−1, 0]
  Eigen::ArrayXd p;
  Index size = 0;
  double elsewhere = 0;  // the probability of all others: 0, or NaN if the column has no answer
};

template <class Real>
void gather(double beta, double alpha, const Real* x, Index n, Candidates& c) {
  const auto largest = static_cast<double>(largest_of(x, n));
  // In this order 0 stays 0 whatever the factors.
  const auto scaled = [=](Real score) {
    return (alpha - 1) * (beta * (static_cast<double>(score) - largest));
  };
  c.size = 0;
  c.elsewhere = 0;
  for (Index first = 0; first < n; first += kBlock) {
    const Index end = std::min(first + kBlock, n);
    int kept = 0;
#pragma omp simd reduction(+ : kept)
    for (Index i = first; i < end; ++i) kept += scaled(x[i]) <= -1 ? 0 : 1;  // NaN is kept
    if (kept == 0) continue;
    for (Index i = first; i < end; ++i) {
      const double y = scaled(x[i]);
      if (std::isnan(y)) c.elsewhere = y;
      c.index[c.size] = i;
      c.y[c.size] = y;
      c.size += y <= -1 ? 0 : 1;
    }
  }
  if (std::isnan(c.elsewhere)) c.size = 0;
}

/// (y + t)₊^(1/(α−1)). Near α = 1, where y is small and t close to 1, log1p keeps the digits of y.
double power(double y, double t, double alpha) {
  const double base = y + t;
  if (base <= 0) return 0;
  const double log_base = base < 0.5 ? std::log(base) : std::log1p(y + (t - 1));
  return std::exp(log_base / (alpha - 1));
}

/// p ← (y + t)₊^(1/(α−1)), and what follows from them.
struct Sums {
  double p = 0;      // Σ p
  double slope = 0;  // Σ p^(2−α) over p > 0: (α − 1) times the derivative of Σ p in t
};
Sums fill(double t, double alpha, Candidates& c) {
  double total = 0;
  double slope = 0;
  const double* const y = c.y.data();
  double* const p = c.p.data();
  if (alpha == 2) {
#pragma omp simd reduction(+ : total, slope)
    for (Index k = 0; k < c.size; ++k) {
      const double base = y[k] + t;
      p[k] = base > 0 ? base : 0;
      total += p[k];
      slope += base > 0 ? 1 : 0;
    }
  } else if (alpha == 1.5) {
#pragma omp simd reduction(+ : total, slope)
    for (Index k = 0; k < c.size; ++k) {
      const double base = y[k] + t > 0 ? y[k] + t : 0;
      p[k] = base * base;
      total += p[k];
      slope += base;
    }
  } else {
    for (Index k = 0; k < c.size; ++k) {
      p[k] = power(y[k], t, alpha);
      total += p[k];
      if (p[k] > 0) slope += p[k] / (y[k] + t);
    }
  }
  return {total, slope};
}

/// f − f^(2−α) for f near 1, without losing the difference.
double excess(double f, double alpha) {
  if (alpha == 2) return f - 1;
  if (alpha == 1.5) return std::sqrt(f) * (std::sqrt(f) - 1);
  return -f * std::expm1((1 - alpha) * std::log(f));
}

/// α ≤ 2. F(t) = (Σ p)^(α−1) is a norm of (y + t)₊, thus convex in t, and F(1) ≥ 1: Newton's steps towards
/// F = 1 come down from t = 1 and never pass it. At α = 2 this is Michelot's (1986) active set; the number of
/// steps grows as log n at most. Leaves p at the threshold.
double descend(double alpha, Candidates& c) {
  double t = 1;
  while (true) {
    const Sums sums = fill(t, alpha, c);
    const double step = excess(sums.p, alpha) / sums.slope;
    if (!(step > kEpsilon * t)) return sums.p;
    t -= step;
  }
}

/// α > 2, where p has an infinite slope at the edge of the support: halving of [size^(1−α), 1] on a
/// logarithmic scale, until the bracket is two neighbours in double. An element at the edge may differ much
/// between them; p lies between its values at the two where Σ p = 1.
double halve(double alpha, Candidates& c) {
  double low = std::max(std::pow(static_cast<double>(c.size), 1 - alpha), std::numeric_limits<double>::min());
  double high = 1;  // Σ p ≥ 1 here, so that a support is never empty
  while (high - low > kEpsilon * high) {
    const double middle = std::sqrt(low) * std::sqrt(high);
    if (!(middle > low && middle < high)) break;
    (fill(middle, alpha, c).p < 1 ? low : high) = middle;
  }
  const double below = fill(low, alpha, c).p;
  const double above = fill(high, alpha, c).p;
  if (!(below < 1)) return above;
  const double weight = (1 - below) / (above - below);
  for (Index k = 0; k < c.size; ++k) {
    const double p_below = power(c.y[k], low, alpha);
    c.p[k] = p_below + weight * (c.p[k] - p_below);
  }
  return c.p.head(c.size).sum();
}

/// The probabilities of one column, α > 1.
template <class Real>
void solve(double beta, double alpha, const Real* x, Index n, Candidates& c) {
  gather(beta, alpha, x, n, c);
  const double sum = alpha <= 2 ? descend(alpha, c) : halve(alpha, c);
  c.p.head(c.size) /= sum;
}

/// work(j, candidates) with column j solved, for all columns, in parallel.
template <class Real, class Work>
void for_each_column(double beta, double alpha, View<const Real> x, const Work& work) {
  const int threads = x.rows * x.columns > kParallelSize ? omp_get_max_threads() : 1;
  std::vector<Candidates> scratch(static_cast<std::size_t>(threads), Candidates(x.rows));
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (Index j = 0; j < x.columns; ++j) {
    Candidates& c = scratch[static_cast<std::size_t>(omp_get_thread_num())];
    solve(beta, alpha, x.column(j), x.rows, c);
    work(j, c);
  }
}

template <class Real>
void ensure_range(Real beta, double alpha) {
  base::ensure(beta >= 0 && std::isfinite(beta), "entmax takes a finite beta >= 0");
  base::ensure(alpha >= 1 && std::isfinite(alpha), "entmax takes a finite alpha >= 1");
}

}  // namespace

template <class Real>
void entmax(Real beta, double alpha, std::type_identity_t<View<const Real>> x,
            std::type_identity_t<View<Real>> p) {
  base::ensure(x.rows == p.rows && x.columns == p.columns && x.device == kCpu && p.device == kCpu,
               "entmax takes two matrices of one shape on the CPU");
  ensure_range(beta, alpha);
  if (alpha == 1) return softmax(beta, x, p);
  for_each_column(static_cast<double>(beta), alpha, x, [&](Index j, const Candidates& c) {
    Real* const out = p.column(j);
    std::fill_n(out, x.rows, static_cast<Real>(c.elsewhere));
    for (Index k = 0; k < c.size; ++k) out[c.index[k]] = static_cast<Real>(c.p[k]);
  });
}

template <class Real>
void entmax_value(Real beta, double alpha, std::type_identity_t<View<const Real>> x,
                  std::type_identity_t<View<Real>> l) {
  base::ensure(l.rows == 1 && l.columns == x.columns && x.device == kCpu && l.device == kCpu,
               "entmax_value gives one number per column of x, on the CPU");
  ensure_range(beta, alpha);
  base::ensure(beta > 0, "entmax_value takes a beta > 0");
  if (alpha == 1) return log_sum_exp(beta, x, l);
  for_each_column(static_cast<double>(beta), alpha, x, [&](Index j, const Candidates& c) {
    // Σ p (z + (1 − p^(α−1)) / (α (α − 1))), z = y / (α − 1), without the difference of two near 1. The
    // maximum is flat in p, so the rounding of p does not show.
    double sum = c.elsewhere;
    for (Index k = 0; k < c.size; ++k) {
      if (c.p[k] > 0) sum += c.p[k] * (c.y[k] - std::expm1((alpha - 1) * std::log(c.p[k])) / alpha);
    }
    const auto largest = static_cast<double>(largest_of(x.column(j), x.rows));
    *l.column(j) = static_cast<Real>(largest + sum / (alpha - 1) / static_cast<double>(beta));
  });
}

template <class Real>
void entmax_hessian_times(Real beta, double alpha, std::type_identity_t<View<const Real>> x,
                          std::type_identity_t<View<const Real>> u, std::type_identity_t<View<Real>> hu) {
  base::ensure(x.rows == u.rows && x.columns == u.columns && x.rows == hu.rows && x.columns == hu.columns &&
                   x.device == kCpu && u.device == kCpu && hu.device == kCpu,
               "entmax_hessian_times takes three matrices of one shape on the CPU");
  ensure_range(beta, alpha);
  if (alpha == 1) {
    softmax(beta, x, hu);
    for (Index j = 0; j < x.columns; ++j) {
      auto p = hu.matrix().col(j);
      const Real mean = p.dot(u.matrix().col(j));
      p = beta * p.array() * (u.matrix().col(j).array() - mean);
    }
    return;
  }
  for_each_column(static_cast<double>(beta), alpha, x, [&](Index j, Candidates& c) {
    const Real* const in = u.column(j);
    Real* const out = hu.column(j);
    double total = 0;
    double along = 0;
    for (Index k = 0; k < c.size; ++k) {
      double& s = c.p[k];
      if (s > 0) s = alpha == 2 ? 1 : alpha == 1.5 ? std::sqrt(s) : std::pow(s, 2 - alpha);
      total += s;
      along += s * static_cast<double>(in[c.index[k]]);
    }
    const double mean = along / total;
    std::fill_n(out, x.rows, static_cast<Real>(c.elsewhere));
    for (Index k = 0; k < c.size; ++k) {
      const double off_mean = static_cast<double>(in[c.index[k]]) - mean;
      out[c.index[k]] = static_cast<Real>(static_cast<double>(beta) * c.p[k] * off_mean);
    }
  });
}

template void entmax<float>(float, double, View<const float>, View<float>);
template void entmax<double>(double, double, View<const double>, View<double>);
template void entmax_value<float>(float, double, View<const float>, View<float>);
template void entmax_value<double>(double, double, View<const double>, View<double>);
template void entmax_hessian_times<float>(float, double, View<const float>, View<const float>, View<float>);
template void entmax_hessian_times<double>(double, double, View<const double>, View<const double>,
                                           View<double>);

}  // namespace ecphory::compute
