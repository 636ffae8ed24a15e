"""Products in PyTorch's mixed precision: what autocast to bfloat16 makes of ops, beside their float64
values. A program that rounds the operands of its products should be as near to those as PyTorch is."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from golden import Family, Random, nchw, nhwc


class MixedFamily(Family):
    """Cases that also hold the outputs and gradients under autocast, as CASE/bf16/..."""

    def record(self, case, op, inputs, function, wrt=(), **settings):
        super().record(case, op, inputs, function, wrt, **settings)

        def mixed(**tensors):
            with torch.autocast("cpu", torch.bfloat16):
                outputs = function(**tensors)
            return {name: value.float() for name, value in outputs.items()}

        upstream = self.tensors[f"{case}/in/grad_output"]
        outputs, gradients = self._run(mixed, inputs, torch.float32, wrt, upstream)
        for kind, values in [("out", outputs), ("grad", gradients)]:
            for name, value in values.items():
                self.tensors[f"{case}/bf16/{kind}/{name}"] = value.astype(np.float32)


def products(family):
    for case, shape, out in [("linear", (17, 70), 33), ("linear_long", (6, 800), 5), ("linear_few", (40, 3), 21)]:
        random = Random("bfloat16_" + case)
        inputs = {"x": random.normal(*shape), "bias": random.normal(out),
                  "weight": random.normal(out, shape[1], scale=1 / math.sqrt(shape[1]))}
        family.record(case, "linear", inputs,
                      lambda x, weight, bias: {"y": F.linear(x, weight, bias)}, wrt=list(inputs), bias=True)
    random = Random("bfloat16_matmul")
    family.record("matmul", "matmul", {"a": random.normal(3, 9, 40), "b": random.normal(3, 40, 11)},
                  lambda a, b: {"y": a @ b}, wrt=["a", "b"])


def convolutions(family):
    for case, image, out, kernel, stride, padding in [
        ("conv2d_k3", (2, 5, 4, 12), 33, 3, 1, 1),
        ("conv2d_k3_s2", (2, 7, 6, 20), 9, 3, 2, 1),
        ("conv2d_k5", (2, 12, 12, 1), 6, 5, 1, 2),
        ("conv2d_k1", (2, 5, 4, 70), 9, 1, 1, 0),
        ("conv2d_wide", (1, 5, 5, 64), 6, 3, 1, 1),
    ]:
        random = Random("bfloat16_" + case)
        channels = image[3]
        inputs = {"x": random.normal(*image), "bias": random.normal(out),
                  "weight": random.normal(out, channels, kernel, kernel, scale=1 / math.sqrt(channels * kernel**2))}

        def function(x, weight, bias):
            return {"y": nhwc(F.conv2d(nchw(x), weight, bias, stride, padding))}

        family.record(case, "conv2d", inputs, function, wrt=list(inputs), bias=True, kernel=(kernel, kernel),
                      stride=(stride, stride), padding=(padding, padding), layout="NHWC", weight_layout="OIHW")


def attention(family):
    for case, shape, causal in [("attention", (2, 2, 20, 8), False), ("attention_causal", (1, 1, 70, 16), True)]:
        random = Random("bfloat16_" + case)
        inputs = {name: random.normal(*shape) for name in ["query", "key", "value"]}

        def function(query, key, value):
            return {"y": F.scaled_dot_product_attention(query, key, value, is_causal=causal)}

        family.record(case, "attention", inputs, function, wrt=list(inputs), causal=causal)


if __name__ == "__main__":
    family = MixedFamily("bfloat16")
    products(family)
    convolutions(family)
    attention(family)
    family.save()
