#include "ecphory/store/hdf5_write.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <type_traits>

#include <fmt/format.h>
#include <hdf5_hl.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_handle.hpp"
#include "ecphory/store/seal.hpp"

namespace ecphory::store {
namespace {

using hdf5::check;
using hdf5::Handle;
using hdf5::memory_type;

constexpr std::size_t kChunkBytes = 1 << 20;

/// The type of the numbers of a vector or of a streamed array.
template <class V>
struct ElementOf;
template <class T>
struct ElementOf<std::vector<T>> {
  using Type = T;
};
template <class T>
struct ElementOf<Streamed<T>> {
  using Type = T;
};
template <class T>
struct ElementOf<Mapped<T>> {
  using Type = T;
};

template <class T>
hid_t file_type() {
  if constexpr (std::is_same_v<T, double>) return H5T_IEEE_F64LE;
  if constexpr (std::is_same_v<T, float>) return H5T_IEEE_F32LE;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_STD_I64LE;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_STD_U8LE;
}

Handle dataspace(const std::vector<std::size_t>& shape) {
  if (shape.empty()) return {check(H5Screate(H5S_SCALAR), "making a dataspace"), H5Sclose};
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  return {check(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr),
                "making a dataspace"),
          H5Sclose};
}

std::vector<const char*> c_strings(const std::vector<std::string>& strings) {
  std::vector<const char*> pointers;
  for (const std::string& s : strings) pointers.push_back(s.c_str());
  return pointers;
}

void write_attribute(hid_t object, const std::string& name, const Attribute& attribute) {
  const std::string doing = "writing the attribute " + name;
  const auto store = [&](hid_t in_file, hid_t in_memory, const std::vector<std::size_t>& shape,
                         const void* data) {
    const Handle space = dataspace(shape);
    const Handle created(
        check(H5Acreate2(object, name.c_str(), in_file, space, H5P_DEFAULT, H5P_DEFAULT), doing), H5Aclose);
    check(H5Awrite(created, in_memory, data), doing);
  };
  std::visit(
      [&]<class T>(const T& value) {
        if constexpr (std::is_same_v<T, std::string>) {
          const Handle type = hdf5::string_type();
          const char* const text = value.c_str();
          store(type, type, {}, &text);
        } else if constexpr (std::is_arithmetic_v<T>) {
          store(file_type<T>(), memory_type<T>(), {}, &value);
        } else {
          using Element = typename T::value_type;
          store(file_type<Element>(), memory_type<Element>(), {value.size()}, value.data());
        }
      },
      attribute);
}

/// Chunks of about 1 MB: whole trailing dimensions, then a block of the dimension before them.
std::vector<hsize_t> chunk_shape(const std::vector<std::size_t>& shape, std::size_t element_bytes) {
  std::vector<hsize_t> chunk(shape.begin(), shape.end());
  std::size_t bytes = element_bytes;
  for (std::size_t i = chunk.size(); i-- > 0;) {
    chunk[i] = std::clamp<hsize_t>(kChunkBytes / bytes, 1, chunk[i]);
    bytes *= chunk[i];
  }
  return chunk;
}

Handle creation_properties(const LabelledArray& array, std::size_t element_bytes, int gzip) {
  const std::size_t size =
      std::accumulate(array.shape.begin(), array.shape.end(), std::size_t{1}, std::multiplies<>());
  Handle properties(check(H5Pcreate(H5P_DATASET_CREATE), "making creation properties"), H5Pclose);
  check(H5Pset_attr_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED),
        "tracking the order of attributes");
  const bool numbers = !std::holds_alternative<std::vector<std::string>>(array.values);
  const bool compressed = gzip > 0 && numbers;
  if (!array.shape.empty() && size > 0 && (compressed || size * element_bytes > kChunkBytes)) {
    const std::vector<hsize_t> chunk = chunk_shape(array.shape, element_bytes);
    check(H5Pset_chunk(properties, static_cast<int>(chunk.size()), chunk.data()), "choosing chunks");
    if (compressed) {
      check(H5Pset_shuffle(properties), "choosing compression");
      check(H5Pset_deflate(properties, static_cast<unsigned>(gzip)), "choosing compression");
    }
  }
  return properties;
}

