#include "ecphory/tasks/pattern_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <regex>

#include <fmt/format.h>
#include <zlib.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"

namespace ecphory::tasks {
namespace {

static_assert(std::endian::native == std::endian::little);

[[noreturn]] void refuse(const std::string& file, const std::string& problem,
                         const std::string& expected = "", const std::string& remedy = "") {
  throw base::UserError({.key = file, .problem = problem, .expected = expected, .remedy = remedy});
}

/// The bytes of a file, gzip-ed or not.
class Bytes {
 public:
  explicit Bytes(const std::string& file) : name_(file), file_(gzopen(file.c_str(), "rb")) {
    if (file_ == nullptr) refuse(file, "it cannot be opened");
  }

  /// Reads exactly `n` bytes to `to`.
  void read(void* to, std::size_t n) {
    auto* bytes = static_cast<unsigned char*>(to);
    while (n > 0) {
      const auto part = static_cast<unsigned>(std::min<std::size_t>(n, 1U << 30U));
      const int got = gzread(file_.get(), bytes, part);
      if (got <= 0) refuse(name_, "the file ends too early", "", "it is truncated: fetch or make it again");
      bytes += got;
      n -= static_cast<std::size_t>(got);
    }
  }
  template <class T>
  T read_number() {
    T number;
    read(&number, sizeof(T));
    return number;
  }

