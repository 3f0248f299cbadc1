#pragma once
// The verbs of the command line, one file each. A verb adds its options and its work to `app`; the exit code
// of the work goes into `exit_code`.

#include <CLI/CLI.hpp>

namespace ecphory::app {

/// What the process returns.
enum ExitCode : int {
  kDone = 0,
  kRunFailed = 1,
  kRefused = 2,  ///< the command or the experiment file is wrong; nothing was started
  kPointsFailed = 3,
  kSignalled = 128,  ///< plus the signal's number
};

struct Execution;

/// The options of verbs that run points.
void add_execution(CLI::App& verb, Execution& execution);

void add_run(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);
void add_collect(CLI::App& app, int& exit_code);
void add_retry(CLI::App& app, int& exit_code);
void add_models(CLI::App& app, int& exit_code);
void add_describe(CLI::App& app, int& exit_code);
void add_inspect(CLI::App& app, int& exit_code);
void add_bridge(CLI::App& app, int& exit_code);

/// The text of --version.
std::string version_text();

}  // namespace ecphory::app