/// The largest box of whole chunks, in the order in which they lie in the file, of at most about 8 MB.
std::vector<std::size_t> block_shape(const std::vector<std::size_t>& shape, std::size_t element_bytes) {
  constexpr std::size_t kBlockBytes = 8 * kChunkBytes;
  const std::vector<hsize_t> chunk = chunk_shape(shape, element_bytes);
  std::vector<std::size_t> block(chunk.begin(), chunk.end());
  std::size_t bytes = std::accumulate(block.begin(), block.end(), element_bytes, std::multiplies<>());
  for (std::size_t i = block.size(); i-- > 0 && bytes < kBlockBytes;) {
    bytes /= block[i];
    block[i] = std::min(shape[i], block[i] * std::max<std::size_t>(kBlockBytes / (bytes * block[i]), 1));
    bytes *= block[i];
    if (block[i] < shape[i]) break;
  }
  return block;
}

/// Calls `visit` with every box of `block` that an array is made of, in the order in which they lie in it.
template <class Visit>
void for_each_box(const std::vector<std::size_t>& shape, const std::vector<std::size_t>& block,
                  const Visit& visit) {
  if (std::ranges::find(shape, std::size_t{0}) != shape.end()) return;
  Box box{std::vector<std::size_t>(shape.size(), 0), block};
  for (;;) {
    for (std::size_t i = 0; i < shape.size(); ++i) box.count[i] = std::min(block[i], shape[i] - box.start[i]);
    visit(box);
    std::size_t i = shape.size();
    for (; i > 0; --i) {
      box.start[i - 1] += block[i - 1];
      if (box.start[i - 1] < shape[i - 1]) break;
      box.start[i - 1] = 0;
    }
    if (i == 0) return;
  }
}

/// Writes an array that `read` gives box by box.
template <class T, class Read>
void write_boxes(hid_t dataset, const LabelledArray& array, const Read& read, const std::string& doing) {
  if (std::ranges::find(array.shape, std::size_t{0}) != array.shape.end()) return;
  const Handle in_file(check(H5Dget_space(dataset), doing), H5Sclose);
  const Handle type(check(H5Dget_type(dataset), doing), H5Tclose);
  std::vector<T> values;
  for_each_box(array.shape, block_shape(array.shape, H5Tget_size(type)), [&](const Box& box) {
    values.resize(box.elements());
    read(box, std::span<T>(values));
    const std::vector<hsize_t> start(box.start.begin(), box.start.end());
    const std::vector<hsize_t> count(box.count.begin(), box.count.end());
    if (!start.empty()) {
      check(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
            doing);
    }
    const Handle in_memory = dataspace(box.count);  // of the same rank, which HDF5 copies fastest
    check(H5Dwrite(dataset, memory_type<T>(), in_memory, in_file, H5P_DEFAULT, values.data()), doing);
  });
}

/// A box of spooled arrays; what they do not have is NaN. Spools are read by whole rows.
void read_spooled(const LabelledArray& array, const std::vector<Spooled>& parts, const Box& box,
                  std::span<double> to) {
  std::ranges::fill(to, std::numeric_limits<double>::quiet_NaN());
  const std::size_t rank = parts.front().rank();
  const std::size_t leading = array.shape.size() - rank;
  const std::size_t rows = box.count[leading + 1];
  const std::size_t first_column = rank == 3 ? box.start.back() : 0;
  const std::size_t columns = rank == 3 ? box.count.back() : 1;
  std::vector<double> read;
  const std::vector<std::size_t> extents(box.count.begin(),
                                         box.count.begin() + static_cast<std::ptrdiff_t>(leading + 1));
  for_each_box(extents, std::vector<std::size_t>(extents.size(), 1), [&](const Box& one) {
    std::size_t part = 0;
    for (std::size_t i = 0; i < leading; ++i) part = part * array.shape[i] + box.start[i] + one.start[i];
    const std::size_t series = box.start[leading] + one.start[leading];
    const Spooled& from = parts[part];
    const std::span<double> here = to.first(rows * columns);
    to = to.subspan(here.size());
    if (from.spool == nullptr || series >= from.spool->series() || first_column >= from.width()) return;
    const std::size_t width = from.spool->columns();
    read.resize(rows * width);
    from.spool->read(series, box.start[leading + 1], read);
    for (std::size_t k = 0; k < rows; ++k) {
      std::copy_n(read.data() + k * width + from.first_column + first_column,
                  std::min(columns, from.width() - first_column), here.data() + k * columns);
    }
  });
}

