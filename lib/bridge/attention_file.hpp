#pragma once
// Attention forms as HDF5 files: every matrix of a network, and of the layers that stand for it.

#include <filesystem>

#include "ecphory/bridge/attention_form.hpp"
#include "ecphory/store/dataset.hpp"

namespace ecphory::bridge {

/// Version of the files that write_attention() makes.
inline constexpr std::int64_t kAttentionVersion = 1;

/// The arrays and attributes of a form, for h = 1 … heads:
///     keep, gate, input, tau (row)            of the state, blocks one below the other; tau in ms
///     block, neurons, residual (block)        names and sizes of the blocks; whether one has no leak
///     head, beta (head)                       names of the memories, β
///     query_block, output_block (head)        index of the block that asks, and of the one that is answered
///     keys_h (query_row_h, memory_h)          row-major, as NumPy sees them
///     values_h (output_row_h, memory_h)       those of a tied head are its keys
///     bias_h (memory_h)                       0 where the network has none
///     tied (head)
///     attention_version, method, step (ms), depth     attributes
/// Numbers keep their precision.
template <class Real>
store::Dataset dataset_of(const AttentionForm<Real>& form);

/// Writes the form, with what `more` adds to it, as the file `path`, in place of an older one. Throws
/// UserError when the disk does not take it.
template <class Real>
void write_attention(const std::filesystem::path& path, const AttentionForm<Real>& form,
                     const store::Dataset& more = {});

/// Reads a form back, in either precision. Throws UserError for a file that is missing, is of something else,
/// lacks an array, or whose arrays do not fit each other or are not finite.
AttentionForm<double> read_attention(const std::filesystem::path& path);

}  // namespace ecphory::bridge
