#include "ecphory/base/philox.hpp"

#include <vector>

#include <doctest/doctest.h>

using namespace ecphory::base;

TEST_CASE_TEMPLATE("elements one by one are those of the stream", Real, float, double) {
  const RandomStream stream({.seed = 1, .point = 2, .replicate = 3}, Purpose("test"), 4);
  std::vector<Real> normals(1000);
  std::vector<Real> uniforms(1000);
  stream.normals(0, std::span(normals));
  stream.uniforms(0, std::span(uniforms));
  for (std::size_t i = 0; i < 1000; i += 2) {
    Real pair[2];
    normal_pair_at(stream.counter(), i / 2, pair);
    CHECK(pair[0] == normals[i]);
    CHECK(pair[1] == normals[i + 1]);
    CHECK(normal_at<Real>(stream.counter(), i) == normals[i]);
    CHECK(normal_at<Real>(stream.counter(), i + 1) == normals[i + 1]);
    CHECK(uniform_at<Real>(stream.counter(), i) == uniforms[i]);
  }
}
