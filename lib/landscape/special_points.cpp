// Where eigenvalues cross the imaginary axis along a branch, and what happens there.
// Normal forms: Kuznetsov (2004), Elements of Applied Bifurcation Theory, 3rd ed., sections 5.4 and 7.4.

#include <Eigen/Eigenvalues>
#include <Eigen/SVD>
#include <algorithm>
#include <array>
#include <cmath>

#include "ecphory/landscape/branch_system.hpp"

namespace ecphory::landscape {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using Failure = BranchSystem::Failure;

using TestFunction = std::function<double(const ExtendedPoint&)>;

/// A zero of a test function, s along the tangent of the point where the step began.
struct Zero {
  double s;
  ExtendedPoint point;  ///< y and tangent; eigenvalues of a point beside it
};

/// The polynomial through (s_k, values.col(k)) at s.
VectorXd interpolate(const std::array<double, 4>& s, const MatrixXd& values, double at) {
  VectorXd result = VectorXd::Zero(values.rows());
  for (std::size_t k = 0; k < s.size(); ++k) {
    double weight = 1;
    for (std::size_t i = 0; i < s.size(); ++i) {
      if (i != k) weight *= (at - s[i]) / (s[k] - s[i]);
    }
    result += weight * values.col(static_cast<Index>(k));
  }
  return result;
}

/// The zero between 0 and `length`, where `value` has opposite signs. At a branch point Newton's matrix is
/// singular and rounding errors are magnified by one over the distance from it: the zero is bisected to a
/// sixty-fourth of the step, then taken from the cubic through four points beside it, none of which is
/// nearer than a two-hundredth; the cubic's error is of the order of that to the fourth power.
Zero find_zero(const BranchSystem& system, const ExtendedPoint& from, double length, double value_from,
               double value_to, const TestFunction& value) {
  double low = 0;
  double high = length;
  while (high - low > length / 64) {
    // Not the middle, which a symmetric range puts on the zero.
    const double middle = low + 0.47 * (high - low);
    const double v = value(system.at(from, middle));
    const bool same = (v > 0) == (value_from > 0);
    (same ? low : high) = middle;
    (same ? value_from : value_to) = v;
  }
  const double guess = low + (high - low) * value_from / (value_from - value_to);
  const double distance = length / 200;
  std::array<double, 4> s{};
  MatrixXd values(2 * (system.rows() + 1) + 1, 4);
  ExtendedPoint beside;
  for (std::size_t k = 0; k < s.size(); ++k) {
    s[k] = guess + distance * (2 * static_cast<double>(k) - 3);
    beside = system.at(from, s[k]);
    values.col(static_cast<Index>(k)) << value(beside), beside.y, beside.tangent;
  }
  double a = s.front();
  double b = s.back();
  const double value_a = values(0, 0);
  if ((value_a > 0) == (values(0, 3) > 0)) throw Failure{Correction::diverged};
  for (int k = 0; k < 60; ++k) {
    const double middle = (a + b) / 2;
    const double v = interpolate(s, values.topRows(1), middle)[0];
    ((v > 0) == (value_a > 0) ? a : b) = middle;
  }
  const double zero = (a + b) / 2;
  const VectorXd all = interpolate(s, values, zero);
  const Index n = system.rows() + 1;
  beside.y = all.segment(1, n);
  beside.tangent = all.tail(n).normalized();
  return {zero, std::move(beside)};
}

/// F_xx(φ, φ) and F_xxx(φ, φ, φ).
struct Derivatives {
  VectorXd second;
  VectorXd third;
};

/// Central differences of the exact F_x φ along φ, extrapolated once (Richardson), with the step at which the
/// extrapolation has least to do.
Derivatives derivatives(const BranchSystem& system, const VectorXd& x, double parameter,
                        const VectorXd& phi) {
  const double scale = std::max(1.0, x.norm());
  const VectorXd centre = system.slope(x, parameter) * phi;
  const auto differences = [&](double h) -> Derivatives {
    const VectorXd above = system.slope(x + h * phi, parameter) * phi;
    const VectorXd below = system.slope(x - h * phi, parameter) * phi;
    return {(above - below) / (2 * h), (above - 2 * centre + below) / (h * h)};
  };
  Derivatives best;
  double least = std::numeric_limits<double>::infinity();
  Derivatives coarse = differences(0.1 * scale);
  for (double h = 0.05 * scale; h > 1e-6 * scale; h /= 2) {
    Derivatives fine = differences(h);
    const double change = (fine.second - coarse.second).norm() + (fine.third - coarse.third).norm();
    if (change < least) {
      least = change;
      best = {(4 * fine.second - coarse.second) / 3, (4 * fine.third - coarse.third) / 3};
    }
    coarse = std::move(fine);
  }
  return best;
}

/// Whether a number of the size that `scale` would give it is 0 but for what locating and differences leave.
bool vanishes(double number, double scale) { return std::abs(number) <= 1e-5 * scale; }

/// Null vectors, kind and coefficient where `multiplicity` real eigenvalues are 0; `turns`: the parameter
/// turns back there.
void classify_real(const BranchSystem& system, Index multiplicity, bool turns, SpecialPoint& point) {
  const MatrixXd f_x = system.slope(point.state, point.parameter);
  const Eigen::BDCSVD<MatrixXd> svd(f_x, Eigen::ComputeFullU | Eigen::ComputeFullV);
  point.null_vectors = svd.matrixV().rightCols(multiplicity);
  point.kind = SpecialKind::branch_point;
  if (multiplicity > 1) return;
  const VectorXd phi = point.null_vectors.col(0);
  VectorXd psi = svd.matrixU().rightCols(1);
  VectorXd y(system.rows() + 1);
  y << point.state, point.parameter / system.width();
  const VectorXd f_q = system.parameter_slope(y);
  const bool fold = turns && !vanishes(psi.dot(f_q), std::max(1.0, f_q.norm()));
  if (fold) point.kind = SpecialKind::fold;
  // The rate of α at x + αφ is psiᵀF for psiᵀTφ = 1; where that is 0 a second eigenvalue is 0.
  const double normalisation = psi.dot(system.time_constants(point.parameter).cwiseProduct(phi));
  if (vanishes(normalisation, system.time_constants(point.parameter).maxCoeff())) return;
  psi /= normalisation;
  const auto [second, third] = derivatives(system, point.state, point.parameter, phi);
  const double quadratic = psi.dot(second) / 2;
  if (fold) {
    point.coefficient = quadratic;
    return;
  }
  // F_x z = F_xx(φ, φ) without its part along the null vector.
  VectorXd inverse = svd.singularValues().cwiseInverse();
  inverse[system.rows() - 1] = 0;
  const VectorXd z = svd.matrixV() * inverse.cwiseProduct(svd.matrixU().transpose() * second);
  // psiᵀF_xx(φ, z): the slope along z is even in z to leading order.
  const double h = 1e-4 * std::max(1.0, point.state.norm()) / std::max(1.0, z.norm());
  const VectorXd mixed = (system.slope(point.state + h * z, point.parameter) * phi -
                          system.slope(point.state - h * z, point.parameter) * phi) /
                         (2 * h);
  const double cubic = psi.dot(third) / 6 - psi.dot(mixed) / 2;
  const double scale = std::max(psi.norm() * second.norm(), std::sqrt(std::abs(cubic) * psi.norm()));
  if (scale == 0) return;
  if (!vanishes(quadratic, scale)) {
    point.kind = SpecialKind::transcritical;
    point.coefficient = quadratic;
  } else if (!vanishes(cubic, psi.norm() * third.norm())) {
    point.kind = SpecialKind::pitchfork;
    point.coefficient = cubic;
  }
}

void classify_hopf(const BranchSystem& system, SpecialPoint& point) {
  const VectorXd rates = system.time_constants(point.parameter).cwiseInverse();
  const Eigen::EigenSolver<MatrixXd> solver(rates.asDiagonal() * system.slope(point.state, point.parameter));
  Index nearest = 0;
  for (Index k = 0; k < system.rows(); ++k) {
    const std::complex<double> lambda = solver.eigenvalues()[k];
    if (lambda.imag() > 0 && (solver.eigenvalues()[nearest].imag() <= 0 ||
                              std::abs(lambda.real()) < std::abs(solver.eigenvalues()[nearest].real())))
      nearest = k;
  }
  point.kind = SpecialKind::hopf;
  point.frequency = solver.eigenvalues()[nearest].imag();
  point.null_vectors.resize(system.rows(), 2);
  point.null_vectors << solver.eigenvectors().col(nearest).real(), solver.eigenvectors().col(nearest).imag();
}

bool is_complex(const ExtendedPoint& point, Index k) {
  return std::abs(point.eigenvalues[k].imag()) > 1e-6 * point.eigenvalues.cwiseAbs().maxCoeff();
}

}  // namespace

