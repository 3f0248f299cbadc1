#include "ecphory/sweep/ledger.hpp"

#include <stdexcept>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

#include "bytes.hpp"
#include "refusal.hpp"
#include "sweep/toy.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using sweep::Look;
using sweep::RunStatus;
using tests::content;
using tests::put;
using tests::refusal;
namespace fs = std::filesystem;

namespace {

store::Dataset square(const base::Point& point, const sweep::RunContext&) {
  const auto n = static_cast<double>(tests::n_of(point));
  return {.arrays = {tests::number("square", n * n)}};
}

sweep::Plan plan(std::int64_t points = 30) { return tests::plan_of(tests::up_to(points), square); }

}  // namespace

TEST_CASE("a damaged shard is set aside, what it had is missing, and running again gives the same bits") {
  const tests::TemporaryFolder folder;
  const store::Dataset whole = tests::swept(plan(), folder.path() / "whole");
  const fs::path sweep = folder.path() / "x";
  for (std::size_t i = 1; i <= 3; ++i) tests::run_part(plan(), sweep, {i, 3});
  const fs::path shard = sweep / "2-of-3.000.h5";
  const std::string good = content(shard);
  for (const bool cut : {true, false}) {
    std::string bad = cut ? good.substr(0, good.size() / 2) : good;
    if (!cut) bad[bad.size() / 2] ^= 4;
    put(shard, bad);
    const sweep::Ledger ledger = sweep::survey(sweep::read_plan(sweep), Look::closely);
    REQUIRE(ledger.damaged.size() == 1);
    CHECK(ledger.damaged[0].path == shard);
    CHECK(ledger.count(RunStatus::missing) == 10);
    if (cut) CHECK(sweep::survey(sweep::read_plan(sweep), Look::quick).damaged.size() == 1);
    const std::vector<std::string> messages = sweep::set_aside(ledger.damaged);
    CHECK(messages.front().find("2-of-3.000.h5 is damaged: ") != std::string::npos);
    CHECK(fs::exists(shard.string() + ".damaged"));
    CHECK_FALSE(fs::exists(shard));
    CHECK(tests::same_bits(whole, tests::swept(plan(), sweep)));
    for (const fs::path& made : sweep::shard_files(sweep)) {
      if (made.filename().string().starts_with("1-of-1")) fs::remove(made);
    }
    fs::remove(shard.string() + ".damaged");
    put(shard, good);
  }
}

TEST_CASE("a shard of another plan is refused by name") {
  const tests::TemporaryFolder folder;
  tests::run_part(plan(), folder.path() / "x");
  tests::run_part(plan(31), folder.path() / "y");
  fs::copy_file(folder.path() / "y/1-of-1.000.h5", folder.path() / "x/stray.000.h5");
  for (const Look look : {Look::quick, Look::closely}) {
    const std::string said = refusal([&] { sweep::survey(sweep::read_plan(folder.path() / "x"), look); });
    CHECK(said.find("stray.000.h5") != std::string::npos);
    CHECK(said.find("is a shard of another plan") != std::string::npos);
  }
  store::write(folder.path() / "x/stray.000.h5", {}, {.existing = store::Existing::replace, .sealed = true});
  CHECK(refusal([&] {
          sweep::survey(sweep::read_plan(folder.path() / "x"), Look::closely);
        }).find("is no shard of a sweep") != std::string::npos);
}

TEST_CASE("a folder keeps to its plan") {
  const tests::TemporaryFolder folder;
  const fs::path x = folder.path() / "x";
  const auto open = [&](const sweep::Plan& p, const std::string& config) {
    return sweep::open_sweep(x, p, config, store::attributes_of({.experiment = "toy"}));
  };
  const sweep::PlanFile made = open(plan(), "a = 1\nb = 2\n");
  CHECK(made.size() == 30);
  CHECK(made.hash == plan().hash());
  CHECK(made.config == "a = 1\nb = 2\n");
  CHECK(open(plan(), "another text").config == made.config);  // the first one stays
  const std::string said = refusal([&] { open(plan(31), "a = 1\nb = 3\n"); });
  CAPTURE(said);
  CHECK(said.find("holds another plan (b = 2 there, b = 3 here)") != std::string::npos);
  sweep::Plan other = plan();
  other.experiment.name = "other";
  CHECK(refusal([&] { open(other, ""); }).find("a plan of another experiment, toy") != std::string::npos);

  const std::string good = content(x / sweep::kPlanFile);
  put(x / sweep::kPlanFile, good.substr(0, 700));
  CHECK(refusal([&] { sweep::read_plan(x); }).find("the plan is damaged") != std::string::npos);
  CHECK(refusal([&] { sweep::read_plan(folder.path()); }).find("there is no such plan") != std::string::npos);
  store::write(x / sweep::kPlanFile,
               {.attributes = {{"format", std::int64_t{999}}, {"ecphory_version", std::string("9.9.9")}}},
               {.existing = store::Existing::replace, .sealed = true});
  CHECK(refusal([&] { sweep::read_plan(x); }).find("was made by another version, ecphory 9.9.9") !=
        std::string::npos);
}

TEST_CASE("the plan has every point with its identity and its swept keys") {
  const tests::TemporaryFolder folder;
  sweep::open_sweep(folder.path() / "x", plan(3), "", store::attributes_of({.experiment = "toy"}));
  const store::Dataset read = store::read(folder.path() / "x/plan.h5");
  CHECK(tests::values<std::int64_t>(read, "n") == std::vector<std::int64_t>{0, 1, 2});
  const auto& identities = tests::values<std::int64_t>(read, "identity");
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(static_cast<std::uint64_t>(identities[i]) == plan(3).identities[i]);
}

TEST_CASE("removing a sweep takes its own files and nothing else") {
  const tests::TemporaryFolder folder;
  const fs::path x = folder.path() / "x";
  tests::run_part(plan(), x);
  put(x / "notes.txt", "mine");
  put(x / "mine.h5", "mine");
  sweep::remove_sweep(x);
  CHECK(fs::exists(x / "notes.txt"));
  CHECK(fs::exists(x / "mine.h5"));
  CHECK(std::distance(fs::directory_iterator(x), {}) == 2);
  fs::remove_all(x);
  tests::run_part(plan(), x);
  sweep::remove_sweep(x);
  CHECK_FALSE(fs::exists(x));
}

TEST_CASE("a ledger names the devices of the runs that are done") {
  const tests::TemporaryFolder folder;
  const auto failing = [](const base::Point& point, const sweep::RunContext& context) {
    if (tests::n_of(point) == 13) throw std::runtime_error("thirteen");
    return square(point, context);
  };
  const sweep::Plan three = tests::plan_of({13, 0, 1}, failing);
  const sweep::PlanFile file = sweep::open_sweep(folder.path(), three, "", store::attributes_of({}));
  const auto devices_after = [&](std::size_t run, const std::string& device) {
    sweep::run(three, {run}, {}, folder.path(),
               {.attributes = [&] { return store::attributes_of({.device = device}); }});
    return sweep::survey(file, sweep::Look::closely).devices();
  };
  CHECK(devices_after(0, "cuda:0").empty());  // it fails
  CHECK(devices_after(1, "cpu") == "cpu");
  CHECK(devices_after(2, "cuda:0") == "cpu, cuda:0");
}
