#include "ecphory/base/error.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace ecphory::base;

TEST_CASE("a user error says where, what, what was expected and what to do") {
  const UserError error({.where = "x.toml:3",
                         .key = "model.a",
                         .problem = "-1 is not allowed",
                         .expected = "a number >= 0",
                         .remedy = "the default is 2.0"});
  CHECK(std::string(error.what()) ==
        "x.toml:3: model.a: -1 is not allowed\n  expected: a number >= 0\n  remedy: the default is 2.0");
  CHECK(error.complaint().key == "model.a");
}

TEST_CASE("parts that are empty leave no trace") {
  CHECK(std::string(UserError({.problem = "no"}).what()) == "no");
}

TEST_CASE("a bug names the source and is no user error") {
  try {
    ensure(1 + 1 == 3, "sums add up");
    FAIL("ensure let a false condition pass");
  } catch (const Bug& bug) {
    const std::string text = bug.what();
    CHECK(text.find("sums add up") != std::string::npos);
    CHECK(text.find("error.cpp:") != std::string::npos);
    CHECK(text.find("bug in Ecphory") != std::string::npos);
  }
  CHECK_NOTHROW(ensure(true, "fine"));
}
