"""Runs the recipes and studies of dltrain and keeps what they came to: see all.sh, which calls this.

What prepares the data of a recipe is what `dltrain recipes NAME` says: the commands in backticks of its comment, run in
OUT/data, where everything that DATA holds is linked, and the options behind "then add". `RUN of NAME` is the run of
that recipe, which goes first.

OUT/results.jsonl has a line per recipe and study: name, ranks, whether it was quick, the last validation, test figures,
wall time. OUT/runs/NAME is the run's folder, OUT/NAME.log what was printed. Needs no package.
"""

import argparse
import copy
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import time

from course_words import clock, commands_of_study, figures

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Validating takes longer than two steps do; studies have figures of nothing else.
QUICK_STUDY = ["--set", "steps=2", "--set", "epochs=null"]
QUICK = [*QUICK_STUDY, "--set", "data.validation=null"]


class Failure(Exception):
    """What ended a run, in a line."""


class Recipe:
    """What a recipe needs and how it is started."""

    def __init__(self, name, text):
        self.name = name
        lines = [line[2:] for line in text.splitlines() if line.startswith("# Data: ")]
        help_text = lines[0] if lines else ""
        self.commands = re.findall(r"`([^`]*)`", help_text)
        options = re.sub(r"`[^`]*`", "", help_text).partition("then add")[2]
        # OPTION VALUE, where the value may be the run of another recipe.
        self.options = re.findall(r"(--[a-z-]+) (\S+?RUN of [a-z0-9-]+|RUN of [a-z0-9-]+|\S+?),?(?:\s|$)", options)
        self.needs = re.findall(r"RUN of ([a-z0-9-]+)", options)

    def data(self, key):
        """The file of a key, as data.train."""
        for option, value in self.options:
            if option == "--set" and value.startswith(key + "="):
                return value.partition("=")[2]
        return None


