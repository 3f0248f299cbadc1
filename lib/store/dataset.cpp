#include "ecphory/store/dataset.hpp"

#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "ecphory/base/error.hpp"

namespace ecphory::store {

std::size_t size_of(const Values& values) {
  return std::visit([](const auto& v) { return v.size(); }, values);
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

void ensure_consistent(const Dataset& dataset) {
  std::set<std::string> names;
  std::map<std::string, std::size_t> extents;
  for (const LabelledArray& array : dataset.arrays) {
    base::ensure(!array.name.empty() && names.insert(array.name).second,
                 "array names are unique: " + array.name);
    base::ensure(array.dimensions.size() == array.shape.size(), "one extent per dimension: " + array.name);
    base::ensure(std::set(array.dimensions.begin(), array.dimensions.end()).size() == array.dimensions.size(),
                 "no dimension twice: " + array.name);
    const std::size_t expected =
        std::accumulate(array.shape.begin(), array.shape.end(), std::size_t{1}, std::multiplies<>());
    base::ensure(size_of(array.values) == expected, "as many values as the shape says: " + array.name);
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