/// Selects boxes of a dataspace of this shape.
Handle selection(const std::vector<std::size_t>& shape, const std::vector<Box>& boxes) {
  Handle space = dataspace(shape);
  check(H5Sselect_none(space), "selecting boxes");
  for (const Box& box : boxes) {
    const std::vector<hsize_t> start(box.start.begin(), box.start.end());
    const std::vector<hsize_t> count(box.count.begin(), box.count.end());
    check(H5Sselect_hyperslab(space, H5S_SELECT_OR, start.data(), nullptr, count.data(), nullptr),
          "selecting boxes");
  }
  return space;
}

/// Makes a virtual dataset.
template <class T>
Handle map_array(hid_t file, const LabelledArray& array, const std::vector<Source>& sources, hid_t in_file) {
  const std::string doing = "mapping the variable " + array.name;
  const Handle properties = creation_properties(array, 0, 0);
  if constexpr (std::is_floating_point_v<T>) {
    const T fill = std::numeric_limits<T>::quiet_NaN();
    check(H5Pset_fill_value(properties, memory_type<T>(), &fill), doing);
  }
  for (const Source& source : sources) {
    const Handle to = selection(array.shape, source.to);
    const Handle from = selection(source.shape, source.from);
    check(H5Pset_virtual(properties, to, source.file.c_str(), source.array.c_str(), from), doing);
  }
  return {check(H5Dcreate2(file, array.name.c_str(), in_file, dataspace(array.shape), H5P_DEFAULT, properties,
                           H5P_DEFAULT),
                doing),
          H5Dclose};
}

Handle write_array(hid_t file, const LabelledArray& array, const WriteOptions& options) {
  const std::string doing = "writing the variable " + array.name;
  const Handle space = dataspace(array.shape);
  const auto create = [&](hid_t type) {
    const Handle properties = creation_properties(array, H5Tget_size(type), options.gzip);
    return Handle(
        check(H5Dcreate2(file, array.name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT), doing),
        H5Dclose);
  };
  const auto create_reals = [&](hid_t type) {
    return create(options.float32 && !array.is_coordinate() ? H5T_IEEE_F32LE : type);
  };
  Handle created = std::visit(
      [&]<class V>(const V& values) {
        if constexpr (std::is_same_v<V, std::vector<std::string>>) {
          const Handle type = hdf5::string_type();
          Handle dataset = create(type);
          if (!values.empty()) {
            check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, c_strings(values).data()), doing);
          }
          return dataset;
        } else if constexpr (std::is_same_v<V, std::vector<Spooled>>) {
          Handle dataset = create_reals(H5T_IEEE_F64LE);
          const auto read = [&](const Box& box, std::span<double> to) {
            read_spooled(array, values, box, to);
          };
          if (!values.empty()) write_boxes<double>(dataset, array, read, doing);
          return dataset;
        } else if constexpr (std::is_same_v<V, Mapped<typename ElementOf<V>::Type>>) {
          using T = typename ElementOf<V>::Type;
          const bool narrowed = std::is_same_v<T, double> && options.float32;
          return map_array<T>(file, array, values.sources, narrowed ? H5T_IEEE_F32LE : file_type<T>());
        } else {
          using T = typename ElementOf<V>::Type;
          Handle dataset = std::is_same_v<T, double> ? create_reals(file_type<T>()) : create(file_type<T>());
          if constexpr (std::is_same_v<V, Streamed<T>>) {
            write_boxes<T>(dataset, array, values.read, doing);
          } else if (!values.empty()) {
            check(H5Dwrite(dataset, memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), doing);
          }
          return dataset;
        }
      },
      array.values);
  write_attribute(created, "units", array.units);
  write_attribute(created, "long_name", array.long_name.empty() ? array.name : array.long_name);
  for (const auto& [name, attribute] : array.attributes) write_attribute(created, name, attribute);
  return created;
}