class Course:
    """A folder of runs, and the data below it."""

    def __init__(self, options):
        self.options = options
        self.binary = str(pathlib.Path(os.environ["DLTRAIN"]).resolve())
        self.out = pathlib.Path(options.out).resolve()
        self.data = self.out / "data"
        self.results = self.out / "results.jsonl"
        for folder in [self.data, self.out / "runs"]:
            folder.mkdir(parents=True, exist_ok=True)
        self.recipes = self.names("recipes", "  ")
        self.studies = self.names("study", "")
        self.known = {}

    def names(self, verb, indent):
        return re.findall(rf"^{indent}([a-z0-9][a-z0-9-]*) +\S", self.said([self.binary, verb]), re.M)

    def said(self, command):
        return subprocess.run(
            command, cwd=self.data, check=True, stdout=subprocess.PIPE, text=True).stdout

    def recipe(self, name):
        if name not in self.known:
            self.known[name] = Recipe(name, self.said([self.binary, "recipes", name]))
        return self.known[name]

    def done(self):
        """The newest line of each name, at this length."""
        lines = {}
        if self.results.exists():
            for line in self.results.read_text().splitlines():
                try:
                    result = json.loads(line)
                except ValueError:
                    continue  # cut off by a kill
                if result["quick"] == self.options.quick:
                    lines[result["name"]] = result
        return lines

    def keep(self, result):
        with self.results.open("a") as file:
            file.write(json.dumps(result) + "\n")

    def link(self):
        """Names everything of DATA in the folder where the commands run."""
        source = pathlib.Path(self.options.data).resolve()
        folders = [path for path in sorted(source.iterdir()) if path.is_dir()]
        files = [path for path in sorted(source.iterdir()) if path.is_file()]
        for path in files + [file for folder in folders for file in sorted(folder.iterdir())]:
            target = self.data / path.name
            if not target.is_symlink() and not target.exists():
                target.symlink_to(path)
        scripts = self.data / "scripts"
        if not scripts.exists():
            scripts.symlink_to(ROOT / "scripts")

    def unpack(self, command):
        """Unpacks the archive of DATA that has the folder which a command names."""
        for word in shlex.split(command):
            if "." in word or "/" in word or (self.data / word).exists():
                continue
            for archive in sorted(pathlib.Path(self.options.data).glob("*.tar.gz")):
                with tarfile.open(archive) as tar:
                    first = tar.next()
                    if first and first.name.split("/")[0] == word:
                        tar.extractall(self.data, filter="data")

    def prepare(self, recipe, log):
        """Runs the commands that make a recipe's data, each once."""
        marks = self.data / "prepared.txt"
        for command in recipe.commands:
            mark = ("quick " if self.options.quick and "RUN of" in command else "") + command
            if marks.exists() and mark in marks.read_text().splitlines():
                continue
            self.unpack(command)
            train = recipe.data("data.train") or ""
            folder = pathlib.Path(self.options.data).resolve() / train.split("/")[0].split(".")[0]
            line = re.sub(r"\bDIR\b", shlex.quote(str(folder)), command)
            for option, value in self.replaced(re.findall(r"(\S+)\s+(RUN of [a-z0-9-]+)", line)):
                line = re.sub(rf"{re.escape(option)}\s+RUN of [a-z0-9-]+", f"{option} {shlex.quote(value)}", line)
            line = f'dltrain() {{ {shlex.quote(self.binary)} "$@"; }}\n' + (
                f'python3() {{ {shlex.quote(sys.executable)} "$@"; }}\nset -euo pipefail\n{line}\n')
            if subprocess.run(["bash", "-c", line], cwd=self.data, stdout=log, stderr=log).returncode:
                raise Failure(f"its data could not be made: {command}")
            with marks.open("a") as file:
                file.write(mark + "\n")

    def replaced(self, options):
        """Options with the folders of the runs that they name, or the weights where they start from them."""
        return [
            (option, re.sub(
                r"RUN of ([a-z0-9-]+)",
                lambda match: str(self.weights(match.group(1)) if "--init" in option else self.folder(match.group(1))),
                value))
            for option, value in options]

    def weights(self, name):
        """The best checkpoint of a run, or its newest."""
        folder = self.folder(name) / "checkpoints"
        best = (json.loads((folder.parent / "summary.json").read_text()).get("best") or {}).get("step")
        file = folder / f"step-{best or 0:08d}.safetensors"
        return file if file.exists() else folder / (folder / "latest").read_text().strip()

    def folder(self, name):
        return self.out / ("quick" if self.options.quick else "runs") / name

    def run(self, name):
        """Runs a recipe or study, those that it needs before, unless that is done."""
        if name in self.done():
            return
        is_study = name not in self.recipes
        with (self.out / f"{name}.log").open("a") as log:
            if is_study:
                show = self.said([self.binary, "study", name, "--show"])
                job = re.search(r"^job: *([a-z0-9-]+)", show, re.M)
                job = job.group(1) if job and job.group(1) in self.recipes else None
                recipe = copy.deepcopy(self.recipe(job)) if job else Recipe(name, "")
                options = [pair for pair in recipe.options if pair[1].partition("=")[0] not in show]
                recipe.commands += commands_of_study(show, job)
            else:
                recipe = self.recipe(name)
                options = recipe.options
            commands = " ".join(recipe.commands)
            for need in recipe.needs + re.findall(r"RUN of ([a-z0-9-]+)", commands):
                self.run(need)
                if need not in self.done():
                    raise Failure(f"needs the run of {need}")
            self.prepare(recipe, log)
            words = [word for pair in self.replaced(options) for word in pair]
            (self.study if is_study else self.train)(name, recipe, words, log)

    def timed(self, name, command, log):
        """Runs a command; the seconds of all tries of this name together."""
        clock = self.folder(name).with_name(name + ".seconds")
        clock.parent.mkdir(parents=True, exist_ok=True)
        before = float(clock.read_text()) if clock.exists() else 0.0
        begin = time.monotonic()
        process = subprocess.Popen(
            command, cwd=self.data, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            code = process.wait()
        except BaseException:
            process.send_signal(signal.SIGUSR1)  # with a checkpoint
            process.wait()
            clock.write_text(str(before + time.monotonic() - begin))
            raise
        seconds = before + time.monotonic() - begin
        clock.write_text(str(seconds))
        if code:
            raise Failure(f"ended with {code}: see {log.name}")
        return seconds

    def train(self, name, recipe, words, log):
        folder = self.folder(name)
        command = [self.binary, "train", name, "--out", str(folder), *words]
        command += ["--ranks", str(self.options.ranks)]
        if self.options.quick:
            shutil.rmtree(folder, ignore_errors=True)
            command += QUICK
        elif (folder / "checkpoints" / "latest").exists():
            command += ["--resume", "auto"]
        else:
            shutil.rmtree(folder, ignore_errors=True)
        seconds = self.timed(name, command, log)
        summary = json.loads((folder / "summary.json").read_text())
        self.keep({
            "name": name, "kind": "recipe", "quick": self.options.quick, "ranks": self.options.ranks,
            "wall_s": round(seconds, 1), "steps": summary["last"]["step"],
            "loss": summary["last"].get("loss"), "validation": self.validation(folder),
            "test": self.test(folder, recipe, summary, log), "cpu": summary.get("cpu"),
        })

    @staticmethod
    def validation(folder):
        """The figures of the last validation; none where there was none."""
        last = {}
        for line in (folder / "metrics.jsonl").read_text().splitlines():
            record = json.loads(line)
            if record["kind"] == "validation":
                last = record
        return {key: value for key, value in last.items() if key not in ("kind", "step", "epoch")}

    def test(self, folder, recipe, summary, log):
        """What `dltrain evaluate` says of the best checkpoint, by the file that it was measured on.

        That is the files beside the training set that are for tests alone; else, for graphs that have a test part and
        where the best checkpoint is not the last one, what the run was validated on.
        """
        if self.options.quick:
            return {}
        train, validation = recipe.data("data.train"), recipe.data("data.validation")
        files = []
        if train and "/" in train:
            beside = (self.data / train).parent.glob("*test*.safetensors")
            files = [path for path in sorted(beside) if str(path.relative_to(self.data)) not in (train, validation)]
        said = {path.stem: ["--data", str(path)] for path in files}
        if not said and train and train == validation:
            said["test part"] = []
        elif not said and (summary.get("best") or summary["last"])["step"] != summary["last"]["step"]:
            said["best checkpoint"] = []
        for name, options in said.items():
            command = [self.binary, "evaluate", str(folder), "--ranks", str(self.options.ranks), *options]
            run = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True)
            log.write(run.stdout)
            lines = [line.split(maxsplit=1) for line in run.stdout.splitlines()]
            said[name] = ", ".join(
                " ".join(line) for line in lines if len(line) == 2 and line[0] not in ("checkpoint", "data", "rows"))
        return {name: text for name, text in said.items() if text}

    def study(self, name, recipe, words, log):
        folder = self.folder(name)
        command = [self.binary, "study", name, "--out", str(folder), *words]
        if self.options.quick:
            shutil.rmtree(folder, ignore_errors=True)
            command += QUICK_STUDY
        elif (folder / "journal.jsonl").exists():
            command += ["--resume"]
        if self.options.ranks > 1:
            command = ["mpirun", "--oversubscribe", "-n", str(self.options.ranks), *command]
        seconds = self.timed(name, command, log)
        self.keep({
            "name": name, "kind": "study", "quick": self.options.quick, "ranks": self.options.ranks,
            "wall_s": round(seconds, 1), "table": (folder / "table.md").read_text(),
        })

    def table(self):
        done = self.done()
        lines = ["| recipe | result | steps | ranks | wall time |", "|---|---|---|---|---|"]
        for name in self.recipes:
            if result := done.get(name):
                lines.append(
                    f"| {name} | {figures(result)} | {result['steps']:,} | {result['ranks']} "
                    f"| {clock(result['wall_s'])} |")
        for name in self.studies:
            if result := done.get(name):
                ranks = f"{result['ranks']} rank{'s' if result['ranks'] > 1 else ''}"
                lines += ["", f"**{name}**: {ranks}, {clock(result['wall_s'])}.", "", result["table"].strip()]
        return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/results/all.sh", description="Runs the recipes and studies of the course.")
    parser.add_argument("data", help="the folder of the data: mnist, cora, polarity, ...")
    parser.add_argument("--out", default="runs/course", help="where runs and results go (%(default)s)")
    parser.add_argument("--ranks", type=int, default=2, help="ranks of each run (%(default)s)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these recipes and studies alone")
    parser.add_argument("--quick", action="store_true", help="two steps of each")
    parser.add_argument("--table", action="store_true", help="print the table of what is there, run nothing")
    return parser.parse_args()


def main():
    options = arguments()
    if not pathlib.Path(options.data).is_dir():
        sys.exit(f"all.sh: {options.data}: no such folder")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    course = Course(options)
    names = course.recipes + course.studies
    chosen = options.only or names
    for name in chosen:
        if name not in names:
            sys.exit(f"all.sh: {name}: no such recipe or study")
    failed = []
    if not options.table:
        course.link()
        for name in chosen:
            if name in course.done():
                continue
            print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
            try:
                course.run(name)
            except (Failure, OSError, subprocess.CalledProcessError) as failure:
                failed.append(name)
                print(f"all.sh: {name}: {failure}", file=sys.stderr, flush=True)
    print(course.table())
    if failed:
        sys.exit(f"all.sh: failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
