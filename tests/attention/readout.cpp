#include "ecphory/attention/readout.hpp"

#include <doctest/doctest.h>

#include "attention/column.hpp"

using namespace ecphory;
using namespace ecphory::attention;
using compute::Array;
using tests::column;

TEST_CASE("backward adds to the gradients that are there") {
  const ReadoutShape shape{.width = 4, .labels = 3, .layers = 2};
  compute::TensorLayout layout;
  add_weights(shape, layout);
  const Eigen::VectorXd weights = Eigen::VectorXd::LinSpaced(layout.size(), 0.1, 1);
  Array<double> last({4, 2});
  last.matrix().setConstant(0.5);
  Array<double> d_logits({3, 2});
  d_logits.matrix() << 1, 2, -3, 4, 5, -6;
  Readout<double> readout(shape, 2);
  readout.forward({&layout, column(weights)}, last);
  const auto gradient_on = [&](double before) {
    Eigen::VectorXd gradient = Eigen::VectorXd::Constant(layout.size(), before);
    readout.backward({&layout, column(weights)}, d_logits, {&layout, column(gradient)});
    return gradient;
  };
  const Eigen::VectorXd gradient = gradient_on(0);
  CHECK(gradient.cwiseAbs().minCoeff() > 0);
  CHECK((gradient_on(1000).array() - 1000 - gradient.array()).abs().maxCoeff() < 1e-9);
}
