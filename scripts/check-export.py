#!/usr/bin/env python3
"""Compares what exported networks give with what dltrain predicted, for the test of `dltrain export`.

    check-export.py FOLDER...

Each folder holds rows.safetensors (`x`, and `lengths` where rows have them), predicted.csv as `dltrain
predict` printed it, and what was exported: model.onnx, which ONNX Runtime runs, or model.py beside
model.safetensors, which PyTorch runs. A line for each file: the largest deviation, relative to the
largest number. Exits with 1 where one is above 1e-5, and with 3 where a package is missing.
"""

import importlib.util
import pathlib
import sys

LIMIT = 1e-5

try:
    import numpy
    import onnx
    import onnxruntime
    import torch
    from safetensors.numpy import load_file
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(3)


def run_onnx(path, rows):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = {"input": "x", "lengths": "lengths"}
    feed = {given.name: rows[names[given.name]] for given in session.get_inputs()}
    whole = session.run(None, feed)[0]
    # Any batch will do.
    first = session.run(None, {name: values[:1] for name, values in feed.items()})[0]
    numpy.testing.assert_allclose(first, whole[:1], rtol=1e-4, atol=1e-5)
    return whole


def run_torch(path, rows):
    spec = importlib.util.spec_from_file_location("model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with torch.no_grad():
        return module.load()(torch.from_numpy(rows["x"])).numpy()


def main(folders):
    failed = False
    for folder in map(pathlib.Path, folders):
        rows = load_file(folder / "rows.safetensors")
        lines = (folder / "predicted.csv").read_text().splitlines()
        numbers = [line.split(",")[1:] for line in lines if line[:1].isdigit()]
        expected = numpy.array(numbers, dtype=numpy.float64)
        for name, run in [("model.onnx", run_onnx), ("model.py", run_torch)]:
            path = folder / name
            if not path.exists():
                continue
            try:
                got = run(str(path), rows)
                got = got.reshape(expected.shape).astype(numpy.float64)
                scale = max(1.0, numpy.abs(expected).max())
                deviation = numpy.abs(got - expected).max() / scale
                worst = f"{deviation:.2e}"
                good = bool(deviation <= LIMIT)
            except Exception as error:
                worst, good = f"{type(error).__name__}: {error}", False
            failed = failed or not good
            print(f"{'ok  ' if good else 'FAIL'} {folder.name}/{name} {worst}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
