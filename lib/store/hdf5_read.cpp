#include "ecphory/store/hdf5_read.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <type_traits>

#include <fmt/format.h>
#include <hdf5_hl.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_handle.hpp"

namespace ecphory::store {
namespace {

using hdf5::check;
using hdf5::Handle;
using hdf5::memory_type;

/// Attributes by which HDF5 marks dimension scales; not the user's.
bool is_bookkeeping(const std::string& attribute) {
  return attribute == "CLASS" || attribute == "NAME" || attribute == "DIMENSION_LIST" ||
         attribute == "REFERENCE_LIST" || attribute.starts_with("_Netcdf4");
}

std::vector<std::size_t> shape_of(hid_t space) {
  const int rank = static_cast<int>(check(H5Sget_simple_extent_ndims(space), "reading a shape"));
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  if (rank > 0) H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  return {extents.begin(), extents.end()};
}

std::size_t elements_of(hid_t space) {
  const std::vector<std::size_t> shape = shape_of(space);
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

/// Reads the n elements that `read_into(memory type, buffer)` gives, by the type that the file has.
template <class ReadInto>
Values read_values(hid_t type, hid_t space, std::size_t n, const std::string& name,
                   const ReadInto& read_into) {
  const auto numbers = [&]<class T>(hid_t memory, std::vector<T> buffer) -> Values {
    if (n > 0) read_into(memory, buffer.data());
    return buffer;
  };
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      if (H5Tget_size(type) == sizeof(float)) return numbers(H5T_NATIVE_FLOAT, std::vector<float>(n));
      return numbers(H5T_NATIVE_DOUBLE, std::vector<double>(n));
    case H5T_INTEGER:
      if (H5Tget_size(type) == 1 && H5Tget_sign(type) == H5T_SGN_NONE) {
        return numbers(H5T_NATIVE_UINT8, std::vector<std::uint8_t>(n));
      }
      return numbers(H5T_NATIVE_INT64, std::vector<std::int64_t>(n));
    case H5T_STRING:
      if (H5Tis_variable_str(type) > 0) {
        const Handle memory = hdf5::string_type();
        H5Tset_cset(memory, H5Tget_cset(type));
        std::vector<char*> pointers(n, nullptr);
        if (n > 0) read_into(memory, pointers.data());
        std::vector<std::string> strings;
        for (const char* const p : pointers) strings.emplace_back(p == nullptr ? "" : p);
        if (n > 0) H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers.data());
        return strings;
      }
      [[fallthrough]];
    default:
      throw base::UserError({.key = name,
                             .problem = "has a type that labelled arrays do not have",
                             .expected = "whole numbers, reals or variable-length strings"});
  }
}

template <class V>
Attribute attribute_of(const V&, bool) {
  throw base::Bug("what is read is in memory");
}

template <class T>
Attribute attribute_of(const std::vector<T>& values, bool scalar) {
  if constexpr (std::is_same_v<T, Spooled>) {
    throw base::Bug("what is read is in memory");
  } else if constexpr (std::is_same_v<T, std::string>) {
    return values.empty() ? std::string() : values.front();
  } else if constexpr (std::is_same_v<T, float>) {
    if (scalar) return static_cast<double>(values.front());
    return std::vector<double>(values.begin(), values.end());
  } else if constexpr (std::is_same_v<T, std::uint8_t>) {
    if (scalar) return std::int64_t{values.front()};
    return values;
  } else {
    if (scalar) return values.front();
    return values;
  }
}

Attributes read_attributes(hid_t object) {
  std::vector<std::string> names;
  hsize_t position = 0;
  check(H5Aiterate2(
            object, H5_INDEX_CRT_ORDER, H5_ITER_INC, &position,
            [](hid_t, const char* name, const H5A_info_t*, void* list) -> herr_t {
              static_cast<std::vector<std::string>*>(list)->emplace_back(name);
              return 0;
            },
            &names),
        "listing attributes");
  Attributes attributes;
  for (const std::string& name : names) {
    if (is_bookkeeping(name)) continue;
    const std::string doing = "reading the attribute " + name;
    const Handle attribute(check(H5Aopen(object, name.c_str(), H5P_DEFAULT), doing), H5Aclose);
    const Handle type(check(H5Aget_type(attribute), doing), H5Tclose);
    const Handle space(check(H5Aget_space(attribute), doing), H5Sclose);
    const Values values = read_values(type, space, elements_of(space), name, [&](hid_t memory, void* to) {
      check(H5Aread(attribute, memory, to), doing);
    });
    const bool scalar = H5Sget_simple_extent_type(space) == H5S_SCALAR;
    attributes.emplace_back(name, std::visit([&](const auto& v) { return attribute_of(v, scalar); }, values));
  }
  return attributes;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// Names of a dataset's dimensions, from the scales attached to it.
std::vector<std::string> dimensions_of(hid_t dataset, const std::string& name, std::size_t rank) {
  if (H5DSis_scale(dataset) > 0) return {name};
  std::vector<std::string> names(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    H5DSiterate_scales(
        dataset, static_cast<unsigned>(i), nullptr,
        [](hid_t, unsigned, hid_t scale, void* to) -> herr_t {
          std::string path(256, '\0');
          const ssize_t length = H5Iget_name(scale, path.data(), path.size());
          path.resize(static_cast<std::size_t>(std::clamp<ssize_t>(length, 0, 255)));
          *static_cast<std::string*>(to) = base_name(path);
          return 1;
        },
        &names[i]);
    if (names[i].empty()) names[i] = fmt::format("{}_dim_{}", name, i);
  }
  return names;
}

/// Name, dimensions, shape, type and attributes of an array.
LabelledArray layout_of(hid_t dataset, const std::string& name) {
  const std::string doing = "reading the variable " + name;
  const Handle type(check(H5Dget_type(dataset), doing), H5Tclose);
  const Handle space(check(H5Dget_space(dataset), doing), H5Sclose);
  LabelledArray array;
  array.name = name;
  array.shape = shape_of(space);
  array.dimensions = dimensions_of(dataset, name, array.shape.size());
  array.values = read_values(type, space, 0, name, [](hid_t, void*) {});
  for (auto& [key, value] : read_attributes(dataset)) {
    const auto* const text = std::get_if<std::string>(&value);
    if (key == "units" && text != nullptr) {
      array.units = *text;
    } else if (key == "long_name" && text != nullptr) {
      array.long_name = *text;
    } else {
      array.attributes.emplace_back(key, std::move(value));
    }
  }
  return array;
}

std::vector<std::string> variables_of(hid_t file) {
  std::vector<std::string> names;
  hsize_t position = 0;
  const auto add = [](hid_t group, const char* name, const H5L_info_t*, void* list) -> herr_t {
    H5O_info_t info;
    if (H5Oget_info_by_name(group, name, &info, H5P_DEFAULT) < 0) return -1;
    if (info.type == H5O_TYPE_DATASET) static_cast<std::vector<std::string>*>(list)->emplace_back(name);
    return 0;
  };
  if (H5Literate(file, H5_INDEX_CRT_ORDER, H5_ITER_INC, &position, add, &names) < 0) {
    names.clear();
    position = 0;
    check(H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, &position, add, &names), "listing variables");
  }
  return names;
}

}  // namespace