 private:
  struct Closer {
    void operator()(gzFile file) const { gzclose(file); }
  };
  std::string name_;
  std::unique_ptr<std::remove_pointer_t<gzFile>, Closer> file_;
};

/// How one element is stored.
struct ElementType {
  char kind;  ///< 'u', 'i' or 'f'
  std::size_t bytes;
  bool big_endian;
};

template <class T>
double element(const unsigned char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<double>(value);
}

double element(const ElementType& type, const unsigned char* stored) {
  std::array<unsigned char, 8> bytes{};
  for (std::size_t i = 0; i < std::min(type.bytes, bytes.size()); ++i) {
    bytes[i] = stored[type.big_endian ? type.bytes - 1 - i : i];
  }
  switch (type.kind) {
    case 'f':
      return type.bytes == 4 ? element<float>(bytes.data()) : element<double>(bytes.data());
    case 'u':
      return type.bytes == 1   ? element<std::uint8_t>(bytes.data())
             : type.bytes == 2 ? element<std::uint16_t>(bytes.data())
             : type.bytes == 4 ? element<std::uint32_t>(bytes.data())
                               : element<std::uint64_t>(bytes.data());
    default:
      return type.bytes == 1   ? element<std::int8_t>(bytes.data())
             : type.bytes == 2 ? element<std::int16_t>(bytes.data())
             : type.bytes == 4 ? element<std::int32_t>(bytes.data())
                               : element<std::int64_t>(bytes.data());
  }
}

/// The first `items` items of an array of that shape, the rest of `bytes`.
FilePatterns read_items(const std::string& file, Bytes& bytes, const ElementType& type,
                        const std::vector<std::size_t>& shape, std::size_t items) {
  if (shape.empty() || shape.front() < items) {
    refuse(file, fmt::format("it holds {} items", shape.empty() ? 0 : shape.front()),
           fmt::format("at least {}", items), "store fewer patterns");
  }
  FilePatterns result{.patterns = {}, .shape = {shape.begin() + 1, shape.end()}};
  const std::size_t elements =
      std::accumulate(result.shape.begin(), result.shape.end(), std::size_t{1}, std::multiplies<>());
  if (elements == 0 || elements > (std::size_t{1} << 32U))
    refuse(file, fmt::format("an item has {} elements", elements));
  result.patterns.resize(static_cast<Eigen::Index>(elements), static_cast<Eigen::Index>(items));
  std::vector<unsigned char> item(elements * type.bytes);
  for (Eigen::Index j = 0; j < result.patterns.cols(); ++j) {
    bytes.read(item.data(), item.size());
    for (std::size_t i = 0; i < elements; ++i) {
      result.patterns(static_cast<Eigen::Index>(i), j) = element(type, item.data() + i * type.bytes);
    }
  }
  return result;
}

/// Two zero bytes, the type, the number of dimensions, the dimensions, big-endian.
FilePatterns read_idx(const std::string& file, std::size_t items) {
  Bytes bytes(file);
  const auto magic = bytes.read_number<std::array<unsigned char, 4>>();
  ElementType type{};
  switch (magic[2]) {
    case 0x08:
      type = {'u', 1, true};
      break;
    case 0x09:
      type = {'i', 1, true};
      break;
    case 0x0B:
      type = {'i', 2, true};
      break;
    case 0x0C:
      type = {'i', 4, true};
      break;
    case 0x0D:
      type = {'f', 4, true};
      break;
    case 0x0E:
      type = {'f', 8, true};
      break;
    default:
      refuse(file, "this IDX file has no known type of element");
  }
  std::vector<std::size_t> shape;
  for (int k = 0; k < magic[3]; ++k) {
    const auto extent = bytes.read_number<std::array<unsigned char, 4>>();
    shape.push_back((std::size_t{extent[0]} << 24U) | (std::size_t{extent[1]} << 16U) |
                    (std::size_t{extent[2]} << 8U) | extent[3]);
  }
  return read_items(file, bytes, type, shape, items);
}

/// "\x93NUMPY", the version, the length of the header, and the header, a Python dictionary.
FilePatterns read_npy(const std::string& file, std::size_t items) {
  Bytes bytes(file);
  bytes.read_number<std::array<char, 6>>();
  const auto version = bytes.read_number<std::array<unsigned char, 2>>();
  const std::size_t length =
      version[0] == 1 ? bytes.read_number<std::uint16_t>() : bytes.read_number<std::uint32_t>();
  if (length > 65536) refuse(file, "its NPY header is not one");
  std::string header(length, '\0');
  bytes.read(header.data(), length);
  std::smatch match;
  if (!std::regex_search(header, match, std::regex(R"('descr':\s*'([<|])([fiu])([1248])')"))) {
    refuse(file, "its elements are not plain numbers in little-endian order",
           "a NumPy array of reals or whole numbers", "save it with numpy.save(file, array.astype('<f8'))");
  }
  const ElementType type{match[2].str()[0], static_cast<std::size_t>(std::stoi(match[3].str())), false};
  if ((type.kind == 'f') && type.bytes < 4)
    refuse(file, "half-precision reals cannot be read", "float32 or float64");
  if (header.find("'fortran_order': False") == std::string::npos) {
    refuse(file, "its elements are in Fortran order", "C order", "save numpy.ascontiguousarray(array)");
  }
  if (!std::regex_search(header, match, std::regex(R"('shape':\s*\(([0-9, ]*)\))")))
    refuse(file, "its NPY header has no shape");
  std::vector<std::size_t> shape;
  const std::string extents = match[1].str();
  const std::regex number("[0-9]+");
  for (auto at = std::sregex_iterator(extents.begin(), extents.end(), number); at != std::sregex_iterator();
       ++at) {
    shape.push_back(std::stoull(at->str()));
  }
  return read_items(file, bytes, type, shape, items);
}

FilePatterns read_hdf5(const std::string& file, const std::string& variable, std::size_t items) {
  const store::Dataset dataset = store::read(file);
  const store::LabelledArray* const array = dataset.find(variable);
  if (array == nullptr) {
    std::string known;
    for (const store::LabelledArray& other : dataset.arrays)
      known += (known.empty() ? "" : ", ") + other.name;
    refuse(file, variable.empty() ? "no variable is named" : "there is no variable " + variable,
           "one of " + known, fmt::format("write {}:VARIABLE", file));
  }
  return std::visit(
      [&]<class V>(const V& values) -> FilePatterns {
        if constexpr (requires { static_cast<double>(values[0]); }) {
          if (array->shape.empty() || array->shape.front() < items) {
            refuse(
                file,
                fmt::format("{} holds {} items", variable, array->shape.empty() ? 0 : array->shape.front()),
                fmt::format("at least {}", items), "store fewer patterns");
          }
          const std::size_t elements = values.size() / array->shape.front();
          FilePatterns result{.patterns = {}, .shape = {array->shape.begin() + 1, array->shape.end()}};
          result.patterns.resize(static_cast<Eigen::Index>(elements), static_cast<Eigen::Index>(items));
          std::transform(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(elements * items),
                         result.patterns.data(), [](auto x) { return static_cast<double>(x); });
          return result;
        } else {
          refuse(file, variable + " holds text", "numbers");
        }
      },
      array->values);
}

}  // namespace

FilePatterns read_patterns(const std::string& file, std::size_t items) {
  const std::size_t colon = file.rfind(".h5:");
  const std::string path = colon == std::string::npos ? file : file.substr(0, colon + 3);
  const std::string variable = colon == std::string::npos ? "" : file.substr(colon + 4);
  if (!std::filesystem::is_regular_file(path)) {
    refuse(path, "there is no such file", "", "give the path of an IDX, NPY or HDF5 file");
  }
  std::array<char, 4> start{};
  Bytes(path).read(start.data(), start.size());
  constexpr std::array<char, 4> kHdf5 = {'\x89', 'H', 'D', 'F'};
  constexpr std::array<char, 4> kNpy = {'\x93', 'N', 'U', 'M'};
  const bool idx = start[0] == 0 && start[1] == 0;
  if (start != kHdf5 && start != kNpy && !idx) {
    refuse(path, "this is no format that patterns can be read from", "IDX (gzip-ed or not), NPY or HDF5");
  }
  FilePatterns result = start == kHdf5  ? read_hdf5(path, variable, items)
                        : start == kNpy ? read_npy(path, items)
                                        : read_idx(path, items);
  for (Eigen::Index j = 0; j < result.patterns.cols(); ++j) {
    if (!result.patterns.col(j).allFinite())
      refuse(path, fmt::format("item {} is not finite", j), "finite numbers");
    if (result.patterns.col(j).isZero(0)) {
      refuse(path, fmt::format("item {} is all zero", j), "patterns with a length", "leave it out");
    }
  }
  return result;
}

}  // namespace ecphory::tasks
