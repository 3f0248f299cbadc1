#include "ecphory/store/atomic_file.hpp"

#include <string>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/host.hpp"

#include "bytes.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using store::AtomicFile;
using store::Existing;
using tests::content;
using tests::put;
namespace fs = std::filesystem;

TEST_CASE("the final name appears on commit, and nothing is left beside it") {
  const tests::TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  AtomicFile file(path);
  put(file.part(), "whole");
  CHECK_FALSE(fs::exists(path));
  file.commit(Existing::refuse);
  CHECK(content(path) == "whole");
  CHECK_FALSE(fs::exists(file.part()));
}

TEST_CASE("without commit nothing is left") {
  const tests::TemporaryFolder folder;
  {
    const AtomicFile file(folder.path() / "x.h5");
    put(file.part(), "half");
  }
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a taken name is refused and keeps its content, or is replaced on request") {
  const tests::TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  put(path, "old");
  AtomicFile file(path);
  put(file.part(), "new");
  CHECK_THROWS_AS(file.commit(Existing::refuse), base::UserError);
  CHECK(content(path) == "old");
  file.commit(Existing::replace);
  CHECK(content(path) == "new");
}

TEST_CASE("parts of killed processes are removed, parts of living ones are not") {
  const tests::TemporaryFolder folder;
  const pid_t dead = fork();
  if (dead == 0) _exit(0);
  waitpid(dead, nullptr, 0);
  const std::string prefix = "x.h5.part-" + store::host_name() + "-";
  const fs::path stale = folder.path() / (prefix + std::to_string(dead) + "-0");
  const fs::path alive = folder.path() / (prefix + std::to_string(getppid()) + "-0");
  put(stale, "");
  put(alive, "");
  const AtomicFile file(folder.path() / "x.h5");
  CHECK_FALSE(fs::exists(stale));
  CHECK(fs::exists(alive));
}

TEST_CASE("what cannot be written is refused beforehand, with the reason") {
  const tests::TemporaryFolder folder;
  const auto reason = [](const fs::path& path, std::size_t bytes) -> std::string {
    try {
      store::check_writable(path, bytes, Existing::refuse);
    } catch (const base::UserError& error) {
      return error.complaint().problem;
    }
    return "";
  };
  CHECK(reason(folder.path() / "x.h5", 100).empty());
  CHECK(reason(folder.path() / "no" / "x.h5", 100).find("does not exist") != std::string::npos);
  CHECK(reason(folder.path(), 100).find("folder, not a file") != std::string::npos);
  CHECK(reason(folder.path() / "x.h5", std::size_t{1} << 60U).find("bytes left") != std::string::npos);
  put(folder.path() / "x.h5", "");
  CHECK(reason(folder.path() / "x.h5", 100).find("already a file") != std::string::npos);
}
