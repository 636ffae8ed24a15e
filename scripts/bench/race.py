"""What race.sh runs: all sides in turns, medians, a table and a picture."""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs/benchmarks.md"
PICTURE = ROOT / "docs/race.svg"
BEGIN, END = "<!-- race: written by scripts/bench/race.sh -->", "<!-- end of race -->"
# The peers' modes: the program that measures each, and its name there.
TORCH, TENSORFLOW = "peer_torch.py", "peer_tensorflow.py"
MODES = {
    "eager": (TORCH, "eager"), "fused": (TORCH, "fused"),
    "channels_last": (TORCH, "channels_last"), "compile": (TORCH, "compile"),
    "tensorflow": (TENSORFLOW, "graph"), "tensorflow_xla": (TENSORFLOW, "xla")}
TITLE = "The fastest peer's time for a step over dltrain's"
IMAGES = [
    "lenet5-28x28", "resnet20-cifar", "resnet18-cifar", "vgg11-cifar", "mobilenet-cifar",
    "densenet-cifar", "vit-cifar"]


def last_json(command):
    """The last line of JSON that a command prints, with "peak_bytes", the most memory that one of
    its processes had; None where it fails, with its last words."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
        # What a waited process and those that it has waited for used, the ranks of a launcher too.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        lines = [line for line in out if line.startswith("{")]
        if process.returncode != 0 or not lines:
            words = (err.read().strip().splitlines() or ["printed no result"])[-1]
            return None, words
    return {**json.loads(lines[-1]), "peak_bytes": used.ru_maxrss * 1024}, None


class Side:
    """One of those that race: dltrain, or a peer in one of its modes."""

    def __init__(self, name, command):
        self.name, self.command = name, command
        self.times, self.peaks, self.failure, self.result = [], [], None, None

    def run(self):
        if self.failure:
            return
        result, self.failure = last_json(self.command)
        if result:
            self.result = result
            self.times.append(result["step_ms"])
            self.peaks.append(result["peak_bytes"])

    @property
    def median(self):
        return statistics.median(self.times) if self.times and not self.failure else None

    @property
    def text(self):
        if self.median is None:
            return "-"
        spread = f" ({short(min(self.times))} to {short(max(self.times))})"
        return short(self.median) + (spread if len(self.times) > 1 else "")


def short(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def counted_ranks(count):
    return f"{count} rank{'s' if count > 1 else ''}"


def rows_of(workload):
    for line in (HERE / f"workloads/{workload}.yaml").read_text().splitlines():
        if line.startswith("batch_size:"):
            return line.split()[1]
    sys.exit(f"{workload}: no batch_size")


def dltrain_side(arguments, workload, ranks, precision):
    step = [
        arguments.dltrain, "bench", "step", "--config", f"{HERE}/workloads/{workload}.yaml",
        "--batch-per-rank", rows_of(workload), "--set", f"precision={precision}"]
    if workload in IMAGES and not arguments.sync_bn:
        step += ["--set", "sync_batch_norm=false"]
    if ranks > 1:
        step = ["mpirun", "-n", str(ranks), *step]
    else:
        step = ["taskset", "-c", str(min(os.sched_getaffinity(0))), *step, "--ranks", "1"]
    trial, failure = last_json([*step, "--steps", "3"])
    if failure:
        return None, failure
    steps = max(5, min(1000, int(arguments.seconds * 1e3 / trial["step_ms"]) + 1))
    return Side("dltrain", [*step, "--steps", str(steps)]), None


def tensorflow_python():
    return os.environ.get("TENSORFLOW_PYTHON") or sys.executable


def peer_side(arguments, workload, ranks, precision, name):
    program, mode = MODES[name]
    command = [
        tensorflow_python() if program == TENSORFLOW else sys.executable, str(HERE / program),
        workload, "--mode", mode, "--ranks", str(ranks), "--precision", precision, "--seconds",
        str(arguments.seconds)]
    # TensorFlow is one rank, whose own rows are those of all ranks.
    return Side(name, command + (["--sync-bn"] if arguments.sync_bn and program == TORCH else []))


def available():
    """All modes, TensorFlow's only where its Python has it."""
    found = subprocess.run(
        [tensorflow_python(), "-c", "import tensorflow"], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL).returncode == 0
    return [name for name, (program, _) in MODES.items() if found or program != TENSORFLOW]


