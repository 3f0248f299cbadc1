#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "session.hpp"
#include "verbs.hpp"

namespace ecphory::app {

void add_retry(CLI::App& app, int& exit_code) {
  struct Arguments {
    std::string plan;
    Execution execution;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const verb = app.add_subcommand("retry", "Run again what failed in a sweep, and nothing else");
  verb->add_option("PLAN", arguments->plan, "the sweep: its folder, or the plan in it")->required();
  add_execution(*verb, arguments->execution);
  verb->callback([&exit_code, arguments] {
    const Execution& execution = arguments->execution;
    const Session session =
        open_session(arguments->plan, "ecphory retry " + arguments->plan + device_words(execution));
    check_execution(execution, session.request.plan);
    exit_code = kRunFailed;  // of whatever is thrown from here on
    sweep::Ledger ledger = look(session);
    const std::vector<std::size_t> runs = ledger.failed();
    if (runs.empty()) {
      fmt::print(stderr, "nothing has failed\n");
      exit_code = kDone;
      return;
    }
    const Executed executed = execute(session, ledger, runs, kRetry, execution);
    ledger = look(session);
    const auto done = std::ranges::count_if(runs, [&](std::size_t run) {
      return ledger.status[run] != sweep::RunStatus::failed && !ledger.messages.contains(run);
    });
    fmt::print(stderr, "{} of {} points that had failed are done\n", done, runs.size());
    if (executed.signal != 0) {
      exit_code = kSignalled + executed.signal;
      return;
    }
    const bool collected = plan_of(session.output) == session.file.hash;
    if (collected) write_collected(session, ledger, false, sweep::Storage::copied);
    fmt::print("{}\n", (collected ? session.output : session.folder).string());
    const std::string left = shortcomings(session, ledger);
    fmt::print(stderr, "{}", left);
    exit_code = left.empty() ? kDone : kPointsFailed;
    if (left.empty() && collected) remove_if_ours(session);
  });
}

}  // namespace ecphory::app
