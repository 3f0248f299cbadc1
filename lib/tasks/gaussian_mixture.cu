#include "ecphory/base/philox.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/tasks/cuda_operations.hpp"
#include "ecphory/tasks/gaussian_mixture_plan.hpp"

namespace ecphory::tasks::cuda {
namespace {

using compute::Index;
using compute::View;

/// One block a sequence, S of each run. One thread plans it.
template <class Real>
__global__ void draw_kernel(const MixtureConstants<Real>* runs, View<const std::uint64_t> step /* (1, R) */,
                            std::uint32_t offset, View<double> uniforms /* (uniform_count, S·R) */,
                            View<std::int32_t> slots /* (N + 1, S·R) */,
                            View<std::int32_t> means /* (N + 1, S·R) */,
                            View<std::int32_t> classes /* (N + 1, S·R) */,
                            View<std::int32_t> shift /* (1, S·R) */, View<std::int32_t> label /* (1, S·R) */,
                            View<Real> content /* (D, T·S·R) */) {
  const Index sequence = blockIdx.x;
  const Index sequences = shift.columns / step.columns;
  const Index r = sequence / sequences;
  const MixtureConstants<Real>& run = runs[r];
  const GaussianMixtureParameters& p = run.parameters;
  base::RandomCounter counter = run.counter;
  counter.step = static_cast<std::uint32_t>(*step.column(r) * static_cast<std::uint64_t>(sequences) + offset +
                                            static_cast<std::uint64_t>(sequence % sequences));

  double* u = uniforms.column(sequence);
  for (Index i = threadIdx.x; i < uniforms.rows; i += blockDim.x) u[i] = base::uniform_at<double>(counter, i);
  __syncthreads();
  const SequencePlan plan{.uniforms = u,
                          .slots = slots.column(sequence),
                          .classes = classes.column(sequence),
                          .means = means.column(sequence)};
  if (threadIdx.x == 0) {
    make_plan(p, run.cumulative, plan);
    *shift.column(sequence) = shift_of(p, u);
    *label.column(sequence) = label_of(p, plan.classes[p.pairs]);
  }
  __syncthreads();

  const bool novel = is_novel(p, u);
  const auto normal = [&](Index element) {
    return base::normal_at<float>(counter, static_cast<std::uint64_t>(normal_place(p) + element));
  };
  const Index items = p.pairs + 1;
  const Index first = (2 * p.pairs + 1) * sequence;
  for (Index e = threadIdx.x; e < p.dimension * items; e += blockDim.x) {
    const Index i = e / p.dimension;
    const Index k = e % p.dimension;
    const Real mean = novel ? novel_mean(run, normal(p.dimension * (items + plan.means[i]) + k))
                            : run.classes[p.dimension * plan.means[i] + k];
    content.column(first + 2 * i)[k] = item_element(run, mean, normal(e));
  }
  for (Index e = threadIdx.x; e < p.dimension * p.pairs; e += blockDim.x) {
    const Index i = e / p.dimension;
    const Index k = e % p.dimension;
    content.column(first + 2 * i + 1)[k] = run.labels[p.dimension * label_of(p, plan.classes[i]) + k];
  }
}

}  // namespace

template <class Real>
void draw(const compute::Array<MixtureConstants<Real>>& runs, View<const std::uint64_t> step,
          std::uint32_t offset, InContextBatch<Real>& batch) {
  using Integers = View<std::int32_t>;
  compute::cuda::columnwise(runs.device(), batch.content.size() / batch.shift.size(), batch.shift.size(),
                            draw_kernel<Real>, runs.data(), step, offset, View<double>(batch.uniforms),
                            Integers(batch.slots), Integers(batch.means), Integers(batch.classes),
                            Integers(batch.shift), Integers(batch.label), View<Real>(batch.content));
}

template void draw<float>(const compute::Array<MixtureConstants<float>>&, View<const std::uint64_t>,
                          std::uint32_t, InContextBatch<float>&);
template void draw<double>(const compute::Array<MixtureConstants<double>>&, View<const std::uint64_t>,
                           std::uint32_t, InContextBatch<double>&);

}  // namespace ecphory::tasks::cuda
