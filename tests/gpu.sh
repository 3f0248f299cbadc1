#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: builds the cuda preset, runs the tests of everything that has kernels, the cases that use
# the GPU once more under each of compute-sanitizer's tools where it is installed, and the benchmarks that use it. Fails when
# a test does.
#   tests/gpu.sh            build, then test and benchmark
#   tests/gpu.sh FOLDER     with programs that were built elsewhere
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests=(test_compute test_attention test_bridge test_dynamics test_tasks test_training test_models)
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
folder=${1:-build/cuda/bin}
if [[ $# -eq 0 ]]; then
  cmake --preset cuda
  cmake --build --preset cuda --target "${tests[@]}" bench_dynamics bench_icl_transformer
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for name in "${tests[@]}"; do
  echo "== $name"
  "$folder/$name" | tee "$log"
  if grep -q "no GPU" "$log"; then
    echo "$name found no GPU" >&2
    exit 1
  fi
done

if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck synccheck; do
    for name in "${tests[@]}"; do
      echo "== $tool $name"
      compute-sanitizer --tool "$tool" --error-exitcode 1 "$folder/$name" --test-case='*GPU*,*recorded work*'
    done
  done
else
  echo "compute-sanitizer is not installed: memory, races and barriers were not checked"
fi

"$folder/bench_dynamics" --benchmark_filter=on_gpu
"$folder/bench_icl_transformer" --benchmark_filter=on_gpu