struct Reader::File {
  std::filesystem::path path;
  Handle handle;
  std::map<std::string, Handle> datasets = {};
  Dataset layout = {};

  /// Does `work`; what HDF5 complains of gets the name of the file.
  template <class Work>
  static auto at(const std::filesystem::path& path, const Work& work) {
    const hdf5::Turn turn;
    try {
      return work();
    } catch (const base::UserError& error) {
      base::Complaint complaint = error.complaint();
      complaint.where = path.string();
      throw base::UserError(complaint);
    }
  }

  hid_t dataset(const std::string& name) const {
    const auto found = datasets.find(name);
    base::ensure(found != datasets.end(), "no array of this name in the file: " + name);
    return found->second;
  }
};

Reader::Reader(const std::filesystem::path& path, const std::string& group) {
  if (!std::filesystem::exists(path)) {
    throw base::UserError({.key = path.string(), .problem = "there is no such file"});
  }
  File::at(path, [&] {
    file_ = std::make_unique<File>(File{
        path,
        Handle(check(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "opening it as HDF5"), H5Fclose)});
    const Handle opened(
        check(H5Gopen2(file_->handle, group.c_str(), H5P_DEFAULT), "opening its group " + group), H5Gclose);
    file_->layout.attributes = read_attributes(opened);
    for (const std::string& name : variables_of(opened)) {
      Handle dataset(check(H5Dopen2(opened, name.c_str(), H5P_DEFAULT), "reading the variable " + name),
                     H5Dclose);
      file_->layout.arrays.push_back(layout_of(dataset, name));
      file_->datasets.emplace(name, std::move(dataset));
    }
  });
}

Reader::~Reader() {
  const hdf5::Turn turn;
  file_.reset();
}

const Dataset& Reader::layout() const { return file_->layout; }

Values Reader::read(const std::string& name) const {
  return File::at(file_->path, [&] {
    const std::string doing = "reading the variable " + name;
    const hid_t dataset = file_->dataset(name);
    const Handle type(check(H5Dget_type(dataset), doing), H5Tclose);
    const Handle space(check(H5Dget_space(dataset), doing), H5Sclose);
    return read_values(type, space, elements_of(space), name, [&](hid_t memory, void* to) {
      check(H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, to), doing);
    });
  });
}

template <class T>
void Reader::read(const std::string& name, const Box& box, std::span<T> to) const {
  base::ensure(box.elements() == to.size(), "there is room for the box");
  base::ensure(std::holds_alternative<std::vector<T>>(file_->layout.at(name).values),
               "an array is read as its own type: " + name);
  File::at(file_->path, [&] {
    const std::string doing = "reading the variable " + name;
    const hid_t dataset = file_->dataset(name);
    const Handle in_file(check(H5Dget_space(dataset), doing), H5Sclose);
    const std::vector<hsize_t> start(box.start.begin(), box.start.end());
    const std::vector<hsize_t> count(box.count.begin(), box.count.end());
    const Handle in_memory(
        check(count.empty() ? H5Screate(H5S_SCALAR)
                            : H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
              doing),
        H5Sclose);
    if (!count.empty()) {
      check(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
            doing);
    }
    check(H5Dread(dataset, memory_type<T>(), in_memory, in_file, H5P_DEFAULT, to.data()), doing);
  });
}

template void Reader::read(const std::string&, const Box&, std::span<double>) const;
template void Reader::read(const std::string&, const Box&, std::span<float>) const;
template void Reader::read(const std::string&, const Box&, std::span<std::int64_t>) const;
template void Reader::read(const std::string&, const Box&, std::span<std::uint8_t>) const;

Dataset read(const std::filesystem::path& path, const std::string& group, std::size_t most_elements) {
  const Reader reader(path, group);
  Dataset dataset = reader.layout();
  for (LabelledArray& array : dataset.arrays) {
    const std::size_t elements =
        std::accumulate(array.shape.begin(), array.shape.end(), std::size_t{1}, std::multiplies<>());
    if (elements <= most_elements) array.values = reader.read(array.name);
  }
  return dataset;
}

}  // namespace ecphory::store
