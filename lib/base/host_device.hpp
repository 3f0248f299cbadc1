#pragma once
// One source for the CPU and for kernels.

/// Marks a function that kernels may call too. Elsewhere it is nothing.
#ifdef __CUDACC__
#define ECPHORY_HOST_DEVICE __host__ __device__
#else
#define ECPHORY_HOST_DEVICE
#endif
