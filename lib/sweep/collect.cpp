#include "ecphory/sweep/collect.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/sweep/assemble.hpp"

namespace ecphory::sweep {
namespace {

using Shape = std::vector<std::size_t>;

std::size_t product(const Shape& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::size_t{1}, std::multiplies<>());
}

/// Shards with runs that the collected file takes from them. A few are open at a time.
class Sources {
 public:
  explicit Sources(const Ledger& ledger) : shard_of_(ledger.shard_of), readers_(ledger.shards.size()) {
    for (const RunStatus status : ledger.status) done_.push_back(status == RunStatus::done);
    for (const Shard& shard : ledger.shards) {
      shards_.push_back(shard);
      shards_.back().records.clear();
    }
  }

  std::size_t size() const { return shards_.size(); }
  const std::filesystem::path& path(std::size_t shard) const { return shards_[shard].path; }
  const Shape& rows(std::size_t shard) const { return shards_[shard].rows; }
  bool has(std::size_t shard, std::size_t run) const { return done_[run] && shard_of_[run] == shard; }
  bool has_all(std::size_t first, std::size_t count) const {
    const auto begin = done_.begin() + static_cast<std::ptrdiff_t>(first);
    return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(count), [](bool done) { return done; });
  }
  bool is_used(std::size_t shard) const {
    return std::ranges::any_of(rows(shard), [&](std::size_t run) { return has(shard, run); });
  }

  const store::Reader& reader(std::size_t shard) {
    if (readers_[shard]) return *readers_[shard];
    constexpr std::size_t kMostOpen = 24;
    if (open_.size() == kMostOpen) {
      readers_[open_.front()].reset();
      open_.erase(open_.begin());
    }
    open_.push_back(shard);
    readers_[shard] = open_shard(shards_[shard]);
    return *readers_[shard];
  }

 private:
  std::vector<Shard> shards_;  ///< without records
  std::vector<bool> done_;
  std::vector<std::uint32_t> shard_of_;
  std::vector<std::unique_ptr<const store::Reader>> readers_;
  std::vector<std::size_t> open_;
};

/// One array of the experiment as the shards have it together.
struct Gathered {
  store::LabelledArray array;             ///< of one run: its own dimensions and largest extents, no values
  std::vector<std::optional<Shape>> own;  ///< extents in each shard that has it run by run
  std::vector<std::optional<store::Values>>
      shared;  ///< of each shard in which it is a coordinate of all runs
};

/// Whether all shards have the array in its full extents.
bool same_extents(const Gathered& g) {
  return std::ranges::all_of(g.own, [&](const auto& own) { return !own || *own == g.array.shape; });
}

/// What a shard calls an array that it has run by run.
std::string name_in_shards(const Gathered& g) {
  return g.array.is_coordinate() ? name_of_own_coordinate(g.array.name) : g.array.name;
}

/// Reads the rows of one shard that are in a box of a gathered array.
template <class T>
void read_rows(Sources& sources, const Gathered& from, std::size_t shard, std::size_t first_run,
               std::size_t runs, const store::Box& own, std::span<T> to) {
  const Shape& rows = sources.rows(shard);
  const auto begin = std::ranges::lower_bound(rows, first_run);
  const auto end = std::lower_bound(begin, rows.end(), first_run + runs);
  if (begin == end || !from.own[shard]) return;
  const auto n = static_cast<std::size_t>(end - begin);
  store::Box box{{static_cast<std::size_t>(begin - rows.begin())}, {n}};
  Shape count;
  for (std::size_t i = 0; i < own.start.size(); ++i) {
    const std::size_t extent = (*from.own[shard])[i];
    if (extent <= own.start[i]) return;
    count.push_back(std::min(own.count[i], extent - own.start[i]));
  }
  box.start.insert(box.start.end(), own.start.begin(), own.start.end());
  box.count.insert(box.count.end(), count.begin(), count.end());
  const std::size_t of_row = product(count);
  const std::size_t of_run = own.elements();
  const auto ours = [&](std::size_t run) { return sources.has(shard, run); };
  const auto place_of = [&](std::size_t run) { return (run - first_run) * of_run; };
  if (n == runs && count == own.count && std::all_of(begin, end, ours)) {
    sources.reader(shard).read(name_in_shards(from), box, to);
    return;
  }
  constexpr std::size_t kLongRow = 65536;  // bytes, of which a single read costs little more than the copy
  if (count == own.count && of_row * sizeof(T) >= kLongRow) {
    box.count.front() = 1;
    for (auto run = begin; run != end; ++run, ++box.start.front()) {
      if (ours(*run))
        sources.reader(shard).read(name_in_shards(from), box, to.subspan(place_of(*run), of_run));
    }
    return;
  }
  const std::unique_ptr<T[]> values(new T[box.elements()]);  // not set to 0 first
  sources.reader(shard).read(name_in_shards(from), box, std::span<T>(values.get(), box.elements()));
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t run = *(begin + static_cast<std::ptrdiff_t>(k));
    if (!ours(run)) continue;
    copy_padded(values.get() + k * of_row, count, to.begin() + static_cast<std::ptrdiff_t>(place_of(run)),
                own.count);
  }
}

