#pragma once
// Counter-based random numbers: every number is a function of where it is used, never of what was drawn
// before.

#include <cstdint>
#include <span>
#include <string_view>

namespace ecphory::base {

/// What a point of a sweep hands to everything random inside it.
struct RandomKey {
  std::uint64_t seed = 0;       ///< the master seed of the experiment file
  std::uint64_t point = 0;      ///< hash of the point's settings
  std::uint32_t replicate = 0;  ///< 0 for the first repetition
};

/// What numbers are drawn for, named in words ("amicl.last_key"); streams of two purposes are independent.
class Purpose {
 public:
  explicit constexpr Purpose(std::string_view name) : id_(2166136261U) {
    for (const char c : name) id_ = (id_ ^ static_cast<unsigned char>(c)) * 16777619U;  // FNV-1a
  }
  constexpr std::uint32_t id() const { return id_; }

 private:
  std::uint32_t id_;
};

/// What tells a stream from all others: Philox's key, and its counter but for the block.
struct RandomCounter {
  std::uint64_t key = 0;
  std::uint32_t replicate = 0;
  std::uint32_t step = 0;
  std::uint32_t purpose = 0;
};

/// The random numbers of one (key, purpose, step), indexed by element.
///
/// Philox4x32-10 (Salmon et al. 2011, SC'11) with
///     key     = 64 bits mixed from seed and point; for one seed no two points share it
///     counter = (block, replicate, step, purpose), 32 bits each; block b holds words 4b … 4b+3
/// which is the counter layout of cuRAND's Philox4_32_10. Kernels draw the same numbers (philox.hpp).
/// float element e is made of word e, double element e of words 2e and 2e+1. Any range of elements may be
/// asked for in any order; `first` is the index of out[0]. At most 2³⁴ words a stream, else Bug.
/// Every arithmetic step is an IEEE-exact operation or an fma, so equal inputs give equal bits everywhere.
class RandomStream {
 public:
  RandomStream(const RandomKey& key, Purpose purpose, std::uint32_t step = 0);

  /// Raw 32-bit words.
  void words(std::uint64_t first, std::span<std::uint32_t> out) const;

  /// Uniforms in the open interval (0, 1): 23 (float) or 52 (double) random bits, symmetric about 1/2.
  template <class Real>
  void uniforms(std::uint64_t first, std::span<Real> out) const;

  /// Standard normals by Box & Muller (1958): elements 2i and 2i+1 are a pair. Tails to 6.7σ (float), 8.5σ
  /// (double).
  template <class Real>
  void normals(std::uint64_t first, std::span<Real> out) const;

  /// Integers uniform on 0 … bound−1 from two words each, by the multiply-shift of Lemire (2019) without its
  /// rejection step: the bias is below bound·2⁻⁶⁴.
  void integers(std::uint64_t first, std::uint64_t bound, std::span<std::uint64_t> out) const;

  /// For kernels.
  const RandomCounter& counter() const { return counter_; }

 private:
  RandomCounter counter_;
};

/// A bijection of 64-bit integers in which every input bit reaches every output bit (SplitMix64's finaliser,
/// Steele et al. 2014).
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

extern template void RandomStream::uniforms<float>(std::uint64_t, std::span<float>) const;
extern template void RandomStream::uniforms<double>(std::uint64_t, std::span<double>) const;
extern template void RandomStream::normals<float>(std::uint64_t, std::span<float>) const;
extern template void RandomStream::normals<double>(std::uint64_t, std::span<double>) const;

}  // namespace ecphory::base
