#include "ecphory/bridge/attention_file.hpp"

#include <doctest/doctest.h>

#include "ecphory/base/random.hpp"
#include "ecphory/store/hdf5_write.hpp"

#include "refusal.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using namespace ecphory::bridge;
using dynamics::LogSumExp;
using dynamics::Network;

namespace {

template <class Real>
Eigen::MatrixX<Real> normals(Index rows, Index columns, std::uint32_t number) {
  Eigen::MatrixX<Real> x(rows, columns);
  base::RandomStream({.seed = 4}, base::Purpose("attention_file"), number)
      .normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  return x;
}

/// Two layers and three heads: tied with a bias, of values of their own, from one layer into the other.
template <class Real>
AttentionForm<Real> form() {
  Network<Real> network;
  const auto a = network.add_layer({.name = "item",
                                    .neurons = 5,
                                    .tau = 10,
                                    .input = dynamics::constant_current<Real>(normals<Real>(5, 1, 0))});
  const auto b = network.add_layer({.name = "label", .neurons = 3, .tau = 20});
  const auto memory = [&](const std::string& name, Index memories, bool biased) {
    dynamics::Layer<Real> layer{.name = name, .neurons = memories, .lagrangian = LogSumExp{1.5}, .tau = 0};
    if (biased) layer.input = dynamics::constant_current<Real>(normals<Real>(memories, 1, 9));
    return network.add_layer(layer);
  };
  const auto weights = [](Index rows, Index columns, std::uint32_t number) {
    return dynamics::weights<Real>(normals<Real>(rows, columns, number));
  };
  network.add_synapse(dynamics::Symmetric<Real>{a, memory("tied", 4, true), weights(5, 4, 1)});
  network.add_synapse(
      dynamics::KeyValue<Real>{a, memory("own", 6, false), a, weights(5, 6, 2), weights(5, 6, 3)});
  network.add_synapse(
      dynamics::KeyValue<Real>{a, memory("across", 2, false), b, weights(5, 2, 4), weights(3, 2, 5)});
  network.add_synapse(dynamics::Relay<Real>{b, b, 1});
  return attention_form<Real>(network, 4, 3);
}

/// The dataset of a form with one array replaced, as a file.
template <class Change>
std::string refusal_after(const Change& change) {
  const tests::TemporaryFolder folder;
  store::Dataset data = dataset_of(form<double>());
  change(data);
  store::write(folder.path() / "x.h5", data, {});
  return tests::refusal([&] { read_attention(folder.path() / "x.h5"); });
}

store::LabelledArray& array(store::Dataset& data, const std::string& name) {
  return *std::ranges::find(data.arrays, name, &store::LabelledArray::name);
}

}  // namespace

TEST_CASE_TEMPLATE("what is written is read, to the last bit of its precision", Real, float, double) {
  const tests::TemporaryFolder folder;
  const AttentionForm<Real> written = form<Real>();
  write_attention(folder.path() / "x.h5", written);
  const AttentionForm<double> read = read_attention(folder.path() / "x.h5");
  CHECK(read.blocks == written.blocks);
  CHECK(read.blocks[1].residual);
  CHECK(read.method == written.method);
  CHECK(read.step == written.step);
  CHECK(read.depth == written.depth);
  const auto wide = [](const auto& x) { return x.template cast<double>().eval(); };
  CHECK(read.layer.keep == wide(written.layer.keep));
  CHECK(read.layer.gate == wide(written.layer.gate));
  CHECK(read.layer.input == wide(written.layer.input));
  CHECK(read.tau == written.tau);
  REQUIRE(read.layer.heads.size() == 3);
  for (std::size_t h = 0; h < 3; ++h) {
    const auto& a = read.layer.heads[h];
    const auto& b = written.layer.heads[h];
    CHECK(a.name == b.name);
    CHECK(a.beta == b.beta);
    CHECK(a.query == b.query);
    CHECK(a.output == b.output);
    CHECK(a.tied() == (h == 0));
    CHECK(a.keys->matrix() == wide(b.keys->matrix()));
    CHECK(a.values->matrix() == wide(b.values->matrix()));
    CHECK(a.bias.size() == b.bias.size());
    if (b.bias.size() > 0) CHECK(a.bias == wide(b.bias));
  }
  // And the network of it is that of the form.
  CHECK(network_of(read).layers().size() == 5);
}

