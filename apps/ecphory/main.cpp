#include <algorithm>
#include <cstdio>
#include <new>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/nearest.hpp"

#include "verbs.hpp"

namespace {

using namespace ecphory;

/// The command line's own mistakes, in the form of all other messages.
int refuse(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& arguments) {
  std::vector<std::string> verbs;
  for (const CLI::App* const verb : app.get_subcommands({})) verbs.push_back(verb->get_name());
  const std::string first = arguments.empty() ? "" : arguments.front();
  std::string problem = error.what();
  std::string remedy = "see ecphory --help";
  if (std::ranges::find(verbs, first) != verbs.end()) {
    remedy = fmt::format("see ecphory {} --help", first);
  } else if (!first.empty() && !first.starts_with("-")) {
    problem = fmt::format("{}: there is no such verb\n  expected: one of {}", first, fmt::join(verbs, ", "));
    const std::string nearest = base::nearest_name(first, verbs);
    if (!nearest.empty()) remedy = fmt::format("did you mean ecphory {}?", nearest);
  }
  fmt::print(stderr, "error: {}\n  remedy: {}\n", problem, remedy);
  return app::kRefused;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = app::kDone;
  CLI::App cli("Associative memories as dynamical systems: simulate, sweep, export as HDF5.", "ecphory");
  cli.set_version_flag("--version", app::version_text);
  cli.require_subcommand(1);
  cli.footer("A first run: ecphory run experiments/amicl/table.toml");
  app::add_run(cli, exit_code);
  app::add_status(cli, exit_code);
  app::add_collect(cli, exit_code);
  app::add_retry(cli, exit_code);
  app::add_models(cli, exit_code);
  app::add_describe(cli, exit_code);
  app::add_inspect(cli, exit_code);
  app::add_bridge(cli, exit_code);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return cli.exit(success);
  } catch (const CLI::ParseError& error) {
    return refuse(cli, error, {argv + 1, argv + argc});
  } catch (const base::UserError& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return exit_code == app::kDone ? app::kRefused : exit_code;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr,
               "error: there is not enough memory\n  remedy: fewer points in one run, or smaller arrays\n");
    return app::kRunFailed;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return app::kRunFailed;
  }
  return exit_code;
}
