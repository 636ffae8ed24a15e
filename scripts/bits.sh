#!/usr/bin/env bash
# Trains six networks with each version of products and convolutions that this CPU has, at 1, 2 and 4 ranks, and with ranks
# of different versions, all laid out for 4 virtual ranks, and compares what is exported: the bits must be the same. Kernels
# that exist once per instruction set are not among them: Tests/KernelBits compares those.
#
#   scripts/bits.sh                   3 steps of each, digits for an epoch
#   STEPS=20 scripts/bits.sh lstm     20 steps of those whose name has "lstm" in it
#
# Prints a line for each network, and exits 1 where two exports differ.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
only=${1:-}
# Without an argument of its own, the sourced script would see ours.
# shellcheck source=scripts/setup.sh
source scripts/setup.sh ""
# shellcheck source=scripts/lib/build.sh
source scripts/lib/build.sh
if [ -z "${DLTRAIN:-}" ]; then
  quiet_build .build/bits-build.log -c release --product dltrain
  DLTRAIN=$(swift build -c release --show-bin-path)/dltrain
fi
export OMP_NUM_THREADS=1

versions=(portable)
if grep -q ' avx2 .* fma\| fma .* avx2 ' /proc/cpuinfo; then versions+=(avx2); fi
if grep -q avx512vl /proc/cpuinfo; then versions+=(avx512); fi
highest=${versions[-1]}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

digest() { # NAME: of the run's weights
  "$DLTRAIN" export "$folder/$1" -o "$folder/$1.safetensors" >/dev/null
  sha256sum "$folder/$1.safetensors" | cut -c 1-16
}
train() { # OUT VERSION RANKS OPTION...
  local out=$1 version=$2 ranks=$3
  shift 3
  mpi_options "$ranks"
  DLTRAIN_CPU=$version mpirun "${mpi_options[@]}" -n "$ranks" "$DLTRAIN" train "$@" --out "$folder/$out" \
    >"$folder/log" 2>&1 || { cat "$folder/log" >&2 && exit 1; }
}
train_mixed() { # OUT OPTION...: a rank of the lowest version beside one of the highest
  local out=$1
  shift
  mpi_options 2
  mpirun "${mpi_options[@]}" \
    -n 1 env DLTRAIN_CPU=portable "$DLTRAIN" train "$@" --out "$folder/$out" : \
    -n 1 env DLTRAIN_CPU="$highest" "$DLTRAIN" train "$@" --out "$folder/$out" \
    >"$folder/log" 2>&1 || { cat "$folder/log" >&2 && exit 1; }
}

code=0
compared=0
for name in digits lenet5-28x28 resnet20-cifar resnet18-cifar gpt-4x128-t64 lstm-2x256-t35; do
  [[ $name == *"$only"* ]] || continue
  compared=$((compared + 1))
  case $name in
    digits) options=(digits --set epochs=1 --set virtual_ranks=4) ;;
    *) options=("scripts/bench/workloads/$name.yaml" --set "steps=${STEPS:-3}" --set virtual_ranks=4) ;;
  esac
  digests=()
  for version in "${versions[@]}"; do
    for ranks in 1 2 4; do
      train "$name-$version-$ranks" "$version" "$ranks" "${options[@]}"
      digests+=("$(digest "$name-$version-$ranks")")
    done
  done
  train_mixed "$name-mixed" "${options[@]}"
  digests+=("$(digest "$name-mixed")")
  if [ "$(printf '%s\n' "${digests[@]}" | sort -u | wc -l)" = 1 ]; then
    echo "$name: ${digests[0]} with ${versions[*]} at 1, 2 and 4 ranks, and portable beside $highest"
  else
    echo "$name: exports differ, in the order of ${versions[*]}, each at 1, 2 and 4 ranks, then mixed: ${digests[*]}"
    code=1
  fi
done
if ((compared == 0)); then
  echo "bits.sh: no network has \"$only\" in its name" >&2
  exit 64
fi
exit "$code"
