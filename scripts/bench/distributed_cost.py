#!/usr/bin/env python3
"""What it costs to be distributed: steps of ranks that work together against ranks that work alone.

    scripts/bench/distributed_cost.py [--dltrain .build/release/dltrain] [--pairs 10]

Each pair runs A, then B, one right after the other, so that a machine that others use favours
neither; the ratio is that of the medians. A has 2 processes under mpirun with SyncBN and one
reduction, B has 2 lone processes at the same time, pinned to a core each as mpirun pins its own,
with as many rows each. The last row sets 8 virtual ranks of one process against 1 rank, both on one
core with 128 rows in all.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

# 784-512-512-10 with batch norm: 671,754 parameters.
MLP = """
name: mlp
data: {synthetic: {shape: [784], classes: 10}}
model:
  layers: [{linear: {out: 512}}, batch_norm, relu, {linear: {out: 512}}, batch_norm, relu, {linear: {out: 10}}]
optimizer: {name: sgd, lr: 0.01, momentum: 0.9}
batch_size: 128
"""


def together(commands):
    """Runs commands at the same time; the median steps that they print, in milliseconds."""
    running = [
        subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for c in commands
    ]
    steps = []
    for command, process in zip(commands, running):
        out, errors = process.communicate()
        lines = [line for line in out.splitlines() if line.startswith("{")]
        if process.returncode != 0 or not lines:
            sys.exit(f"{' '.join(command)}: {errors.strip() or 'printed no result'}")
        steps.append(json.loads(lines[-1])["step_ms"])
    return statistics.mean(steps)


def compare(name, limit, pairs, a, b):
    times = []
    for pair in range(pairs):
        times.append((together(a), together(b)))
        print(
            f"  {name}: pair {pair + 1} of {pairs}: {times[-1][0]:.2f} and {times[-1][1]:.2f} ms",
            file=sys.stderr, flush=True)
    medians = [statistics.median(column) for column in zip(*times)]
    ratios = sorted(x / y for x, y in times)
    print(
        f"{name:32} {medians[0]:9.2f} {medians[1]:9.2f} {medians[0] / medians[1]:7.3f} {limit:6.2f}"
        f"   {ratios[0]:.3f} to {ratios[-1]:.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dltrain", default=".build/release/dltrain")
    parser.add_argument("--pairs", type=int, default=10)
    arguments = parser.parse_args()

    # The kernels that the CPU has; see `dltrain doctor`.
    for name in ["OPENBLAS_CORETYPE", "DLTRAIN_CPU"]:
        os.environ.pop(name, None)
    if os.geteuid() == 0:
        os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("needs two cores")
    step = [os.path.abspath(arguments.dltrain), "bench", "step"]

    print(f"{'':32} {'A, ms':>9} {'B, ms':>9} {'A / B':>7} {'limit':>6}   pairs from, to", flush=True)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as mlp:
        mlp.write(MLP)
        mlp.flush()
        for name, limit, job in [
            ("ResNet-20, 64 rows a rank", 1.05,
             ["--config", "resnet20-cifar10", "--set", "model.shortcut=pad",
              "--batch-per-rank", "64", "--steps", "12"]),
            ("MLP of 672k, 128 rows a rank", 1.10,
             ["--config", mlp.name, "--batch-per-rank", "128", "--steps", "300"]),
        ]:
            alone = [
                ["taskset", "-c", str(core), *step, "--ranks", "1", *job] for core in cores[:2]
            ]
            compare(name, limit, arguments.pairs, [["mpirun", "-n", "2", *step, *job]], alone)
    core = ["taskset", "-c", str(cores[0]), *step, "--config", "resnet20-cifar10"]
    core += ["--set", "model.shortcut=pad", "--set", "batch_size=128", "--steps", "6"]
    compare(
        "ResNet-20, 8 virtual ranks", 1.15, arguments.pairs,
        [[*core, "--set", "virtual_ranks=8"]], [[*core, "--ranks", "1"]])


if __name__ == "__main__":
    main()
