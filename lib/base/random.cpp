#include "ecphory/base/random.hpp"

#include <algorithm>
#include <array>

#include "ecphory/base/error.hpp"
#include "ecphory/base/philox.hpp"

namespace ecphory::base {
namespace {

constexpr std::size_t kChunk = 512;  // words drawn at a time; stays in the first-level cache

/// Makes out[i] = element first+i, in chunks that begin at an even element: `make(words, n, buffer)` turns
/// words into the n elements from there.
template <class Real, class Make>
void in_chunks(const RandomStream& stream, std::uint64_t first, std::span<Real> out, const Make& make) {
  constexpr std::size_t kWords = RandomTransform<Real>::kWords;
  std::array<std::uint32_t, kChunk> words;
  std::array<Real, kChunk / kWords> buffer;
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t element = first + done;
    const std::size_t skip = element % 2;
    const std::size_t wanted = std::min(out.size() - done, buffer.size() - skip);
    const std::size_t made = (wanted + skip + 1) / 2 * 2;
    stream.words((element - skip) * kWords, std::span(words).first(made * kWords));
    make(words.data(), made, buffer.data());
    std::copy_n(buffer.data() + skip, wanted, out.data() + done);
    done += wanted;
  }
}

}  // namespace

RandomStream::RandomStream(const RandomKey& key, Purpose purpose, std::uint32_t step)
    : counter_{.key = mix64(key.point ^ mix64(key.seed)),
               .replicate = key.replicate,
               .step = step,
               .purpose = purpose.id()} {}

void RandomStream::words(std::uint64_t first, std::span<std::uint32_t> out) const {
  ensure(first + out.size() <= std::uint64_t{1} << 34U, "a random stream holds at most 2^34 words");
  const auto copy_part = [&](std::uint32_t block, std::size_t from, std::size_t n, std::uint32_t* to) {
    const auto word = philox_block(counter_, block);
    std::copy_n(std::begin(word.v) + from, n, to);
  };

  std::size_t done = 0;
  auto block = static_cast<std::uint32_t>(first / kWordsPerBlock);
  if (const std::size_t within = first % kWordsPerBlock; within != 0) {
    done = std::min(kWordsPerBlock - within, out.size());
    copy_part(block++, within, done, out.data());
  }
  const auto whole = static_cast<std::uint32_t>((out.size() - done) / kWordsPerBlock);
  std::uint32_t* to = out.data() + done;
#pragma omp simd
  for (std::uint32_t b = 0; b < whole; ++b) {
    const auto word = philox_block(counter_, block + b);
    for (std::size_t j = 0; j < kWordsPerBlock; ++j) to[kWordsPerBlock * b + j] = word.v[j];
  }
  done += kWordsPerBlock * whole;
  if (done < out.size()) copy_part(block + whole, 0, out.size() - done, out.data() + done);
}

template <class Real>
void RandomStream::uniforms(std::uint64_t first, std::span<Real> out) const {
  in_chunks<Real>(*this, first, out, [](const std::uint32_t* words, std::size_t n, Real* buffer) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i)
      buffer[i] = RandomTransform<Real>::uniform(words + i * RandomTransform<Real>::kWords);
  });
}

template <class Real>
void RandomStream::normals(std::uint64_t first, std::span<Real> out) const {
  in_chunks<Real>(*this, first, out, [](const std::uint32_t* words, std::size_t n, Real* buffer) {
#pragma omp simd
    for (std::size_t i = 0; i < n; i += 2) {
      RandomTransform<Real>::normal_pair(words + i * RandomTransform<Real>::kWords, buffer + i);
    }
  });
}

void RandomStream::integers(std::uint64_t first, std::uint64_t bound, std::span<std::uint64_t> out) const {
  ensure(bound > 0, "random integers need a positive bound");
  std::array<std::uint32_t, 2> word;
  for (std::size_t i = 0; i < out.size(); ++i) {
    words(2 * (first + i), word);
    const std::uint64_t w = (std::uint64_t{word[0]} << 32U) | word[1];
    __extension__ using Wide = unsigned __int128;
    out[i] = static_cast<std::uint64_t>((Wide{w} * bound) >> 64U);
  }
}

template void RandomStream::uniforms<float>(std::uint64_t, std::span<float>) const;
template void RandomStream::uniforms<double>(std::uint64_t, std::span<double>) const;
template void RandomStream::normals<float>(std::uint64_t, std::span<float>) const;
template void RandomStream::normals<double>(std::uint64_t, std::span<double>) const;

}  // namespace ecphory::base
