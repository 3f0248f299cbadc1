#include "ecphory/base/deadline.hpp"

#include <string>
#include <thread>

#include <doctest/doctest.h>

using namespace ecphory;

TEST_CASE("a deadline passes when its time is over, and none never does") {
  base::Deadline().check();
  base::Deadline(60).check();
  const base::Deadline soon(0.01);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  try {
    soon.check();
    FAIL("the deadline has passed");
  } catch (const base::UserError& error) {
    CHECK(error.complaint().problem == "took longer than 0.01 s");
  }
}
