#pragma once
// Eigenvalues of the linearised dynamics: which way, and how fast, small deviations go.

#include <Eigen/Core>
#include <complex>
#include <vector>

#include "ecphory/dynamics/network.hpp"

namespace ecphory::landscape {

struct SpectrumOptions {
  Eigen::Index leading = 6;  ///< eigenvalues to keep; as many as there are, where there are fewer
  double tolerance = 1e-9;   ///< 1/ms: a real part above it counts as positive
};

struct Spectrum {
  Eigen::VectorXcd leading;  ///< (≤ options.leading) 1/ms, by falling real part, then falling imaginary part
  Eigen::Index index;  ///< how many of all eigenvalues have a positive real part: 0 is stable, 1 a saddle
                       ///< between two basins
};

/// Eigenvalues of the Jacobian J = T⁻¹ (D d(x) − 1) at every column of `states` (rows, columns), fixed points
/// as a rule, with the inputs and weights that trajectory 0 has at time t (ms). All of them are computed, by
/// a dense solver, in parallel over states. In the retrieval form τ v̇ = Ξ f(Ξᵀv + I_h) − v + I with M < N
/// memories J is (Ξ S Ξᵀ − 1)/τ, S = ∇²L ≥ 0: there they are those of (G^½ S G^½ − 1)/τ, G = ΞᵀΞ, (M, M), and
/// N − M times −1/τ. Throws UserError when states do not have the network's rows or are not finite, or for
/// options out of range.
std::vector<Spectrum> spectra(const dynamics::Network<double>& network, const Eigen::MatrixXd& states,
                              const SpectrumOptions& options = {}, double t = 0);

/// That of one state (rows).
Spectrum spectrum(const dynamics::Network<double>& network, const Eigen::VectorXd& state,
                  const SpectrumOptions& options = {}, double t = 0);

/// Throws UserError for options out of range.
void check(const SpectrumOptions& options);

}  // namespace ecphory::landscape
