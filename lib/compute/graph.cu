#include <memory>
#include <type_traits>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/cuda_check.cuh"
#include "ecphory/compute/cuda_context.cuh"
#include "ecphory/compute/graph.hpp"

namespace ecphory::compute {
namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
using Recorded = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;

/// Ends a recording, also one that went wrong.
cudaError_t end_recording(Recorded& recorded) {
  cudaGraph_t graph = nullptr;
  const cudaError_t status = cudaStreamEndCapture(cuda::stream(), &graph);
  recorded.reset(graph);
  return status;
}

}  // namespace

Graph::Graph(Device device, const std::function<void()>& work) : device_(device) {
  base::ensure(device.kind == Device::Kind::cuda, "a graph is of work on a GPU");
  cuda::Context::of(device);  // takes memory, which a recording may not
  cuda::check(cudaStreamBeginCapture(cuda::stream(), cudaStreamCaptureModeThreadLocal), "recording a graph");
  Recorded recorded;
  try {
    work();
  } catch (...) {
    end_recording(recorded);
    cudaGetLastError();
    throw;
  }
  cuda::check(end_recording(recorded), "recording a graph");
  cuda::check(cudaGraphInstantiate(&graph_, recorded.get(), 0), "preparing a graph");
}

Graph::~Graph() { cudaGraphExecDestroy(graph_); }

void Graph::launch() const {
  cuda::use(device_.index);
  cuda::check(cudaGraphLaunch(graph_, cuda::stream()), "starting a graph");
}

}  // namespace ecphory::compute
