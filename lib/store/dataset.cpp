#include "ecphory/store/dataset.hpp"

#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "ecphory/base/error.hpp"

namespace ecphory::store {

std::size_t Box::elements() const {
  return std::accumulate(count.begin(), count.end(), std::size_t{1}, std::multiplies<>());
}

std::size_t size_of(const Values& values) {
  return std::visit(
      [](const auto& v) -> std::size_t {
        if constexpr (requires { v.size(); }) return v.size();
        return 0;
      },
      values);
}

bool is_elsewhere(const Values& values) {
  return std::visit(
      [](const auto& v) {
        return !requires { v.size(); };
      },
      values);
}

LabelledArray coordinate(std::string name, Values values, std::string units, std::string long_name) {
  const std::size_t n = size_of(values);
  return {.name = name,
          .dimensions = {name},
          .shape = {n},
          .values = std::move(values),
          .units = std::move(units),
          .long_name = std::move(long_name)};
}

LabelledArray scalar(std::string name, double value, std::string units, std::string long_name) {
  return {.name = std::move(name),
          .dimensions = {},
          .shape = {},
          .values = std::vector<double>{value},
          .units = std::move(units),
          .long_name = std::move(long_name)};
}

const LabelledArray* Dataset::find(std::string_view name) const {
  for (const LabelledArray& array : arrays) {
    if (array.name == name) return &array;
  }
  return nullptr;
}

const LabelledArray& Dataset::at(std::string_view name) const {
  const LabelledArray* const array = find(name);
  base::ensure(array != nullptr, "no array of this name in the dataset: " + std::string(name));
  return *array;
}

namespace {

std::size_t product(const std::vector<std::size_t>& extents, std::size_t n) {
  return std::accumulate(extents.begin(), extents.begin() + static_cast<std::ptrdiff_t>(n), std::size_t{1},
                         std::multiplies<>());
}

/// Leading dimensions count the parts.
void ensure_consistent(const LabelledArray& array, const std::vector<Spooled>& parts) {
  for (const Spooled& part : parts) {
    base::ensure(array.shape.size() >= part.rank() && part.rank() == parts.front().rank() &&
                     product(array.shape, array.shape.size() - part.rank()) == parts.size() &&
                     (part.columns == 0 || array.shape.back() >= part.columns),
                 "a spooled array is series x rows x columns: " + array.name);
    base::ensure(
        part.spool == nullptr || (array.shape[array.shape.size() - part.rank()] >= part.spool->series() &&
                                  part.first_column + part.width() <= part.spool->columns()),
        "an array has the series and columns of its spools: " + array.name);
  }
}

}  // namespace

void ensure_consistent(const Dataset& dataset) {
  std::set<std::string> names;
  std::map<std::string, std::size_t> extents;
  for (const LabelledArray& array : dataset.arrays) {
    base::ensure(!array.name.empty() && names.insert(array.name).second,
                 "array names are unique: " + array.name);
    base::ensure(array.dimensions.size() == array.shape.size(), "one extent per dimension: " + array.name);
    base::ensure(std::set(array.dimensions.begin(), array.dimensions.end()).size() == array.dimensions.size(),
                 "no dimension twice: " + array.name);
    if (const auto* const parts = std::get_if<std::vector<Spooled>>(&array.values)) {
      ensure_consistent(array, *parts);
    } else if (!is_elsewhere(array.values)) {
      base::ensure(size_of(array.values) == product(array.shape, array.shape.size()),
                   "as many values as the shape says: " + array.name);
    }
    for (std::size_t i = 0; i < array.shape.size(); ++i) {
      const auto [known, is_new] = extents.emplace(array.dimensions[i], array.shape[i]);
      base::ensure(is_new || known->second == array.shape[i],
                   "a dimension has one extent in the whole dataset: " + array.dimensions[i]);
    }
  }
  for (const LabelledArray& array : dataset.arrays) {
    base::ensure(!extents.contains(array.name) || array.is_coordinate(),
                 "an array named like a dimension is its coordinate: " + array.name);
  }
}

}  // namespace ecphory::store
