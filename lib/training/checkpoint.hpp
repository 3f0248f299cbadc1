#pragma once
// Training states as files: written whole or not at all, with a checksum of every byte.

#include <filesystem>

#include "ecphory/compute/tensors.hpp"
#include "ecphory/store/dataset.hpp"
#include "ecphory/training/train.hpp"

namespace ecphory::training {

/// Version of the files that write_checkpoint() makes.
inline constexpr std::int64_t kCheckpointVersion = 1;

/// Writes a state to the HDF5 file `path`, in place of an older one: each tensor of the layout as a variable
/// of its name, (rows, columns), a vector (rows), a number (); `first_moment` and `second_moment` (weight) if
/// the optimiser has them; `history_step`, `history_training_loss` (evaluation), `history_metric`
/// (evaluation, metric); attributes `checkpoint_version`, `step`, `loss_sum`, `loss_count` and `model`, whose
/// entries say what the weights are of. Numbers keep their precision. Throws UserError when the disk does not
/// take it.
template <class Real>
void write_checkpoint(const std::filesystem::path& path, const compute::TensorLayout& layout,
                      const TrainingState<Real>& state, const store::Attributes& model);

/// Reads it back. Throws UserError for a file that is missing, cut short, changed by a byte, of another
/// version, of a model with another entry (which is named), or with tensors that the layout has not.
template <class Real>
TrainingState<Real> read_checkpoint(const std::filesystem::path& path, const compute::TensorLayout& layout,
                                    const store::Attributes& model);

extern template void write_checkpoint<float>(const std::filesystem::path&, const compute::TensorLayout&,
                                             const TrainingState<float>&, const store::Attributes&);
extern template void write_checkpoint<double>(const std::filesystem::path&, const compute::TensorLayout&,
                                              const TrainingState<double>&, const store::Attributes&);
extern template TrainingState<float> read_checkpoint<float>(const std::filesystem::path&,
                                                            const compute::TensorLayout&,
                                                            const store::Attributes&);
extern template TrainingState<double> read_checkpoint<double>(const std::filesystem::path&,
                                                              const compute::TensorLayout&,
                                                              const store::Attributes&);

}  // namespace ecphory::training
