#include "ecphory/sweep/assemble.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <type_traits>

#include "ecphory/base/error.hpp"

namespace ecphory::sweep {
namespace {

std::size_t product(const std::vector<std::size_t>& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::size_t{1}, std::multiplies<>());
}

/// The same array in every run.
std::vector<const store::LabelledArray*> one_of_each(const std::vector<const store::Dataset*>& runs,
                                                     std::size_t index) {
  const store::LabelledArray& first = runs.front()->arrays[index];
  std::vector<const store::LabelledArray*> arrays;
  for (const store::Dataset* const run : runs) {
    base::ensure(run->arrays.size() == runs.front()->arrays.size(), "every run gives the same arrays");
    const store::LabelledArray& array = run->arrays[index];
    base::ensure(array.name == first.name && array.dimensions == first.dimensions &&
                     array.values.index() == first.values.index(),
                 "every run gives the same arrays: " + first.name);
    arrays.push_back(&array);
  }
  return arrays;
}

const store::LabelledArray* shared_coordinate(const std::vector<const store::LabelledArray*>& arrays) {
  const store::LabelledArray* longest = arrays.front();
  for (const store::LabelledArray* const array : arrays) {
    if (!one_coordinate(longest->values, array->values)) return nullptr;
    if (array->shape.front() > longest->shape.front()) longest = array;
  }
  return longest;
}

store::LabelledArray stacked(const std::vector<const store::LabelledArray*>& arrays,
                             const std::string& dimension) {
  store::LabelledArray all = *arrays.front();
  std::vector<std::size_t> own = all.shape;
  for (const store::LabelledArray* const array : arrays)
    std::ranges::transform(array->shape, own, own.begin(), [](auto a, auto b) { return std::max(a, b); });
  if (all.is_coordinate()) all.name = name_of_own_coordinate(all.name);
  all.dimensions.insert(all.dimensions.begin(), dimension);
  all.shape = own;
  all.shape.insert(all.shape.begin(), arrays.size());
  all.values = std::visit(
      [&]<class V>(const V&) -> store::Values {
        V values;
        if constexpr (std::is_same_v<V, std::vector<store::Spooled>>) {
          for (const store::LabelledArray* const array : arrays)
            std::ranges::copy(std::get<V>(array->values), std::back_inserter(values));
        } else if constexpr (requires { values.begin(); }) {
          values = std::get<V>(filled(V{}, product(all.shape)));
          auto to = values.begin();
          for (const store::LabelledArray* const array : arrays) {
            copy_padded(std::get<V>(array->values).begin(), array->shape, to, own);
            to += static_cast<std::ptrdiff_t>(product(own));
          }
        } else {
          throw base::Bug("no run streams its arrays");
        }
        return values;
      },
      arrays.front()->values);
  return all;
}

}  // namespace

store::Values filled(const store::Values& like, std::size_t count) {
  return std::visit(
      [&]<class V>(const V&) -> store::Values {
        if constexpr (std::is_same_v<V, std::vector<double>> || std::is_same_v<V, std::vector<float>>) {
          return V(count, std::numeric_limits<typename V::value_type>::quiet_NaN());
        } else if constexpr (requires { V(count); }) {
          return V(count);
        } else {
          throw base::Bug("streamed arrays are not filled");
        }
      },
      like);
}

store::Values values_of(const std::vector<base::Value>& settings) {
  return std::visit(
      [&]<class T>(const T&) -> store::Values {
        std::vector<std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>> list;
        for (const base::Value& value : settings) list.push_back(std::get<T>(value));
        return list;
      },
      settings.front());
}

bool one_coordinate(const store::Values& a, const store::Values& b) {
  return std::visit(
      [&]<class V>(const V& values) {
        if constexpr (requires { values.begin(); }) {
          const V& others = std::get<V>(b);
          const auto n = static_cast<std::ptrdiff_t>(std::min(values.size(), others.size()));
          return std::equal(values.begin(), values.begin() + n, others.begin());
        } else {
          return false;
        }
      },
      a);
}

std::vector<store::LabelledArray> assemble(const std::vector<const store::Dataset*>& runs,
                                           const std::string& dimension) {
  std::vector<store::LabelledArray> all;
  if (runs.empty()) return all;
  for (std::size_t i = 0; i < runs.front()->arrays.size(); ++i) {
    const std::vector<const store::LabelledArray*> arrays = one_of_each(runs, i);
    const bool coordinate = arrays.front()->is_coordinate();
    const store::LabelledArray* const shared = coordinate ? shared_coordinate(arrays) : nullptr;
    all.push_back(shared != nullptr ? *shared : stacked(arrays, dimension));
  }
  return all;
}

}  // namespace ecphory::sweep
