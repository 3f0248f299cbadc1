#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: builds the cuda preset and runs the tests of everything that has kernels, and the cases
# that use the GPU once more under each of compute-sanitizer's tools, where it is installed. Fails when any of them does.
#   tests/gpu.sh            build, then test
#   tests/gpu.sh PROGRAM    test with a test_compute that was built elsewhere
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
program=${1:-build/cuda/bin/test_compute}
if [[ $# -eq 0 ]]; then
  cmake --preset cuda
  cmake --build --preset cuda --target test_compute
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$program" | tee "$log"
if grep -q "no GPU" "$log"; then
  echo "the program found no GPU" >&2
  exit 1
fi

if ! command -v compute-sanitizer >/dev/null; then
  echo "compute-sanitizer is not installed: memory, races and barriers were not checked"
  exit
fi
for tool in memcheck racecheck initcheck synccheck; do
  echo "== $tool"
  compute-sanitizer --tool "$tool" --error-exitcode 1 "$program" --test-case='*GPU*,*recorded work*'
done
