#include "ecphory/base/cancel.hpp"

#include <csignal>

#include "ecphory/base/error.hpp"

namespace ecphory::base {
namespace {

std::atomic<CancellationToken*> watched{nullptr};

extern "C" void on_signal(int signal) {
  CancellationToken* const token = watched.load(std::memory_order_relaxed);
  if (token == nullptr) return;
  token->request(signal);
  if (signal == SIGINT) std::signal(SIGINT, SIG_DFL);
}

void handle_all(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
}

}  // namespace

SignalWatch::SignalWatch(CancellationToken& token) {
  CancellationToken* none = nullptr;
  ensure(watched.compare_exchange_strong(none, &token), "one SignalWatch at a time");
  handle_all(on_signal);
}

SignalWatch::~SignalWatch() {
  handle_all(SIG_DFL);
  watched.store(nullptr);
}

}  // namespace ecphory::base
