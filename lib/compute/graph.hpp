#pragma once
// Many operations on a GPU started as one.

#include <functional>

#include "ecphory/compute/device.hpp"

struct CUgraphExec_st;

namespace ecphory::compute {

/// A CUDA graph: the operations that a function starts, with the arrays and numbers they were given, to be
/// started again by one call. Those arrays must outlive it.
class Graph {
 public:
  /// Calls `work` once, which only records: nothing runs on the GPU. It may use operations on arrays on
  /// `device`; making, copying or moving one to another device is a Bug in it. Call it once by itself before,
  /// so that all it needs is loaded. A device that is not a GPU is a Bug.
  Graph(Device device, const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Starts what was recorded, in order with the calling thread's other work on the GPU, and does not wait.
  /// Only the thread that recorded it may: some operations use scratch memory of that thread.
  void launch() const;

 private:
  [[maybe_unused]] Device device_;
  [[maybe_unused]] CUgraphExec_st* graph_ = nullptr;  // unused where there is no CUDA
};

}  // namespace ecphory::compute
