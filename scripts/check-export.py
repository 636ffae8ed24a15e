#!/usr/bin/env python3
"""Compares what exported networks give with what dltrain predicted, for the test of `dltrain export`.

    check-export.py FOLDER...
    check-export.py --list FILE.onnx

Each folder holds rows.safetensors (`x`, and `lengths` where rows have them, or what else the network takes,
by name), predicted.csv as `dltrain predict` printed it, and what was exported: model.onnx, which ONNX
Runtime runs, or model.py beside model.safetensors, which PyTorch runs. A line for each file: the largest deviation, relative to the
largest number. Exits with 1 where one is above 1e-5, and with 3 where a package is missing.

With --list it prints what the onnx package finds in a file: the listings in Tests/ProcessTests/Golden.
"""

import importlib.util
import inspect
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
    inputs = session.get_inputs()
    feed = {given.name: rows[{"input": "x"}.get(given.name, given.name)] for given in inputs}

    def outputs(feed):
        found = session.run(None, feed)
        if len(found) == 1:
            return found[0]
        return numpy.concatenate([values.reshape(len(values), -1) for values in found], 1)

    whole = outputs(feed)
    # Any batch will do; a graph is one whole.
    if all(given.shape[0] == "batch" for given in inputs):
        first = outputs({name: values[:1] for name, values in feed.items()})
        numpy.testing.assert_allclose(first, whole[:1], rtol=1e-4, atol=1e-5)
    return whole


def run_torch(path, rows):
    spec = importlib.util.spec_from_file_location("model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load()
    names = inspect.signature(network.forward).parameters
    with torch.no_grad():
        found = network(*(torch.from_numpy(rows[name if name in rows else "x"]) for name in names))
    if isinstance(found, torch.Tensor):
        return found.numpy()
    return numpy.concatenate([values.numpy().reshape(len(values), -1) for values in found], 1)


def predicted(path):
    """The numbers of each row, and how outputs become them: as they are, or the likeliest class."""
    lines = path.read_text().splitlines()
    head = lines[0].split(",")
    numbers = numpy.array([line.split(",") for line in lines if line[:1].isdigit()], numpy.float64)
    if "class" not in head:
        return numbers[:, 1:], lambda outputs: outputs

    def likeliest(outputs):
        outputs = outputs.reshape(len(numbers), -1)
        shares = numpy.exp(outputs - outputs.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        return numpy.stack([shares.argmax(1), shares.max(1)], 1)

    return numbers[:, head.index("class") :], likeliest


def listing(path):
    model = onnx.load(path)
    types = {1: "float32", 2: "uint8", 6: "int32", 7: "int64", 9: "bool"}

    def value(info):
        kind = info.type.tensor_type
        sizes = [size.dim_param or str(size.dim_value) for size in kind.shape.dim]
        return f"{info.name}: {types[kind.elem_type]} [{', '.join(sizes)}]"

    def attribute(given):
        got = onnx.helper.get_attribute_value(given)
        if isinstance(got, float):
            return f"{given.name}: {got:.6g}"
        words = [word.decode() if isinstance(word, bytes) else str(word) for word in
                 (got if isinstance(got, list) else [got])]
        return f"{given.name}: " + (f"[{', '.join(words)}]" if isinstance(got, list) else words[0])

    yield f"opset {model.opset_import[0].version}"
    yield from (f"input {value(info)}" for info in model.graph.input)
    for tensor in model.graph.initializer:
        yield f"{tensor.name}: {types[tensor.data_type]} {list(tensor.dims)}"
    for node in model.graph.node:
        options = ", ".join(map(attribute, node.attribute))
        yield (f"{', '.join(node.output)} = {node.op_type}({', '.join(node.input)})"
               + (f" {{{options}}}" if options else ""))
    yield from (f"output {value(info)}" for info in model.graph.output)


def main(folders):
    if folders[:1] == ["--list"]:
        print("\n".join(listing(folders[1])))
        return 0
    failed = False
    for folder in map(pathlib.Path, folders):
        rows = load_file(folder / "rows.safetensors")
        expected, put = predicted(folder / "predicted.csv")
        for name, run in [("model.onnx", run_onnx), ("model.py", run_torch)]:
            path = folder / name
            if not path.exists():
                continue
            try:
                got = put(run(str(path), rows).astype(numpy.float64)).reshape(expected.shape)
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
