#pragma once
// Keeps records until they are in a shard.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ecphory/store/scratch.hpp"
#include "ecphory/sweep/record.hpp"

namespace ecphory::sweep {

/// Writes records into shards NAME.000.h5, NAME.001.h5 … of a folder, those names that are free. A shard is
/// rewritten with what has come since until it has 10,000 records or about 64 MB. Not thread-safe.
class Committer {
 public:
  Committer(std::filesystem::path folder, std::string name, std::uint64_t plan, double every,
            std::function<store::Attributes()> attributes);

  /// Where the arrays of the next runs are to be spooled.
  const std::shared_ptr<store::Scratch>& scratch() const { return scratch_; }

  /// Takes a record; writes the shard when it is full. After a run that failed, others are spooled elsewhere,
  /// so that the room which it took is free again.
  void add(Record record);

  /// Writes what is new, if it is time to. Throws UserError when the disk does not take it.
  void commit_if_due();

  /// Writes what is new.
  void commit();

 private:
  using Clock = std::chrono::steady_clock;

  std::filesystem::path folder_;
  std::string name_;
  std::uint64_t plan_;
  double every_;
  std::function<store::Attributes()> attributes_;
  std::shared_ptr<store::Scratch> scratch_;
  std::vector<Record> records_;  ///< of the shard at hand
  std::size_t bytes_ = 0;        ///< of them
  std::size_t written_ = 0;      ///< how many of them are in its file
  std::filesystem::path path_;   ///< of that file; empty when there is none
  std::size_t number_ = 0;       ///< of the next name to try
  Clock::time_point due_;
};

}  // namespace ecphory::sweep