TEST_CASE("files that are no attention form are refused with what is wrong") {
  using tests::contains;
  CHECK(refusal_after([](store::Dataset&) {}).empty());
  const tests::TemporaryFolder folder;
  CHECK(contains(tests::refusal([&] { read_attention(folder.path() / "absent.h5"); }), "absent.h5"));
  CHECK(contains(refusal_after([](store::Dataset& d) { d.attributes.erase(d.attributes.begin()); }),
                 "no attribute attention_version"));
  CHECK(contains(refusal_after([](store::Dataset& d) { d.attributes[0].second = std::int64_t{7}; }),
                 "version 7"));
  CHECK(contains(
      refusal_after([](store::Dataset& d) { d.attributes[1].second = std::string("dormand_prince"); }),
      "exponential_euler or euler"));
  CHECK(contains(refusal_after([](store::Dataset& d) { array(d, "gate").name = "gates"; }),
                 "no variable gate"));
  CHECK(contains(refusal_after([](store::Dataset& d) {
                   std::get<std::vector<double>>(array(d, "gate").values)[2] = 1.25;
                 }),
                 "a gate is outside (0, 1]"));
  CHECK(contains(refusal_after([](store::Dataset& d) {
                   std::get<std::vector<double>>(array(d, "keys_2").values)[3] = std::nan("");
                 }),
                 "keys_2 is not finite"));
  CHECK(contains(refusal_after([](store::Dataset& d) {
                   std::get<std::vector<double>>(array(d, "values_1").values)[3] += 1;
                 }),
                 "head 1 is tied, and its values are not its keys"));
  CHECK(contains(refusal_after([](store::Dataset& d) {
                   std::get<std::vector<std::int64_t>>(array(d, "neurons").values)[1] = 4;
                 }),
                 "9"));
  CHECK(contains(refusal_after([](store::Dataset& d) {
                   std::get<std::vector<std::int64_t>>(array(d, "query_block").values)[1] = 2;
                 }),
                 "head 2 is of layer 2"));
  CHECK(contains(
      refusal_after([](store::Dataset& d) { array(d, "keys_1").values = std::vector<std::int64_t>(20, 1); }),
      "keys_1 is of another type"));
  CHECK(
      contains(refusal_after([](store::Dataset& d) { d.attributes[2].second = -1.0; }), "its step is -1 ms"));
  CHECK(contains(refusal_after([](store::Dataset& d) { d.attributes[3].second = std::int64_t{0}; }),
                 "its depth is 0"));
  CHECK(contains(refusal_after([](store::Dataset& d) {
                   for (const char* name : {"block", "neurons", "residual"}) {
                     array(d, name).shape = {0};
                     std::visit(
                         [](auto& values) {
                           if constexpr (requires { values.clear(); }) values.clear();
                         },
                         array(d, name).values);
                   }
                 }),
                 "no blocks"));
  CHECK(contains(tests::refusal([&] {
                   AttentionForm<double> changed = form<double>();
                   changed.layer.keep[1] = 0.1;
                   write_attention(folder.path() / "keep.h5", changed);
                   network_of(read_attention(folder.path() / "keep.h5"));
                 }),
                 "keep = 0.1"));
  CHECK(contains(refusal_after([](store::Dataset& d) {
                   std::get<std::vector<double>>(array(d, "beta").values)[1] = -1;
                 }),
                 "beta of head 2 is -1"));
}
