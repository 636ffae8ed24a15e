"""What course.py says of a result, and what it reads in comments."""

import re


def commands_of_study(text, job):
    """The commands that a study's comments name for its data and weights, RUN being one of its job."""
    comments = "\n".join(line.strip() for line in text.splitlines() if line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n#\s*", "", comments)
    found = re.findall(r"^#(?: \w+:)?\s*(dltrain (?:data|export|neighbors) .*)$", joined, re.M)
    return [re.sub(r"\bRUN\b(?! of)", f"RUN of {job}", command) for command in found]


def figures(result):
    """What a recipe came to, in words."""
    shown = [shown_figure("validation " + key.replace("_", " "), value)
             for key, value in result["validation"].items() if isinstance(value, (int, float))]
    shown += [f"{name}: {text}" for name, text in result["test"].items()]
    if not shown and result["loss"] is not None:
        shown = [shown_figure("loss of the last step", result["loss"])]
    return ", ".join(shown) or "-"


def shown_figure(name, value):
    if "accuracy" in name or "match" in name:
        return f"{name} {100 * value:.2f}%"
    return f"{name} {value:.4f}" if abs(value) < 1000 else f"{name} {value:.0f}"


def clock(seconds):
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
