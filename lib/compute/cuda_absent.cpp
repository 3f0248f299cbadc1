#include "ecphory/base/error.hpp"
#include "ecphory/compute/cuda_memory.hpp"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/device.hpp"
#include "ecphory/compute/graph.hpp"

namespace ecphory::compute {
namespace {

[[noreturn]] void refuse() {
  throw base::UserError({.problem = "this build of Ecphory has no CUDA",
                         .remedy = "use the CPU, or configure with the preset `cuda`"});
}

/// No array is on a GPU here.
[[noreturn]] void never() { throw base::Bug("an operation on a GPU in a build without CUDA"); }

}  // namespace

std::string cuda_version() { return "none"; }
int cuda_device_count() { return 0; }

Graph::Graph(Device device, const std::function<void()>&) : device_(device) { never(); }
Graph::~Graph() = default;
void Graph::launch() const { never(); }

namespace cuda {

void* allocate(int, std::size_t) { refuse(); }
std::size_t free_memory(int) { refuse(); }
void release(int, void*) noexcept {}
void copy(void*, const void*, std::size_t) { refuse(); }

template <class Real>
void Operations<Real>::adamw(View<const AdamWStep<Real>>, In, Out, Out, Out) {
  never();
}

template <class Real>
void Operations<Real>::add_bias(In, Out) {
  never();
}

template <class Real>
void Operations<Real>::add_bias_backward(In, Out) {
  never();
}

template <class Real>
void Operations<Real>::add_scaled_blocks(In, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::add_scaled_blocks_backward(In, In, In, Out, Out) {
  never();
}

template <class Real>
void Operations<Real>::axpby(Real, In, Real, Out) {
  never();
}

template <class Real>
void Operations<Real>::batched_gemm(bool, bool, Real, Batch<const Real>, Batch<const Real>, Real,
                                    Batch<Real>) {
  never();
}

template <class Real>
void Operations<Real>::bias_relu(In, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::bias_relu_backward(In, In, Out, Out) {
  never();
}

template <class Real>
void Operations<Real>::block_sums(double, In, View<double>) {
  never();
}

template <class Real>
void Operations<Real>::causal_softmax(Real, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::causal_softmax_backward(Real, In, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::cross_entropy(In, Indices, Out) {
  never();
}

template <class Real>
void Operations<Real>::cross_entropy_backward(Real, In, Indices, Out) {
  never();
}

template <class Real>
void Operations<Real>::fill(Real, Out) {
  never();
}

template <class Real>
void Operations<Real>::gated_sum(In, In, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::gather_columns(In, Indices, Out) {
  never();
}

template <class Real>
void Operations<Real>::gelu(In, Out) {
  never();
}

template <class Real>
void Operations<Real>::gelu_backward(In, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::gemm(bool, bool, Real, In, In, Real, Out) {
  never();
}

template <class Real>
void Operations<Real>::is_correct(In, Indices, Out) {
  never();
}

template <class Real>
void Operations<Real>::layer_norm(Real, In, In, In, Out, Out) {
  never();
}

template <class Real>
void Operations<Real>::layer_norm_backward(In, In, In, In, Out, Out, Out) {
  never();
}

template <class Real>
void Operations<Real>::log_sum_exp(Real, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::normals(const base::RandomStream&, std::uint64_t, Out) {
  never();
}

template <class Real>
void Operations<Real>::scaled_sum(std::span<const Scaled<Real>>, Out) {
  never();
}

template <class Real>
void Operations<Real>::scatter_columns(In, Indices, Out) {
  never();
}

template <class Real>
void Operations<Real>::sgd(View<const SgdStep<Real>>, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::softmax(Real, In, Out) {
  never();
}

template <class Real>
void Operations<Real>::uniforms(const base::RandomStream&, std::uint64_t, Out) {
  never();
}

template struct Operations<float>;
template struct Operations<double>;

}  // namespace cuda
}  // namespace ecphory::compute
