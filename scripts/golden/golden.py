"""What the golden scripts share: fixed random inputs, one way to record a case, and a safetensors
writer whose bytes depend on nothing but its arguments."""

import json
import os
import pathlib
import struct
import zlib

# Read when torch is loaded: the plain kernels, so that the bits do not depend on the CPU's model.
os.environ["MKL_CBWR"] = "COMPATIBLE"
os.environ["ATEN_CPU_CAPABILITY"] = "default"

import numpy as np  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
torch.backends.mkldnn.enabled = False

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "GoldenTests" / "Golden"

# The tolerances by which float32 results are compared with the float64 values.
RTOL32, ATOL32 = 1e-4, 1e-5

TYPES = {"float64": "F64", "int64": "I64", "float32": "F32", "int32": "I32", "uint8": "U8"}


class Random:
    """Draws keyed by a name. Every real number is representable in float32."""

    def __init__(self, name):
        self.state = np.random.RandomState(zlib.crc32(name.encode()))

    def normal(self, *shape, scale=1.0, mean=0.0):
        return (mean + scale * self.state.standard_normal(shape)).astype(np.float32)

    def uniform(self, *shape, low=0.0, high=1.0):
        return self.state.uniform(low, high, shape).astype(np.float32)

    def integers(self, *shape, below):
        return self.state.randint(0, below, shape).astype(np.int32)

    def away_from_zero(self, *shape):
        """Magnitudes in 0.5 ..< 2 of either sign, to divide by."""
        sign = np.where(self.state.uniform(size=shape) < 0.5, -1.0, 1.0)
        return (sign * self.state.uniform(0.5, 2.0, shape)).astype(np.float32)


def save(name, tensors, metadata=None):
    """Writes FOLDER/name: wide types first, then by name, as the safetensors library orders them."""
    arrays = {key: np.ascontiguousarray(value).reshape(np.shape(value))
              for key, value in tensors.items()}
    order = sorted(arrays, key=lambda key: (-arrays[key].dtype.itemsize, key))
    header = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    offset = 0
    for key in order:
        array = arrays[key]
        header[key] = {"dtype": TYPES[array.dtype.name], "shape": list(array.shape),
                       "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / name, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for key in order:
            file.write(arrays[key].tobytes())
    cases = f", {len(metadata)} cases" if metadata else ""
    print(f"{name}: {(FOLDER / name).stat().st_size} bytes{cases}")


def options(**values):
    return json.dumps(values, sort_keys=True)


class Family:
    """The cases of one family of ops, written to one file."""

    def __init__(self, name):
        self.name = name
        self.tensors, self.metadata = {}, {}

    def record(self, case, op, inputs, function, wrt=(), **settings):
        """Runs `function` on the inputs in float64 and stores inputs, outputs and gradients.

        `function` maps keyword tensors to a dictionary of outputs, whose first entry is
        differentiated against the upstream gradient `grad_output`. Inputs have the layout in
        which they are stored, so that gradients have it too. The same run in float32 has to
        agree within the tolerances that the tests apply, else the case would be unfair.
        """
        assert case not in self.metadata and "/" not in case, case
        random = Random(f"{self.name}/{case}/grad_output")
        shape = next(iter(self._run(function, inputs, torch.float64, (), None)[0].values())).shape
        upstream = random.normal(*shape) if wrt else None
        outputs, gradients = self._run(function, inputs, torch.float64, wrt, upstream)
        outputs32, gradients32 = self._run(function, inputs, torch.float32, wrt, upstream)
        for name, value in inputs.items():
            self.tensors[f"{case}/in/{name}"] = value
        if wrt:
            self.tensors[f"{case}/in/grad_output"] = upstream
        for kind, values, values32 in [("out", outputs, outputs32), ("grad", gradients, gradients32)]:
            for name, value in values.items():
                assert np.isfinite(value).all(), f"{self.name}/{case}: {kind}/{name} is not finite"
                np.testing.assert_allclose(
                    values32[name].astype(np.float64), value, RTOL32, ATOL32,
                    err_msg=f"{self.name}/{case}: {kind}/{name} in float32")
                self.tensors[f"{case}/f64/{kind}/{name}"] = value
        self.metadata[case] = options(op=op, **settings)

    @staticmethod
    def _run(function, inputs, dtype, wrt, upstream):
        tensors = {}
        for name, value in inputs.items():
            tensor = torch.from_numpy(np.array(value))
            tensors[name] = tensor.to(dtype) if tensor.is_floating_point() else tensor.long()
            tensors[name].requires_grad_(name in wrt)
        outputs = function(**tensors)
        gradients = {}
        if wrt:
            first = next(iter(outputs.values()))
            first.backward(torch.from_numpy(np.array(upstream)).to(dtype))
            gradients = {name: tensors[name].grad.to_dense().numpy().copy() for name in wrt}
        return {name: value.detach().numpy().copy() for name, value in outputs.items()}, gradients

    def save(self):
        save(f"{self.name}.safetensors", self.tensors, self.metadata)


def nchw(tensor):
    return tensor.permute(0, 3, 1, 2).contiguous()


def nhwc(tensor):
    return tensor.permute(0, 2, 3, 1).contiguous()