std::vector<SpecialPoint> special_points(const BranchSystem& system, const ExtendedPoint& from,
                                         const ExtendedPoint& to) {
  const Index n = system.rows();
  const double length = (to.y - from.y).dot(from.tangent);
  const auto find = [&](const TestFunction& value) {
    return find_zero(system, from, length, value(from), value(to), value);
  };
  // Real parts in falling order are continuous along the branch: the k-th is 0 somewhere between a point
  // with k unstable eigenvalues and one with more.
  std::vector<Zero> real;
  std::vector<Zero> complex;
  const auto [fewer, more] = std::minmax({from.unstable(), to.unstable()});
  for (Index k = fewer; k < more; ++k) {
    Zero zero = find([k](const ExtendedPoint& point) { return point.eigenvalues[k].real(); });
    if (is_complex(zero.point, k)) {
      // Both of a pair are found.
      const bool other =
          std::ranges::any_of(complex, [&](const Zero& c) { return std::abs(c.s - zero.s) < 1e-6 * length; });
      if (!other) complex.push_back(std::move(zero));
    } else {
      real.push_back(std::move(zero));
    }
  }
  const bool turns = (from.tangent[n] > 0) != (to.tangent[n] > 0);
  std::vector<SpecialPoint> result;
  const auto add = [&](const Zero& zero) -> SpecialPoint& {
    result.push_back({.parameter = system.parameter(zero.point.y),
                      .state = zero.point.y.head(n),
                      .arclength = zero.s,
                      .tangent = zero.point.tangent,
                      .null_vectors = {}});
    return result.back();
  };
  const auto same = [&](double a, double b) { return std::abs(a - b) < 1e-5 * length; };
  if (turns) {
    const Zero zero = find([n](const ExtendedPoint& point) { return point.tangent[n]; });
    std::erase_if(real, [&](const Zero& r) { return same(r.s, zero.s); });
    classify_real(system, 1, true, add(zero));
  }
  std::ranges::sort(real, {}, &Zero::s);
  for (std::size_t k = 0; k < real.size();) {
    std::size_t end = k + 1;
    while (end < real.size() && same(real[end].s, real[k].s)) ++end;
    classify_real(system, static_cast<Index>(end - k), false, add(real[k]));
    k = end;
  }
  for (const Zero& zero : complex) classify_hopf(system, add(zero));
  std::ranges::sort(result, {}, &SpecialPoint::arclength);
  return result;
}

}  // namespace ecphory::landscape