/// The numbers of a box of the collected array. `leading` are the plan's extents.
template <class T>
void gather(Sources& sources, const Gathered& from, const Shape& leading, const store::Box& box,
            std::span<T> to) {
  std::size_t first_run = 0;
  std::size_t runs = 1;
  for (std::size_t i = 0; i < leading.size(); ++i) {
    first_run = first_run * leading[i] + box.start[i];
    runs *= box.count[i];
  }
  const auto at = static_cast<std::ptrdiff_t>(leading.size());
  const store::Box own{{box.start.begin() + at, box.start.end()}, {box.count.begin() + at, box.count.end()}};
  if (!sources.has_all(first_run, runs) || !same_extents(from))
    std::ranges::fill(to, std::get<std::vector<T>>(filled(std::vector<T>{}, 1)).front());
  for (std::size_t shard = 0; shard < sources.size(); ++shard)
    read_rows(sources, from, shard, first_run, runs, own, to);
}

/// All values of an array, for what is kept in memory: strings, and coordinates that differ between runs.
template <class T>
std::vector<T> gather_all(Sources& sources, const Gathered& from, std::size_t runs) {
  const std::size_t of_run = product(from.array.shape);
  auto all = std::get<std::vector<T>>(filled(std::vector<T>{}, runs * of_run));
  for (std::size_t shard = 0; shard < sources.size(); ++shard) {
    const bool shared = from.shared[shard].has_value();
    if (!shared && !from.own[shard]) continue;
    const auto values = std::get<std::vector<T>>(shared ? *from.shared[shard]
                                                        : sources.reader(shard).read(name_in_shards(from)));
    const Shape shape = shared ? Shape{values.size()} : *from.own[shard];
    const std::size_t of_row = shared ? 0 : product(shape);
    for (std::size_t k = 0; k < sources.rows(shard).size(); ++k) {
      const std::size_t run = sources.rows(shard)[k];
      if (!sources.has(shard, run)) continue;
      copy_padded(values.begin() + static_cast<std::ptrdiff_t>(k * of_row), shape,
                  all.begin() + static_cast<std::ptrdiff_t>(run * of_run), from.array.shape);
    }
  }
  return all;
}

/// Which rows of the shards an array over the plan's dimensions is made of. Rows that follow each other in
/// both, within a line of the last of `leading`, are one box.
std::vector<store::Source> sources_of(const Sources& sources, const Gathered& from, const Shape& leading,
                                      const std::filesystem::path& folder) {
  std::vector<store::Source> all;
  const std::size_t line = leading.empty() ? 1 : leading.back();
  for (std::size_t shard = 0; shard < sources.size(); ++shard) {
    if (!from.own[shard]) continue;
    const Shape& own = *from.own[shard];
    const Shape& rows = sources.rows(shard);
    std::string file;  // in which HDF5 takes %b for the number of a block
    for (const char c : std::filesystem::relative(sources.path(shard), folder).string())
      file += c == '%' ? "%%" : std::string(1, c);
    store::Source source{
        .file = std::move(file), .array = name_in_shards(from), .shape = own, .from = {}, .to = {}};
    source.shape.insert(source.shape.begin(), rows.size());
    for (std::size_t row = 0; row < rows.size();) {
      const std::size_t run = rows[row];
      std::size_t n = 0;
      while (row + n < rows.size() && rows[row + n] == run + n && sources.has(shard, run + n) &&
             run % line + n < line)
        ++n;
      if (n == 0) {
        ++row;
        continue;
      }
      store::Box in_shard{{row}, {n}};
      store::Box here{Shape(leading.size()), Shape(leading.size(), 1)};
      for (std::size_t i = leading.size(), rest = run; i-- > 0; rest /= leading[i])
        here.start[i] = rest % leading[i];
      if (!leading.empty()) here.count.back() = n;
      for (store::Box* const box : {&in_shard, &here}) {
        box->start.resize(box->start.size() + own.size(), 0);
        box->count.insert(box->count.end(), own.begin(), own.end());
      }
      source.from.push_back(std::move(in_shard));
      source.to.push_back(std::move(here));
      row += n;
    }
    if (!source.from.empty()) all.push_back(std::move(source));
  }
  return all;
}

