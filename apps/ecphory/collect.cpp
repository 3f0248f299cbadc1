#include <memory>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

#include "session.hpp"
#include "verbs.hpp"

namespace ecphory::app {

void add_collect(CLI::App& app, int& exit_code) {
  struct Arguments {
    std::string plan;
    std::string output;
    bool force = false;
    bool in_place = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const verb = app.add_subcommand("collect", "Put the shards of a sweep together in one file");
  verb->add_option("PLAN", arguments->plan, "the sweep: its folder, or the plan in it")->required();
  verb->add_option("--output,-o", arguments->output, "the file to write; default: beside the folder");
  verb->add_flag("--force", arguments->force, "overwrite an existing output");
  verb->add_flag("--virtual", arguments->in_place,
                 "leave the numbers in the shards and map them (HDF5 virtual datasets)");
  verb->callback([&exit_code, arguments] {
    Session session = open_session(arguments->plan, "ecphory collect " + arguments->plan);
    if (!arguments->output.empty()) session.output = arguments->output;
    check_outside(session);
    const bool same = plan_of(session.output) == session.file.hash;
    store::check_writable(session.output, 0,
                          arguments->force || same ? store::Existing::replace : store::Existing::refuse);
    exit_code = kRunFailed;  // of whatever is thrown from here on
    const sweep::Ledger ledger = look(session);
    if (arguments->in_place && ledger.count(sweep::RunStatus::missing) > 0) {
      throw base::UserError({.key = "--virtual",
                             .problem = "points are missing: their process may still write into the shards",
                             .expected = "a sweep that is complete",
                             .remedy = "collect without --virtual, or after ecphory run … --resume"});
    }
    write_collected(session, ledger, arguments->force,
                    arguments->in_place ? sweep::Storage::mapped : sweep::Storage::copied);
    fmt::print("{}\n", session.output.string());
    const std::string left = shortcomings(session, ledger);
    fmt::print(stderr, "{}", left);
    exit_code = left.empty() ? kDone : kPointsFailed;
  });
}

}  // namespace ecphory::app
