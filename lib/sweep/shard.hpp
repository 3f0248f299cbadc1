#pragma once
// Shards: files of finished runs.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ecphory/store/atomic_file.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/sweep/record.hpp"

namespace ecphory::sweep {

/// Writes records as the shard `path`, whole or not at all, with a checksum (store::WriteOptions::sealed).
///
///     record_run, record_status, record_seconds, record_message    (record)    of all of them
///     run, and the experiment's arrays                             (run, …)    of those that are done
///
/// Both in the order of the plan. `plan` is the hash of the plan they are of; `attributes` become the file's.
void write_shard(const std::filesystem::path& path, std::uint64_t plan, std::vector<Record> records,
                 store::Attributes attributes, store::Existing existing);

/// A shard without its arrays.
struct Shard {
  std::filesystem::path path;
  std::string seal;               ///< of the file as it was read: its process may have written more since
  std::vector<Record> records;    ///< of all runs, without arrays
  std::vector<std::size_t> rows;  ///< the runs that its arrays have, ascending
  std::string host;
  std::string device;  ///< on which its runs were done
  std::string commit;  ///< of the program
  std::string start;   ///< of the process that wrote it, UTC, ISO 8601
  std::string end;     ///< when it was written
};

/// A shard as it was when it was read; throws UserError when it has changed since.
std::unique_ptr<const store::Reader> open_shard(const Shard& shard);

/// Reads a shard of `plan`. Throws UserError when it cannot be read, or is a shard of another plan.
Shard read_shard(const std::filesystem::path& path, std::uint64_t plan);

/// A hash as attributes have it: 16 hexadecimal digits.
std::string hash_text(std::uint64_t hash);

/// The text attribute `name`; empty when there is none.
std::string text_attribute(const store::Dataset& dataset, const std::string& name);

}  // namespace ecphory::sweep