/// The coordinate that all runs share; nothing when they do not, or it is none.
std::optional<store::LabelledArray> shared_coordinate(const Gathered& g) {
  std::optional<store::LabelledArray> coordinate;
  for (std::size_t shard = 0; shard < g.shared.size(); ++shard) {
    if (g.own[shard]) return std::nullopt;
    if (!g.shared[shard]) continue;
    if (!coordinate) {
      coordinate = g.array;
      coordinate->values = *g.shared[shard];
    }
    if (!one_coordinate(coordinate->values, *g.shared[shard])) return std::nullopt;
    if (store::size_of(*g.shared[shard]) > store::size_of(coordinate->values))
      coordinate->values = *g.shared[shard];
  }
  return coordinate;
}

/// The array over the plan's dimensions, to be read from the shards.
store::LabelledArray collected(const std::shared_ptr<Sources>& sources, const Plan& plan,
                               const Gathered& from, Storage storage, const std::filesystem::path& folder) {
  if (auto coordinate = shared_coordinate(from)) return *std::move(coordinate);
  store::LabelledArray array = from.array;
  array.name = name_in_shards(from);
  const std::vector<std::string> dimensions = plan.dimensions();
  const Shape leading = plan.shape();
  array.dimensions.insert(array.dimensions.begin(), dimensions.begin(), dimensions.end());
  array.shape.insert(array.shape.begin(), leading.begin(), leading.end());
  const bool in_memory = std::ranges::any_of(from.shared, [](const auto& s) { return s.has_value(); });
  array.values = std::visit(
      [&]<class V>(const V&) -> store::Values {
        if constexpr (std::is_same_v<V, std::vector<std::string>>) {
          return gather_all<std::string>(*sources, from, plan.size());
        } else if constexpr (
            requires(V v) { std::span<const double>(v); } || requires(V v) { std::span<const float>(v); } ||
            requires(V v) { std::span<const std::int64_t>(v); } ||
            requires(V v) { std::span<const std::uint8_t>(v); }) {
          using T = typename V::value_type;
          if (in_memory) return gather_all<T>(*sources, from, plan.size());
          if (storage == Storage::mapped && !array.shape.empty())
            return store::Mapped<T>{sources_of(*sources, from, leading, folder)};
          return store::Streamed<T>{[sources, from, leading](const store::Box& box, std::span<T> to) {
            gather(*sources, from, leading, box, to);
          }};
        } else {
          throw base::Bug("what a file has is numbers or strings");
        }
      },
      from.array.values);
  return array;
}

/// Adds a shard's arrays to what the shards before it have.
void add_shard(const store::Reader& reader, std::size_t shard, std::size_t shards,
               std::vector<Gathered>& all) {
  for (const store::LabelledArray& array : reader.layout().arrays) {
    if (array.dimensions.front() == "record" || array.name == "run") continue;
    if (array.is_coordinate() && reader.layout().find(name_of_own_coordinate(array.name)) != nullptr)
      continue;  // mere numbers 0, 1, 2 …
    store::LabelledArray one = array;
    const bool by_run = array.dimensions.front() == "run";
    if (by_run) {
      one.dimensions.erase(one.dimensions.begin());
      one.shape.erase(one.shape.begin());
      if (one.dimensions.size() == 1 && one.name == name_of_own_coordinate(one.dimensions.front()))
        one.name = one.dimensions.front();
    }
    auto known = std::ranges::find_if(all, [&](const Gathered& g) { return g.array.name == one.name; });
    if (known == all.end()) {
      all.push_back({one, std::vector<std::optional<Shape>>(shards), {}});
      known = std::prev(all.end());
      known->shared.resize(shards);
    }
    base::ensure(
        known->array.dimensions == one.dimensions && known->array.values.index() == one.values.index(),
        "every shard has the same arrays: " + one.name);
    if (by_run) {
      known->own[shard] = one.shape;
    } else {
      known->shared[shard] = reader.read(array.name);
    }
    std::ranges::transform(one.shape, known->array.shape, known->array.shape.begin(),
                           [](auto a, auto b) { return std::max(a, b); });
  }
}

