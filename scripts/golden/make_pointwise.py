"""Golden values of elementwise functions, reductions over chosen axes and two-operand einsum."""

import math

import numpy as np
import torch

from golden import Family, Random


def pointwise():
    family = Family("pointwise")

    def draw(case, *shape):
        return Random(f"pointwise_{case}").normal(*shape)

    def positive(case, *shape):
        return Random(f"pointwise_{case}").uniform(*shape, low=0.3, high=3.0)

    for op, function, draws in [("exp", torch.exp, draw), ("log", torch.log, positive), ("sqrt", torch.sqrt, positive),
                                ("rsqrt", torch.rsqrt, positive), ("abs", torch.abs, draw), ("square", torch.square, draw),
                                ("reciprocal", torch.reciprocal, positive)]:
        for case, size in [("1d", (7,)), ("3d", (2, 3, 5)), ("one", (1,)), ("scalar", ())]:
            family.record(f"{op}_{case}", op, {"x": draws(f"{op}_{case}", *size)}, lambda x: {"y": function(x)}, wrt=["x"])
    zero = np.array([0, -1, 0, 2], np.float32)
    family.record("abs_zero", "abs", {"x": zero}, lambda x: {"y": x.abs()}, wrt=["x"])
    for exponent in [2, 3, 0.5, -1.5, 0, 1]:
        family.record(f"power_{exponent}", "power", {"x": positive(f"power_{exponent}", 3, 4)},
                      lambda x: {"y": x.pow(exponent)}, wrt=["x"], exponent=exponent)
    family.record("power_of_negative", "power", {"x": draw("power_negative", 3, 4)},
                  lambda x: {"y": x.pow(3)}, wrt=["x"], exponent=3)
    for case, a, b in [("same", (3, 4), (3, 4)), ("row", (3, 4), (4,)), ("column", (2, 3, 4), (3, 1)), ("scalar", (), (2, 3)), ("outer", (2, 1, 4), (3, 1))]:
        family.record(f"pow_{case}", "pow", {"a": positive(f"pa_{case}", *a), "b": draw(f"pb_{case}", *b)},
                      lambda a, b: {"y": a ** b}, wrt=["a", "b"])
        for op, function in [("maximum_of", torch.maximum), ("minimum_of", torch.minimum)]:
            # Whole numbers: some are equal.
            inputs = {name: Random(f"{op}_{case}_{name}").integers(*size, below=3).astype(np.float32)
                      for name, size in [("a", a), ("b", b)]}
            family.record(f"{op}_{case}", op, inputs, lambda a, b: {"y": function(a, b)}, wrt=["a", "b"])
    family.record("pow_of_zero", "pow", {"a": np.array([0, 0, 2], np.float32), "b": np.array([0, 2, 0], np.float32)},
                  lambda a, b: {"y": a ** b}, wrt=["a", "b"])
    for case, low, high in [("both", -0.5, 0.5), ("low", 0, None), ("high", None, 0.25), ("equal", 0.5, 0.5)]:
        x = draw(f"clamp_{case}", 3, 5)
        x[0, :2] = -0.5, 0.5
        settings = {key: value for key, value in [("low", low), ("high", high)] if value is not None}
        family.record(f"clamp_{case}", "clamp", {"x": x}, lambda x: {"y": x.clamp(low, high)}, wrt=["x"], **settings)

    axes = [("all", (2, 3, 4), []), ("axis_0", (4, 3), [0]), ("last", (2, 3, 5), [-1]), ("middle", (2, 5, 3), [1]),
            ("split", (2, 3, 4), [0, 2]), ("back", (2, 3, 2, 4), [1, 2]), ("of_one", (3, 1), [1])]

    def reduction(op, function, draws=draw, skip=(), **settings):
        for case, size, dims in axes:
            if case in skip:
                continue
            for keepdim in [False, True]:
                tag = "".join(f"_{value}" for value in settings.values()) + ("_keepdim" if keepdim else "")
                family.record(f"{op}_{case}{tag}", op, {"x": draws(f"{op}_{case}", *size)},
                              lambda x: {"y": function(x, tuple(dims) or tuple(range(x.dim())), keepdim)},
                              wrt=["x"], axes=dims, keepdim=keepdim, **settings)

    def ties(case, *shape):
        return Random(f"pointwise_{case}").integers(*shape, below=3).astype(np.float32)

    def product(x, dims, keepdim):
        for axis in sorted((d % x.dim() for d in dims), reverse=True):
            x = x.prod(axis, keepdim=keepdim)
        return x

    reduction("amax", lambda x, d, k: x.amax(d, keepdim=k), ties)
    reduction("amin", lambda x, d, k: x.amin(d, keepdim=k))
    reduction("prod", product)
    reduction("prod_zeros", product, ties)
    reduction("logsumexp", lambda x, d, k: x.logsumexp(d, keepdim=k))
    for order in [1, 2, 3, 2.5]:
        reduction("norm", lambda x, d, k: torch.linalg.vector_norm(x, order, d, keepdim=k), order=order)
    reduction("norm_infinite", lambda x, d, k: torch.linalg.vector_norm(x, math.inf, d, keepdim=k))
    reduction("variance", lambda x, d, k: x.var(d, correction=1, keepdim=k), skip=["of_one"], correction=1)
    reduction("variance", lambda x, d, k: x.var(d, correction=0, keepdim=k), correction=0)
    reduction("deviation", lambda x, d, k: x.std(d, correction=1, keepdim=k), skip=["of_one"], correction=1)
    family.record("norm_of_zeros", "norm", {"x": np.zeros((2, 3), np.float32)},
                  lambda x: {"y": torch.linalg.vector_norm(x, 2, 1)}, wrt=["x"], axes=[1], keepdim=False, order=2)
    family.record("deviation_of_equals", "deviation", {"x": np.ones((2, 3), np.float32)},
                  lambda x: {"y": x.std(1)}, wrt=["x"], axes=[1], keepdim=False, correction=1)
    for op, function in [("argmax", torch.argmax), ("argmin", torch.argmin)]:
        for case, size, axis in [("rows", (4, 3), 0), ("last", (2, 3, 5), -1), ("middle", (2, 5, 3), 1)]:
            family.record(f"{op}_{case}", op, {"x": draw(f"{op}_{case}", *size)},
                          lambda x: {"y": x * 1, "index": function(x, dim=axis).to(x.dtype)}, wrt=["x"], axis=axis)

    for case, equation, a, b in [
        ("batched", "bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("plain", "ij,jk->ik", (3, 4), (4, 2)),
        ("transposed", "ij,kj->ki", (3, 4), (2, 4)), ("outer", "i,j->ij", (3,), (4,)), ("dot", "i,i->", (5,), (5,)),
        ("heads", "bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 5, 2, 4)), ("values", "bhqk,bkhd->bqhd", (2, 2, 3, 5), (2, 5, 2, 4)),
        ("elementwise", "ij,ij->ij", (3, 4), (3, 4)), ("lone", "aij,jkb->ik", (2, 3, 4), (4, 2, 3)),
        ("two_summed", "iab,abj->ij", (3, 2, 4), (2, 4, 5)), ("scalar", ",ij->ji", (), (2, 3)),
    ]:
        family.record(f"einsum_{case}", "einsum", {"a": draw(f"ea_{case}", *a), "b": draw(f"eb_{case}", *b)},
                      lambda a, b: {"y": torch.einsum(equation, a, b)}, wrt=["a", "b"], equation=equation)
    family.save()


if __name__ == "__main__":
    pointwise()
