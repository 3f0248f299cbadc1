#include "ecphory/sweep/committer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/sweep/shard.hpp"

namespace ecphory::sweep {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostRecords = 10'000;
constexpr std::size_t kMostBytes = std::size_t{64} << 20;

/// About how much of memory or scratch a run's arrays take.
std::size_t bytes_of(const store::Dataset& arrays) {
  std::size_t bytes = 0;
  for (const store::LabelledArray& array : arrays.arrays) {
    std::size_t elements = 1;
    for (const std::size_t extent : array.shape) elements *= extent;
    bytes += elements * sizeof(double) + 256;
  }
  return bytes;
}

}  // namespace

Committer::Committer(fs::path folder, std::string name, std::uint64_t plan, double every,
                     std::function<store::Attributes()> attributes)
    : folder_(std::move(folder)),
      name_(std::move(name)),
      plan_(plan),
      every_(every),
      attributes_(std::move(attributes)),
      scratch_(std::make_shared<store::Scratch>(folder_)),
      due_(Clock::now() +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(every_))) {}

void Committer::add(Record record) {
  if (record.status == RunStatus::failed) scratch_ = std::make_shared<store::Scratch>(folder_);
  if (record.arrays) bytes_ += bytes_of(*record.arrays);
  records_.push_back(std::move(record));
  if (records_.size() < kMostRecords && bytes_ < kMostBytes) return;
  commit();
  records_.clear();
  bytes_ = 0;
  written_ = 0;
  path_.clear();
  scratch_ = std::make_shared<store::Scratch>(folder_);  // the old one goes with the runs that still use it
}

void Committer::commit_if_due() {
  if (Clock::now() >= due_) commit();
}

void Committer::commit() {
  const Clock::time_point start = Clock::now();
  if (written_ < records_.size()) {
    if (!path_.empty()) {
      write_shard(path_, plan_, records_, attributes_(), store::Existing::replace);
    }
    while (path_.empty()) {
      fs::path path = folder_ / fmt::format("{}.{:03}.h5", name_, number_++);
      if (fs::exists(path) || fs::exists(path.string() + ".damaged")) continue;
      try {
        write_shard(path, plan_, records_, attributes_(), store::Existing::refuse);
      } catch (const base::UserError&) {
        if (!fs::exists(path)) throw;
        continue;  // another process has just taken that name
      }
      path_ = std::move(path);
    }
    written_ = records_.size();
  }
  const std::chrono::duration<double> wait(
      std::max(every_, 20 * std::chrono::duration<double>(Clock::now() - start).count()));
  due_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(wait);
}

}  // namespace ecphory::sweep
