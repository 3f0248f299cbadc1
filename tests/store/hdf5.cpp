#include <cmath>
#include <fstream>
#include <numeric>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"

#include "temporary_folder.hpp"

using namespace ecphory;
using store::Dataset;
namespace fs = std::filesystem;

namespace {

Dataset every_type() {
  Dataset dataset;
  dataset.attributes = {{"title", std::string("Überlagerung")}, {"seed", std::int64_t{7}}, {"dt", 0.5}};
  dataset.arrays = {
      store::coordinate("time", std::vector<double>{0.0, 0.1, 0.2}, "ms", "time"),
      store::coordinate("model", std::vector<std::string>{"dense", "β"}, "1", "model"),
      {.name = "v",
       .dimensions = {"model", "time"},
       .shape = {2, 3},
       .values = std::vector<double>{1, 2, 3, 4, 5, std::nan("")},
       .units = "1",
       .long_name = "state",
       .attributes = {{"valid_range", std::vector<double>{0, 1}}}},
      {.name = "n",
       .dimensions = {"model"},
       .shape = {2},
       .values = std::vector<std::int64_t>{-1, 1LL << 40}},
      {.name = "ok", .dimensions = {"time"}, .shape = {3}, .values = std::vector<std::uint8_t>{0, 1, 255}},
      {.name = "f", .dimensions = {}, .shape = {}, .values = std::vector<float>{0.1F}},
      {.name = "config",
       .dimensions = {},
       .shape = {},
       .values = std::vector<std::string>{"a = 1\nb = \"x\"\n"}},
  };
  return dataset;
}

}  // namespace

TEST_CASE("what is written is read back: values, dimensions, units, attributes, order") {
  const tests::TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  const Dataset written = every_type();
  store::write(path, written, {});
  const Dataset read = store::read(path);
  CHECK(read.attributes == written.attributes);
  REQUIRE(read.arrays.size() == written.arrays.size());
  std::vector<std::string> names;
  for (const auto& array : read.arrays) names.push_back(array.name);
  CHECK(names == std::vector<std::string>{"time", "model", "v", "n", "ok", "f", "config"});
  for (const auto& array : written.arrays) {
    const auto& back = read.at(array.name);
    CHECK(back.dimensions == array.dimensions);
    CHECK(back.shape == array.shape);
    CHECK(back.units == array.units);
    CHECK(back.attributes == array.attributes);
    if (array.name != "v") CHECK(back.values == array.values);
  }
  const auto& v = std::get<std::vector<double>>(read.at("v").values);
  CHECK(std::vector<double>(v.begin(), v.end() - 1) == std::vector<double>{1, 2, 3, 4, 5});
  CHECK(std::isnan(v.back()));
}

TEST_CASE("a dimension without a coordinate gets one that counts") {
  const tests::TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  store::write(
      path,
      {.arrays = {{.name = "v", .dimensions = {"trial"}, .shape = {3}, .values = std::vector<double>(3)}}},
      {});
  CHECK(std::get<std::vector<std::int64_t>>(store::read(path).at("trial").values) ==
        std::vector<std::int64_t>{0, 1, 2});
}

TEST_CASE("single precision and compression on request") {
  const tests::TemporaryFolder folder;
  const std::size_t n = 1 << 19;
  Dataset dataset;
  std::vector<double> ramp(n);
  std::iota(ramp.begin(), ramp.end(), 0.0);
  dataset.arrays = {store::coordinate("time", ramp, "ms", "time"),
                    {.name = "v", .dimensions = {"time"}, .shape = {n}, .values = ramp}};
  const auto size_of = [&](const char* name, const store::WriteOptions& options) {
    store::write(folder.path() / name, dataset, options);
    return fs::file_size(folder.path() / name);
  };
  const auto plain = size_of("plain.h5", {});
  CHECK(size_of("single.h5", {.float32 = true}) < plain * 4 / 5);
  CHECK(size_of("gzip.h5", {.gzip = 4}) < plain / 2);
  const Dataset single = store::read(folder.path() / "single.h5");
  CHECK(std::holds_alternative<std::vector<float>>(single.at("v").values));
  CHECK(std::get<std::vector<double>>(single.at("time").values) == ramp);
  CHECK(std::get<std::vector<double>>(store::read(folder.path() / "gzip.h5").at("v").values) == ramp);
}

TEST_CASE("what is no HDF5 file is refused by name") {
  const tests::TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  CHECK_THROWS_AS(store::read(path), base::UserError);
  std::ofstream(path) << "hello";
  CHECK_THROWS_WITH_AS(store::read(path), doctest::Contains("x.h5"), base::UserError);
  store::write(folder.path() / "good.h5", every_type(), {});
  fs::resize_file(folder.path() / "good.h5", fs::file_size(folder.path() / "good.h5") / 2);
  CHECK_THROWS_AS(store::read(folder.path() / "good.h5"), base::UserError);
}

TEST_CASE("an existing file is kept unless it may be replaced") {
  const tests::TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  store::write(path, every_type(), {});
  CHECK_THROWS_AS(store::write(path, {}, {}), base::UserError);
  CHECK(store::read(path).arrays.size() == 7);
  store::write(path, {}, {.existing = store::Existing::replace});
  CHECK(store::read(path).arrays.empty());
}
