#include "ecphory/store/spool.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"

#include "temporary_folder.hpp"

using namespace ecphory;
using store::Spool;
using store::Spooled;

namespace {

/// What stands in a place of the spool below.
double number(std::size_t series, std::size_t row, std::size_t column) {
  return static_cast<double>(series * 1'000'000 + row * 1000 + column);
}

/// Series of different lengths, over more than two tiles.
std::shared_ptr<Spool> filled(const std::filesystem::path& folder) {
  auto spool = std::make_shared<Spool>(std::make_shared<store::Scratch>(folder), 3, 500);
  const std::size_t longest = 2 * spool->rows_of_tile() + 7;
  std::vector<double> values(500);
  for (std::size_t row = 0; row < longest; ++row) {
    for (std::size_t s = 0; s < 3; ++s) {
      if (s == 1 && row >= 5) continue;
      for (std::size_t c = 0; c < 500; ++c) values[c] = number(s, row, c);
      spool->append(s, values);
    }
  }
  return spool;
}

}  // namespace

TEST_CASE("a spool gives back its rows across tiles, and NaN where there are none") {
  const tests::TemporaryFolder folder;
  const auto spool = filled(folder.path());
  CHECK(std::filesystem::is_empty(folder.path()));
  const std::size_t longest = 2 * spool->rows_of_tile() + 7;
  CHECK(spool->longest() == longest);
  CHECK(spool->length(1) == 5);
  std::vector<double> rows(longest * 500);
  spool->read(2, 3, rows);
  CHECK(rows[0] == number(2, 3, 0));
  CHECK(rows[(longest - 4) * 500 + 499] == number(2, longest - 1, 499));
  CHECK(std::isnan(rows[(longest - 3) * 500]));
  spool->read(1, 4, std::span(rows).first(1000));
  CHECK(rows[499] == number(1, 4, 499));
  CHECK(std::isnan(rows[500]));
}

TEST_CASE("spooled arrays are written whole, in either precision and compressed") {
  const tests::TemporaryFolder folder;
  const auto spool = filled(folder.path());
  const std::size_t rows = spool->longest();
  const store::Dataset dataset{
      .arrays = {{.name = "x",
                  .dimensions = {"point", "trajectory", "sample", "neuron"},
                  .shape = {2, 3, rows, 499},
                  .values = std::vector{Spooled{nullptr, 1, 499}, Spooled{spool, 1, 499}}},
                 {.name = "t",
                  .dimensions = {"point", "trajectory", "sample"},
                  .shape = {2, 3, rows},
                  .values = std::vector{Spooled{spool}, Spooled{}}}}};
  for (const bool single : {false, true}) {
    store::write(folder.path() / "x.h5", dataset,
                 {.float32 = single, .gzip = single ? 1 : 0, .existing = store::Existing::replace});
    const store::Dataset read = store::read(folder.path() / "x.h5");
    std::visit(
        [&]<class V>(const V& x) {
          if constexpr (std::is_same_v<V, std::vector<double>> || std::is_same_v<V, std::vector<float>>) {
            using T = typename V::value_type;
            const auto at = [&](std::size_t p, std::size_t s, std::size_t row, std::size_t c) {
              return x[((p * 3 + s) * rows + row) * 499 + c];
            };
            bool missing = true;
            for (std::size_t i = 0; i < 3 * rows * 499; ++i) missing = missing && std::isnan(x[i]);
            CHECK(missing);
            bool right = true;
            for (const std::size_t s : {0UL, 2UL}) {
              for (std::size_t row = 0; row < rows; ++row) {
                for (std::size_t c = 0; c < 499; ++c)
                  right = right && at(1, s, row, c) == static_cast<T>(number(s, row, c + 1));
              }
            }
            CHECK(right);
            CHECK(at(1, 1, 4, 0) == static_cast<T>(number(1, 4, 1)));
            CHECK(std::isnan(at(1, 1, 5, 0)));
          }
        },
        read.at("x").values);
    CHECK(store::size_of(read.at("t").values) == 2 * 3 * rows);
    CHECK(std::holds_alternative<std::vector<float>>(read.at("x").values) == single);
  }
  const store::Dataset headers = store::read(folder.path() / "x.h5", "/", 1);
  CHECK(headers.at("x").shape == dataset.arrays[0].shape);
  CHECK(store::size_of(headers.at("x").values) == 0);
}

TEST_CASE("spools share one file: a thousand of them open no more") {
  const tests::TemporaryFolder folder;
  const auto scratch = std::make_shared<store::Scratch>(folder.path());
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = open_files();
  std::vector<Spool> spools;
  for (int i = 0; i < 1000; ++i) {
    spools.emplace_back(scratch, 1, 1);
    spools.back().append(0, std::vector{1.0 * i});
  }
  CHECK(open_files() == before + 1);
  std::vector<double> row(1);
  for (int i = 0; i < 1000; ++i) {
    spools[static_cast<std::size_t>(i)].read(0, 0, row);
    REQUIRE(row[0] == i);
  }
}

TEST_CASE("a folder that cannot hold a file is an error when something is recorded") {
  Spool spool(std::make_shared<store::Scratch>("/nowhere"), 1, 1);
  CHECK_THROWS_AS(spool.append(0, std::vector{1.0}), base::UserError);
}