/// The swept keys, over their dimension of the grid or over the points.
std::vector<store::LabelledArray> swept_keys(const Plan& plan) {
  std::vector<store::LabelledArray> arrays;
  const auto add = [&](const std::string& key, const std::vector<base::Value>& list) {
    const base::Parameter& parameter = base::find_parameter(plan.experiment.parameters, key);
    arrays.push_back(
        store::coordinate(plan.name_of(key), values_of(list), parameter.unit, parameter.meaning));
    if (!plan.is_grid()) arrays.back().dimensions = {"point"};
  };
  for (const Axis& axis : plan.axes) add(axis.key, axis.values);
  if (!plan.is_grid()) {
    for (const Column& column : plan.columns) add(column.key, column.values);
  }
  return arrays;
}

void add_bookkeeping(const Plan& plan, const Ledger& ledger, store::Dataset& dataset) {
  std::vector<std::uint8_t> statuses;
  for (const RunStatus status : ledger.status) statuses.push_back(static_cast<std::uint8_t>(status));
  dataset.arrays.push_back({.name = "status",
                            .dimensions = plan.dimensions(),
                            .shape = plan.shape(),
                            .values = std::move(statuses),
                            .long_name = "whether the point was run",
                            .attributes = {{"flag_values", std::vector<std::uint8_t>{0, 1, 2, 3}},
                                           {"flag_meanings", std::string(kRunStatuses)}}});
  if (ledger.messages.empty()) return;
  std::vector<std::string> messages(plan.size());
  for (const auto& [run, message] : ledger.messages) messages[run] = message;
  dataset.arrays.push_back({.name = "message",
                            .dimensions = plan.dimensions(),
                            .shape = plan.shape(),
                            .values = std::move(messages),
                            .long_name = "why the point failed"});
}

/// Says of everything over the points that the swept keys are its coordinates (CF conventions, 5).
void name_coordinates(const Plan& plan, store::Dataset& dataset) {
  std::vector<std::string> keys;
  for (const Column& column : plan.columns) keys.push_back(plan.name_of(column.key));
  for (store::LabelledArray& array : dataset.arrays) {
    if (array.dimensions.empty() || array.dimensions.front() != "point" ||
        std::ranges::find(keys, array.name) != keys.end())
      continue;
    array.attributes.emplace_back("coordinates", fmt::format("{}", fmt::join(keys, " ")));
  }
}

}  // namespace

store::Dataset collect(const Plan& plan, const Ledger& ledger, Storage storage,
                       const std::filesystem::path& folder) {
  base::ensure(ledger.status.size() == plan.size(), "the ledger is of this plan");
  const auto sources = std::make_shared<Sources>(ledger);
  std::vector<Gathered> gathered;
  for (std::size_t shard = 0; shard < sources->size(); ++shard) {
    if (!sources->is_used(shard)) continue;
    add_shard(sources->reader(shard), shard, sources->size(), gathered);
    for (const Gathered& g : gathered)
      base::ensure(g.own[shard] || g.shared[shard], "every shard has the same arrays: " + g.array.name);
  }
  store::Dataset dataset;
  dataset.arrays = swept_keys(plan);
  add_bookkeeping(plan, ledger, dataset);
  for (const Gathered& array : gathered)
    dataset.arrays.push_back(collected(sources, plan, array, storage, folder));
  if (!plan.is_grid()) name_coordinates(plan, dataset);
  return dataset;
}

}  // namespace ecphory::sweep
