#pragma once
// Enumerations whose values have names.

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace ecphory::base {

/// An enumeration whose values have names: `names(E{})` gives them in the order of the enumerators.
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) {
  { names(e) } -> std::convertible_to<std::span<const std::string_view>>;
};

template <NamedEnum E>
std::string name_of(E value) {
  return std::string(names(value)[static_cast<std::size_t>(value)]);
}

}  // namespace ecphory::base
