#include "ecphory/tasks/pattern_file.hpp"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

#include <doctest/doctest.h>
#include <zlib.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_write.hpp"

#include "temporary_folder.hpp"

using namespace ecphory;
using tasks::read_patterns;

namespace {

using Text = std::string;

Text idx(unsigned char type, const Text& data, unsigned char items) {
  return Text{'\0', '\0', static_cast<char>(type), 3, 0, 0, 0, static_cast<char>(items), 0, 0, 0, 2, 0, 0,
              0,    3} +
         data;
}

Text npy(const Text& descr, const Text& shape, const Text& data, const Text& order = "False") {
  const Text header =
      "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }\n";
  return Text("\x93NUMPY\x01\x00", 8) + Text{static_cast<char>(header.size()), 0} + header + data;
}

template <class T>
Text bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

class Files {
 public:
  Text put(const Text& name, const Text& content) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
    return path(name);
  }
  Text zip(const Text& name, const Text& content) const {
    const gzFile file = gzopen(path(name).c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path(name);
  }
  Text path(const Text& name) const { return (folder_.path() / name).string(); }

 private:
  tests::TemporaryFolder folder_;
};

Text problem_of(const Text& file, std::size_t items) {
  try {
    read_patterns(file, items);
  } catch (const base::UserError& error) {
    return error.complaint().problem;
  }
  return "";
}

}  // namespace

TEST_CASE("IDX, plain and gzip-ed, one item a column") {
  const Files files;
  const Text data = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, static_cast<char>(255)};
  for (const Text& file : {files.put("x.idx", idx(8, data, 2)), files.zip("x.idx.gz", idx(8, data, 2))}) {
    const auto read = read_patterns(file, 2);
    CHECK(read.shape == std::vector<std::size_t>{2, 3});
    CHECK(read.patterns.rows() == 6);
    CHECK(read.patterns(1, 0) == 2);
    CHECK(read.patterns(0, 1) == 7);
    CHECK(read.patterns(5, 1) == 255);
    CHECK(read_patterns(file, 1).patterns.cols() == 1);
  }
  const Text big_endian = {0, 1, static_cast<char>(0xFF), static_cast<char>(0xFE), 0, 0, 0, 0, 0, 0, 0, 0};
  const auto read = read_patterns(files.put("s.idx", idx(0x0B, big_endian, 1)), 1);
  CHECK(read.patterns(0, 0) == 1);
  CHECK(read.patterns(1, 0) == -2);
}

TEST_CASE("NPY of reals and whole numbers, and HDF5") {
  const Files files;
  const auto reals =
      read_patterns(files.put("f8.npy", npy("<f8", "2, 3", bytes_of<double>({1, 2, 3, 4, 5, 0.5}))), 2);
  CHECK(reals.shape == std::vector<std::size_t>{3});
  CHECK(reals.patterns(2, 1) == 0.5);
  CHECK(read_patterns(files.put("i2.npy", npy("<i2", "1, 2", bytes_of<std::int16_t>({-3, 300}))), 1)
            .patterns(1, 0) == 300);
  CHECK(read_patterns(files.put("f4.npy", npy("<f4", "1, 1", bytes_of<float>({0.25F}))), 1).patterns(0, 0) ==
        0.25);
  store::write(files.path("x.h5"),
               {.arrays = {{.name = "images",
                            .dimensions = {"item", "pixel"},
                            .shape = {2, 3},
                            .values = std::vector<float>{1, 2, 3, 4, 5, 6}}}},
               {});
  CHECK(read_patterns(files.path("x.h5") + ":images", 2).patterns(0, 1) == 4);
  CHECK(problem_of(files.path("x.h5") + ":image", 2) == "there is no variable image");
}

TEST_CASE("what cannot be stored is refused with the reason") {
  const Files files;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(problem_of(files.path("none"), 1) == "there is no such file");
  CHECK(problem_of(files.put("empty", ""), 1) == "the file ends too early");
  CHECK(problem_of(files.put("text", "hello"), 1).find("no format") != Text::npos);
  CHECK(problem_of(files.put("short.idx", idx(8, "12345", 1)), 1) == "the file ends too early");
  CHECK(problem_of(files.put("few.idx", idx(8, "123456", 1)), 2) == "it holds 1 items");
  CHECK(problem_of(files.put("type.idx", idx(7, "123456", 1)), 1).find("type of element") != Text::npos);
  CHECK(problem_of(files.put("zero.idx", idx(8, Text(6, '\0'), 1)), 1) == "item 0 is all zero");
  CHECK(problem_of(files.put("nan.npy", npy("<f8", "1, 2", bytes_of<double>({1, nan}))), 1) ==
        "item 0 is not finite");
  CHECK(problem_of(files.put("fortran.npy", npy("<f8", "1, 1", bytes_of<double>({1}), "True")), 1)
            .find("Fortran") != Text::npos);
  CHECK(problem_of(files.put("object.npy", npy("|O", "1, 1", "12345678")), 1).find("plain numbers") !=
        Text::npos);
}

TEST_CASE("MNIST, where it is") {
  const char* const folder = std::getenv("ECPHORY_DATA");
  const Text file =
      Text(folder != nullptr ? folder : ECPHORY_DATA_DEFAULT) + "/mnist-t10k-images-idx3-ubyte.gz";
  if (!std::filesystem::exists(file)) {
    MESSAGE("skipped: there is no ", file, "; ECPHORY_DATA names the folder that has it");
    return;
  }
  const auto mnist = read_patterns(file, 10000);
  CHECK(mnist.shape == std::vector<std::size_t>{28, 28});
  CHECK(mnist.patterns.minCoeff() == 0);
  CHECK(mnist.patterns.maxCoeff() == 255);
  CHECK(mnist.patterns.mean() ==
        doctest::Approx(33.79).epsilon(1e-3));  // 0.1325 of 255, the test set's known mean
}
