#include "ecphory/attention/shape.hpp"

#include <doctest/doctest.h>

#include "ecphory/attention/two_layer.hpp"

using namespace ecphory;
using namespace ecphory::attention;

namespace {

std::vector<compute::Tensor> weights_of(const StackShape& shape) {
  compute::TensorLayout layout;
  add_weights(shape, layout);
  return layout.tensors();
}

}  // namespace

TEST_CASE("a plain layer has three projections; a learned mix begins in the second layer") {
  StackShape shape{.width = 6, .tokens = 3, .layers = 2, .heads = 3, .stream = Stream::key};
  CHECK(weights_of(shape) == std::vector<compute::Tensor>{{"layer1.query", 6, 6, 0},
                                                          {"layer1.key", 6, 6, 36},
                                                          {"layer1.value", 6, 6, 72},
                                                          {"layer2.query", 6, 6, 108},
                                                          {"layer2.key", 6, 6, 144},
                                                          {"layer2.value", 6, 6, 180}});
  shape.mix = StreamMix::learned;
  CHECK(weights_of(shape).back() == compute::Tensor{"layer2.mix", 1, 1, 216});
  shape.mix = StreamMix::learned_heads;
  CHECK(weights_of(shape).back() == compute::Tensor{"layer2.mix", 3, 1, 216});
  shape.stream = Stream::none;
  CHECK(weights_of(shape).size() == 6);
}

TEST_CASE("a whole block has the weights of each of its parts") {
  CHECK(weights_of({.width = 6,
                    .tokens = 3,
                    .layers = 1,
                    .heads = 3,
                    .layer_norm = true,
                    .output_projection = true,
                    .mlp = 10}) == std::vector<compute::Tensor>{{"layer1.norm.gain", 6, 1, 0},
                                                                {"layer1.norm.shift", 6, 1, 6},
                                                                {"layer1.query", 6, 6, 12},
                                                                {"layer1.key", 6, 6, 48},
                                                                {"layer1.value", 6, 6, 84},
                                                                {"layer1.output", 6, 6, 120},
                                                                {"layer1.mlp_norm.gain", 6, 1, 156},
                                                                {"layer1.mlp_norm.shift", 6, 1, 162},
                                                                {"layer1.mlp.in", 10, 6, 168},
                                                                {"layer1.mlp.in_bias", 10, 1, 228},
                                                                {"layer1.mlp.out", 6, 10, 238},
                                                                {"layer1.mlp.out_bias", 6, 1, 298}});
  // Without an MLP there is nothing for its norm to do.
  CHECK(weights_of({.width = 6, .tokens = 3, .layers = 1, .layer_norm = true}).size() == 5);
  CHECK(weights_of({.width = 6, .tokens = 3, .layers = 1, .mlp = 10}).size() == 7);
}

TEST_CASE("heads that do not divide the width are the user's mistake") {
  CHECK_NOTHROW(check({.width = 6, .tokens = 3, .heads = 3}));
  CHECK_THROWS_AS(check({.width = 6, .tokens = 3, .heads = 4}), base::UserError);
  CHECK_THROWS_AS(check({.width = 6, .tokens = 3, .heads = 0}), base::UserError);
  CHECK_THROWS_AS(check({.width = 6, .tokens = 3, .mlp = -1}), base::Bug);
}

TEST_CASE("only two plain layers of one head have the two-layer form") {
  const StackShape plain{.width = 6, .tokens = 3};
  CHECK(has_two_layer_form(plain));
  const auto changed = [&](auto change) {
    StackShape shape = plain;
    change(shape);
    return has_two_layer_form(shape);
  };
  CHECK(changed([](StackShape& s) { s.stream = Stream::value; }));
  CHECK(!changed([](StackShape& s) { s.layers = 3; }));
  CHECK(!changed([](StackShape& s) { s.heads = 2; }));
  CHECK(!changed([](StackShape& s) { s.scaled = true; }));
  CHECK(!changed([](StackShape& s) { s.layer_norm = true; }));
  CHECK(!changed([](StackShape& s) { s.output_projection = true; }));
  CHECK(!changed([](StackShape& s) { s.mlp = 8; }));
}
