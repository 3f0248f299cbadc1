#include "ecphory/store/seal.hpp"

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"

#include "bytes.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using tests::content;
using tests::put;
namespace fs = std::filesystem;

TEST_CASE("a sealed file reads as any other, and every changed byte is found") {
  const tests::TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  store::write(
      path,
      {.arrays = {{.name = "x", .dimensions = {"i"}, .shape = {3}, .values = std::vector{1.0, 2.0, 3.0}}}},
      {.sealed = true});
  CHECK(store::damage_of(path).empty());
  CHECK(store::apparent_damage_of(path).empty());
  CHECK(std::get<std::vector<double>>(store::read(path).at("x").values) == std::vector{1.0, 2.0, 3.0});

  const std::string whole = content(path);
  const fs::path bent = folder.path() / "bent.h5";
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    put(bent, bytes);
    REQUIRE_MESSAGE(!store::damage_of(bent).empty(), i);
  }
  for (const std::size_t length : {0UL, 1UL, 511UL, 512UL, 513UL, whole.size() / 2, whole.size() - 1}) {
    put(bent, whole.substr(0, length));
    CHECK_FALSE(store::damage_of(bent).empty());
    CHECK_FALSE(store::apparent_damage_of(bent).empty());
  }
  put(bent, whole + "x");
  CHECK_FALSE(store::damage_of(bent).empty());
  CHECK_THROWS_AS(store::damage_of(folder.path() / "none.h5"), base::UserError);
}

TEST_CASE("a file without a seal says so") {
  const tests::TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  store::write(path, {.arrays = {store::scalar("x", 1, "1", "")}}, {});
  CHECK(store::damage_of(path) == "its checksum is missing");
}