def has_part(name, workload, ranks):
    """Whether a mode is raced on a network: channels last are of images, TensorFlow is one rank."""
    if name == "channels_last":
        return workload in IMAGES
    return ranks == 1 or MODES[name][0] != TENSORFLOW


def knows(arguments, precision):
    """Whether this build trains in a precision."""
    known = subprocess.run(
        [arguments.dltrain, "validate", f"{HERE}/workloads/lenet5-28x28.yaml", "--set",
         f"precision={precision}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if known.returncode != 0:
        print(f"left out: {known.stderr.strip()}", file=sys.stderr, flush=True)
    return known.returncode == 0


def race(arguments, workload, ranks, precision):
    mine, failure = dltrain_side(arguments, workload, ranks, precision)
    if failure:
        print(f"  left out: {failure}", file=sys.stderr, flush=True)
        return None
    sides = [mine] + [
        peer_side(arguments, workload, ranks, precision, name)
        for name in arguments.modes if has_part(name, workload, ranks)]
    for turn in range(arguments.rounds):
        for side in sides:
            side.run()
            said = side.failure or f"{side.times[-1]:.2f} ms"
            print(
                f"  round {turn + 1} of {arguments.rounds}: {side.name}: {said}",
                file=sys.stderr, flush=True)
    if mine.median is None:
        return None
    for side in sides[1:]:
        if side.result and side.result["parameters"] != mine.result["parameters"]:
            sys.exit(
                f"{workload}: {mine.result['parameters']} parameters, {side.name}: "
                f"{side.result['parameters']}: not the same network")
    return sides


def machine():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def table(results, arguments, about):
    names = ["dltrain", *arguments.modes]
    lines = [
        "| network | ranks | precision | " + " | ".join(names)
        + " | fastest peer / dltrain | MB: dltrain, peer |",
        "|---" * (len(names) + 5) + "|",
    ]
    for (workload, ranks, precision), sides in results:
        cells = {side.name: side.text for side in sides}
        lines.append(
            f"| {workload} | {ranks} | {precision} | "
            + " | ".join(cells.get(name, "") for name in names)
            + f" | {ratio_text(sides)} | {memory_text(sides)} |")
    norms = "all ranks" if arguments.sync_bn else "each rank's own rows"
    return f"""{about}.

Milliseconds a step, the median of {arguments.rounds} rounds of about {arguments.seconds:g} s in turns (least to most);
the last column but one compares with the fastest peer. The last is the most memory that one process had, the median:
for the peers in the mode that took least. Batch norm is over {norms} on all sides.

""" + "\n".join(lines)


def ratio(sides):
    others = [side.median for side in sides[1:] if side.median is not None]
    return min(others) / sides[0].median if others else None


def ratio_text(sides):
    return "-" if ratio(sides) is None else f"{ratio(sides):.2f}"


def memory_text(sides):
    mine, *others = (
        statistics.median(side.peaks) if side.peaks and not side.failure else None
        for side in sides)
    theirs = [peak for peak in others if peak is not None]
    megabytes = [mine, min(theirs) if theirs else None]
    return ", ".join("-" if peak is None else f"{peak / 1e6:.0f}" for peak in megabytes)


def picture(results, about):
    """Bars of the fastest peer's time over dltrain's; behind the line dltrain is faster."""
    bars = [(key, ratio(sides)) for key, sides in results if ratio(sides) is not None]
    most = max([1.5, *(value for _, value in bars)])
    names = [
        f"{workload}, {counted_ranks(ranks)}" + ("" if precision == "float32" else f", {precision}")
        for (workload, ranks, precision), _ in bars]
    left, row = 24 + 8 * max(map(len, names)), 22
    width, height = left + 480, 84 + row * len(bars)

    def x(value):
        return left + (width - left - 60) * value / most

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="13" fill="#333">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="16" y="26" font-size="15">{TITLE}</text>',
    ]
    for index, (name, (_, value)) in enumerate(zip(names, bars)):
        y = 46 + row * index
        color = "#1a7f37" if value >= 1 else "#d1242f"
        lines += [
            f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{name}</text>',
            f'<rect x="{left}" y="{y}" width="{x(value) - left:.1f}" height="16" fill="{color}"/>',
            f'<text x="{x(value) + 6:.1f}" y="{y + 12}">{value:.2f}</text>',
        ]
    lines.append(
        f'<path d="M{x(1):.1f} 38V{height - 34}" stroke="#333" stroke-dasharray="4 4"/>')
    escaped = about.replace("&", "&amp;").replace("<", "&lt;")
    for above, part in zip((20, 6), escaped.split("; ", 1)):
        lines.append(f'<text x="16" y="{height - above}" font-size="11" fill="#777">{part}</text>')
    lines.append("</svg>")
    return "\n".join(lines) + "\n"


def write(text, svg):
    page = PAGE.read_text()
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        sys.exit(f"{PAGE}: the lines {BEGIN} and {END} must be there once")
    PICTURE.write_text(svg)
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n![{TITLE}](race.svg)\n\n{END}{after}")


def main():
    known = sorted(path.stem for path in (HERE / "workloads").glob("*.yaml"))
    parser = argparse.ArgumentParser(prog="race.sh", description=__doc__)
    parser.add_argument("--dltrain", default=str(ROOT / ".build/release/dltrain"))
    parser.add_argument("--only", nargs="*", default=[], help="parts of workloads' names")
    parser.add_argument("--ranks", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--precision", nargs="*", default=["float32", "bfloat16"])
    parser.add_argument("--modes", nargs="*", choices=MODES, help="all that are there unless given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="of each round and side")
    parser.add_argument("--sync-bn", action="store_true", help="batch norm over all ranks")
    parser.add_argument("--json", help="write all times to this file")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md and race.svg")
    arguments = parser.parse_args()
    arguments.dltrain = os.path.abspath(arguments.dltrain)
    if not os.access(arguments.dltrain, os.X_OK):
        sys.exit(f"race.sh: {arguments.dltrain}: no program; build it, or name it by DLTRAIN")
    workloads = [
        name for name in known if not arguments.only or any(part in name for part in arguments.only)]
    if not workloads:
        sys.exit(f"race.sh: --only {' '.join(arguments.only)}: none of {', '.join(known)}")
    races = [
        (workload, ranks, precision)
        for precision in arguments.precision if knows(arguments, precision)
        for ranks in arguments.ranks for workload in workloads]
    if max(arguments.ranks) > len(os.sched_getaffinity(0)):
        sys.exit(f"race.sh: {max(arguments.ranks)} ranks need as many cores")
    if arguments.modes is None:
        arguments.modes = available()
    results = []
    for index, key in enumerate(races):
        workload, ranks, precision = key
        print(
            f"{index + 1} of {len(races)}: {workload}, {counted_ranks(ranks)}, {precision}",
            file=sys.stderr, flush=True)
        sides = race(arguments, *key)
        if sides:
            results.append((key, sides))
    if not results:
        sys.exit("race.sh: no race was run to its end")
    mine = results[0][1][0].result
    peers = {side.result["peer"] for _, sides in results for side in sides[1:] if side.result}
    version = subprocess.run(
        [arguments.dltrain, "--version"], stdout=subprocess.PIPE, text=True).stdout.split("\n")[0]
    about = (
        f"{machine()}, {datetime.date.today()}: {version}, BLAS {mine['blas_core']}, kernels "
        f"{mine['kernel_set']}; {', '.join(sorted(peers)) or 'no peer'}; a thread for each rank")
    text = table(results, arguments, about)
    print(text)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({
            "about": about,
            "races": [
                {"workload": key[0], "ranks": key[1], "precision": key[2],
                 "step_ms": {side.name: side.times for side in sides},
                 "peak_bytes": {side.name: side.peaks for side in sides}}
                for key, sides in results],
        }, indent=1) + "\n")
    if arguments.write:
        write(text, picture(results, about))


if __name__ == "__main__":
    main()
