#include "ecphory/base/cancel.hpp"

#include <csignal>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

using namespace ecphory::base;

TEST_CASE("a watched signal reaches the token and the process lives on") {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    CancellationToken token;
    const SignalWatch watch(token);
    CHECK_FALSE(token.requested());
    std::raise(signal);
    CHECK(token.requested());
    CHECK(token.signal() == signal);
  }
}

TEST_CASE("there is one watch at a time") {
  CancellationToken token;
  const SignalWatch watch(token);
  CHECK_THROWS_AS(SignalWatch{token}, Bug);
}
