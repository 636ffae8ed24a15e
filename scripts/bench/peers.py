"""What the peers of the race share: the workloads' rows and rules, the timing, the line of JSON."""

import json
import math
import statistics
import sys
import time

# The rows of a rank, the shape of a row (an image, channels last) or tokens and vocabulary, the rule.
WORKLOADS = {
    "mlp-784-512-512-10": (128, (28, 28, 1), "sgd"),
    "lenet5-28x28": (64, (28, 28, 1), "sgd"),
    "resnet20-cifar": (64, (32, 32, 3), "sgd"),
    "resnet18-cifar": (32, (32, 32, 3), "sgd"),
    "gpt-4x128-t64": (12, (64, 65), "adamw"),
    "gpt-6x384-t256": (4, (256, 65), "adamw"),
    "lstm-2x256-t35": (32, (35, 2000), "sgd"),
    "gru-2x256-t35": (32, (35, 2000), "sgd"),
    "vgg11-cifar": (32, (32, 32, 3), "sgd"),
    "mobilenet-cifar": (64, (32, 32, 3), "sgd"),
    "densenet-cifar": (64, (32, 32, 3), "sgd"),
    "vit-cifar": (32, (32, 32, 3), "adamw"),
}


def median_time(step, arguments, agreed=lambda count: count):
    """Seconds of a step, a function of nothing that gives the loss: the median of as many as fit
    into the time, the same number on every rank, which `agreed` sees to."""
    for _ in range(arguments.warm_up):
        step()
    begun = time.perf_counter()
    step()
    count = agreed(
        max(5, min(1000, math.ceil(arguments.seconds / (time.perf_counter() - begun)))))
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        loss = step()
        times.append(time.perf_counter() - begun)
    if not math.isfinite(loss):
        sys.exit(f"{arguments.workload}: the loss is {loss}")
    return statistics.median(times)


def report(arguments, peer, median, parameters):
    """Prints a line of JSON with the names of `dltrain bench step`."""
    rows = WORKLOADS[arguments.workload][0] * arguments.ranks
    print(json.dumps({
        "workload": arguments.workload, "peer": peer, "mode": arguments.mode,
        "precision": arguments.precision, "ranks": arguments.ranks, "rows": rows,
        "step_ms": median * 1e3, "samples_per_s": rows / median, "parameters": parameters,
    }), flush=True)
