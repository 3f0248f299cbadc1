#include "settings.hpp"

namespace ecphory::experiments::icl {

std::span<const std::string_view> names(Precision) {
  static constexpr std::array<std::string_view, 3> kNames = {"single", "double", "tf32"};
  return kNames;
}

const base::ParameterTable<RunSettings>& run_table() {
  using S = RunSettings;
  static const auto table =
      base::ParameterTable<S>("training")
          .add("steps", &S::steps, "1", "steps of training", base::between(0, 1e9))
          .add("batch", &S::batch, "1", "sequences of a step, fresh ones each time", base::between(1, 1e6))
          .add("evaluate_every", &S::evaluate_every, "1", "steps between looks at the test sets",
               base::at_least(1))
          .add("test_sequences", &S::test_sequences, "1", "sequences of each test set", base::between(1, 1e7))
          .add("criterion", &S::criterion, "1", "accuracy in context that counts as learned",
               base::between(0, 1))
          .add("stop_at_criterion", &S::stop_at_criterion, "1", "end there")
          .add("precision", &S::precision, "1",
               "of weights and activations; tf32: single, but faster products on a GPU that round their "
               "factors to 10 "
               "bits")
          .add("checkpoints", &S::checkpoints, "1",
               "folder for the states of training, from which a run that was cut short goes on; empty: none")
          .add("checkpoint_every", &S::checkpoint_every, "1",
               "steps between them; the last state is always kept", base::at_least(1))
          .when("training.checkpoints != \"\"");
  return table;
}

const base::ParameterTable<RecordSettings>& record_table() {
  using S = RecordSettings;
  static const auto table =
      base::ParameterTable<S>("record")
          .add("attention", &S::attention, "1",
               "also record mean attention on the in-context set, over training")
          .add("heads", &S::heads, "1",
               "also lift every head in so many in-context sequences and record what it is as a memory, over "
               "training",
               base::between(0, 1e6));
  return table;
}

}  // namespace ecphory::experiments::icl