Handle create_file(const std::filesystem::path& path, bool sealed) {
  const Handle properties(check(H5Pcreate(H5P_FILE_CREATE), "making file properties"), H5Pclose);
  constexpr unsigned kOrder = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  check(H5Pset_link_creation_order(properties, kOrder), "tracking the order of variables");
  check(H5Pset_attr_creation_order(properties, kOrder), "tracking the order of attributes");
  if (sealed) check(H5Pset_userblock(properties, kSealBytes), "leaving room for the seal");
  return {check(H5Fcreate(path.c_str(), H5F_ACC_EXCL, properties, H5P_DEFAULT), "creating " + path.string()),
          H5Fclose};
}

/// The coordinate of every dimension, in the order in which dimensions first appear.
std::vector<LabelledArray> coordinates_of(const Dataset& dataset) {
  std::vector<LabelledArray> coordinates;
  const auto known = [&](const std::string& name) {
    return std::any_of(coordinates.begin(), coordinates.end(), [&](const auto& c) { return c.name == name; });
  };
  for (const LabelledArray& array : dataset.arrays) {
    for (std::size_t i = 0; i < array.dimensions.size(); ++i) {
      const std::string& dimension = array.dimensions[i];
      if (known(dimension)) continue;
      if (const LabelledArray* const given = dataset.find(dimension)) {
        coordinates.push_back(*given);
      } else {
        std::vector<std::int64_t> numbers(array.shape[i]);
        std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
        coordinates.push_back(coordinate(dimension, std::move(numbers), "1", "index of " + dimension));
      }
    }
  }
  return coordinates;
}

void write_all(hid_t file, const Dataset& dataset, const WriteOptions& options) {
  for (const auto& [name, attribute] : dataset.attributes) write_attribute(file, name, attribute);
  std::map<std::string, Handle> scales;
  for (const LabelledArray& coordinate : coordinates_of(dataset)) {
    Handle created = write_array(file, coordinate, options);
    check(H5DSset_scale(created, coordinate.name.c_str()), "making the dimension " + coordinate.name);
    scales.emplace(coordinate.name, std::move(created));
  }
  for (const LabelledArray& array : dataset.arrays) {
    if (array.is_coordinate()) continue;
    const Handle created = write_array(file, array, options);
    for (std::size_t i = 0; i < array.dimensions.size(); ++i) {
      check(H5DSattach_scale(created, scales.at(array.dimensions[i]), static_cast<unsigned>(i)),
            "attaching the dimension " + array.dimensions[i]);
    }
  }
}

}  // namespace

void write(const std::filesystem::path& path, const Dataset& dataset, const WriteOptions& options) {
  ensure_consistent(dataset);
  base::ensure(options.gzip >= 0 && options.gzip <= 9, "gzip levels are 0 to 9");
  const hdf5::Turn turn;
  AtomicFile target(path);
  try {
    Handle file = create_file(target.part(), options.sealed);
    write_all(file, dataset, options);
    check(H5Fflush(file, H5F_SCOPE_GLOBAL), "writing the file");
    check(file.close() ? 0 : -1, "closing the file");
    if (options.sealed) seal(target.part());
  } catch (const base::UserError& error) {
    throw base::UserError(
        {.key = path.string(),
         .problem = error.complaint().problem,
         .remedy = "nothing was left behind; make room, or choose another place with --output"});
  }
  target.commit(options.existing);
}

std::string hdf5_version() {
  hdf5::start();
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace ecphory::store
