#include "ecphory/attention/two_layer.hpp"

#include <doctest/doctest.h>

#include "attention/column.hpp"

using namespace ecphory;
using namespace ecphory::attention;
using compute::Array;
using tests::column;

TEST_CASE("backward adds to the gradients that are there, of every tensor, for every stream") {
  for (const Stream stream : {Stream::none, Stream::query, Stream::key, Stream::value}) {
    const StackShape shape{.width = 5, .tokens = 3, .stream = stream, .mix = StreamMix::learned};
    compute::TensorLayout layout;
    add_weights(shape, layout);
    const Eigen::VectorXd weights = Eigen::VectorXd::LinSpaced(layout.size(), -0.5, 0.6);
    Array<double> content({1, 3});
    content.matrix() << 0.5, -1, 2;
    const std::vector<std::int32_t> shift = {1};
    Array<double> d_last({5, 1});
    d_last.matrix() << 1, -2, 3, 4, -5;
    Array<double> b({5, 5});
    TwoLayer<double> layers(shape, 4, 1);
    layers.combine({&layout, column(weights)}, b);
    layers.forward({&layout, column(weights)}, b, {4, 3, content, std::span<const std::int32_t>(shift)});
    const auto gradient_on = [&](double before) {
      Eigen::VectorXd gradient = Eigen::VectorXd::Constant(layout.size(), before);
      Array<double> d_b({5, 5});
      d_b.matrix().setConstant(before);
      layers.backward({&layout, column(weights)}, d_last, {&layout, column(gradient)}, d_b);
      d_b.matrix().array() -= before;
      layers.combine_backward({&layout, column(weights)}, d_b, {&layout, column(gradient)});
      return gradient;
    };
    const Eigen::VectorXd gradient = gradient_on(0);
    for (const compute::Tensor& t : layout.tensors()) {
      CAPTURE(t.name);
      CHECK(view_of(gradient.data(), t).matrix().norm() > 0);
    }
    // What the gradients of some units lose to the size of what they are added to.
    CHECK((gradient_on(1000).array() - 1000 - gradient.array()).abs().maxCoeff() < 1e-9);
  }
}
