#include "ecphory/base/exception_slot.hpp"

#include <stdexcept>

#include <doctest/doctest.h>

using ecphory::base::ExceptionSlot;

TEST_CASE("an exception of a parallel loop comes out behind it, and later work is left undone") {
  ExceptionSlot slot;
  int done = 0;
#pragma omp parallel for num_threads(2) reduction(+ : done)
  for (int i = 0; i < 100; ++i) {
    slot.run([&] {
      if (i == 3) throw std::runtime_error("three");
      ++done;
    });
  }
  CHECK(slot.failed());
  CHECK(done < 100);
  CHECK_THROWS_WITH_AS(slot.rethrow(), "three", std::runtime_error);
  CHECK_NOTHROW(slot.rethrow());
}
