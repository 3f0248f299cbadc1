#include <cstdio>

#include <ecphory/base/wilson.hpp>
#include <ecphory/models/amicl.hpp>
#include <ecphory/store/hdf5_write.hpp>

using namespace ecphory;

int main() {
  const models::AmiclParameters model{.a = 1.5, .similarity = models::Similarity::dot};
  const tasks::InContextSequenceParameters task{.classes = 512, .length = 20, .dimension = 100};
  std::int64_t correct = 0;
  for (const auto& trial : models::amicl_trials<float>(model, task, {.seed = 1}, 1000))
    correct += trial.correct;

  const base::Proportion accuracy = base::wilson_interval(correct, 1000);
  std::printf("accuracy %.3f (%.3f to %.3f)\n", accuracy.value, accuracy.low, accuracy.high);
  store::write("accuracy.h5", {.arrays = {{.name = "accuracy", .values = std::vector{accuracy.value}}}},
               {.existing = store::Existing::replace});
  return accuracy.value > 0.98 ? 0 : 1;
}
