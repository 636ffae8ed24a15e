"""Gradients of gradients: of the cases of other families, of small networks, and gradient penalties."""

import functools

import numpy as np
import torch
import torch.nn.functional as F

import golden
import make_attention
import make_convolution
import make_ops
import make_pointwise
import make_sampling
import make_structure
from golden import ATOL32, RTOL32, Family, Random, nchw, options

# What PyTorch defines otherwise at a kink or a bound, or bounds in float32 alone; x⁰, which it takes for a constant.
SKIPPED = {"bce_edge", "softplus_special", "power_0"}
# Of the convolutions a few of each kind, to keep the file small.
CONVOLUTIONS = {
    "conv2d_k3_p1", "conv2d_k1", "conv2d_k1_s2", "conv2d_k2x1_s3x2_p1x0", "conv2d_k_over_image", "conv2d_one_channel",
    "conv2d_d2x3_s2x1", "conv2d_same_even_d3x2_g2", "conv2d_depthwise_d2", "conv1d_k3_d4_causal", "conv1d_g2_s2",
    "conv_transpose2d_k3x2_s2x3_extra1x2", "conv_transpose2d_g3_d2", "conv_transpose1d_d3",
}


# Of these families the ops that are made of plain ones.
OTHERS = {"normalization": ["layer_norm", "rms_norm", "group_norm", "instance_norm"],
          "pooling": ["max_pool2d", "avg_pool2d", "global_avg_pool2d"],
          "sampling": ["pixel_shuffle", "pixel_unshuffle", "upsample", "upsample1d", "zero_pad2d", "max_pool1d",
                       "avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool1d", "adaptive_max_pool2d",
                       "adaptive_max_pool1d", "global_avg_pool1d", "global_max_pool1d", "global_max_pool2d"],
          "embedding": ["embedding", "embedding_bag"], "attention": ["rotary", "learned"],
          "structure": ["broadcast", "where", "masked_fill", "gather", "scatter_add", "index_add", "cumsum"],
          "pointwise": ["exp", "log", "sqrt", "rsqrt", "abs", "square", "reciprocal", "power", "clamp"]}


def direction(index, shape):
    """A direction for the input of this index, which tests make again: exact in every precision."""
    steps = np.arange(int(np.prod(shape)), dtype=np.int64) * 7919 + 5 * index
    return ((steps % 13 - 6) / 8).reshape(shape)


def second(function, inputs, wrt, upstream, dtype):
    """The derivative of sum(gradient * direction) by each of `wrt` and by the gradient that enters."""
    tensors = {}
    for name, value in inputs.items():
        tensor = torch.from_numpy(np.array(value))
        tensors[name] = tensor.to(dtype) if tensor.is_floating_point() else tensor.long()
    leaves = [tensors[name].requires_grad_() for name in wrt]
    y = next(iter(function(**tensors).values()))
    seed = torch.from_numpy(np.array(upstream)).to(dtype).requires_grad_()
    gradients = torch.autograd.grad(y, leaves, seed, create_graph=True)
    total = sum((gradient * torch.from_numpy(direction(index, gradient.shape)).to(dtype)).sum()
                for index, gradient in enumerate(gradients))
    results = torch.autograd.grad(total, leaves + [seed], allow_unused=True, materialize_grads=True)
    return {name: result.numpy(force=True).copy() for name, result in zip([*wrt, "grad_output"], results)}


class Collected(Family):
    """The file of second derivatives."""

    def keep(self, family, case, op, function, inputs, wrt, upstream, **settings):
        assert case not in self.metadata, case
        results, results32 = (second(function, inputs, wrt, upstream, dtype)
                              for dtype in [torch.float64, torch.float32])
        zeros = []
        for name, value in results.items():
            assert np.isfinite(value).all(), f"{family}/{case}: {name} is not finite"
            np.testing.assert_allclose(results32[name].astype(np.float64), value, RTOL32, ATOL32,
                                       err_msg=f"{family}/{case}: {name} in float32")
            if np.any(value):
                self.tensors[f"{case}/f64/second/{name}"] = value
            else:
                zeros.append(name)
        self.metadata[case] = options(op=op, family=family, wrt=wrt, zeros=zeros, **settings)

    def network(self, case, inputs, function, wrt, **settings):
        """A loss of a network: the Hessian times a direction. Its inputs and gradients are kept too."""
        self.record(case, "network", inputs, function, wrt)
        del self.metadata[case]
        self.keep(self.name, case, "network", function, inputs, wrt,
                  self.tensors[f"{case}/in/grad_output"], **settings)


def bags(indices, weight, offsets=None, sample_weights=None, *, mode, padding_idx):
    """torch.nn.functional.embedding_bag, whose own backward has no derivative."""
    places = torch.arange(indices.numel())
    starts = torch.arange(indices.shape[0]) * indices.shape[-1] if offsets is None else offsets
    bag = (places[:, None] >= starts).sum(1) - 1
    counts = (indices.flatten() != (-1 if padding_idx is None else padding_idx)).to(weight.dtype)
    rows = F.embedding(indices.flatten(), weight) * counts[:, None]
    if sample_weights is not None:
        rows = rows * sample_weights.reshape(-1, 1)
    sums = weight.new_zeros(len(starts), weight.shape[1]).index_add(0, bag, rows)
    if mode == "mean":
        sums = sums / counts.new_zeros(len(starts)).index_add(0, bag, counts).clamp(min=1)[:, None]
    return {"y": sums}


collected = Collected("second")


class Second(Family):
    """Takes the cases that another script records in this family."""

    def record(self, case, op, inputs, function, wrt=(), **settings):
        if case in SKIPPED or (self.name in OTHERS and op not in OTHERS[self.name]) or (self.name.startswith("conv") and case not in CONVOLUTIONS):
            return
        if op == "embedding_bag":
            if settings["mode"] == "max":
                return
            function = functools.partial(bags, **settings)
        shape = next(iter(self._run(function, inputs, torch.float64, (), None)[0].values())).shape
        upstream = Random(f"{self.name}/{case}/grad_output").normal(*shape)
        collected.keep(self.name, case, op, function, inputs, wrt, upstream)

    def save(self):
        pass


ACTIVATIONS = {
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": F.gelu, "softplus": F.softplus, "silu": F.silu, "elu": F.elu,
    "relu": F.relu,
}


def networks():
    for activation, function in ACTIVATIONS.items():
        random = Random("mlp_" + activation)
        inputs = {
            "x": random.normal(5, 4), "labels": random.integers(5, below=3),
            "w1": random.normal(6, 4, scale=0.5), "b1": random.normal(6),
            "w2": random.normal(6, 6, scale=0.5), "b2": random.normal(6), "w3": random.normal(3, 6, scale=0.5),
        }

        def mlp(x, labels, w1, b1, w2, b2, w3):
            h = function(F.linear(x, w1, b1))
            h = function(F.linear(h, w2, b2))
            return {"y": F.cross_entropy(F.linear(h, w3), labels, reduction="sum")}

        collected.network("mlp_" + activation, inputs, mlp, ["x", "w1", "b1", "w2", "b2", "w3"],
                          network="mlp", activation=activation)
    for activation in ["tanh", "softplus"]:
        function = ACTIVATIONS[activation]
        random = Random("convnet_" + activation)
        inputs = {
            "x": random.normal(2, 7, 6, 2), "target": random.normal(2, 3),
            "w1": random.normal(3, 2, 3, 3, scale=0.3), "b1": random.normal(3),
            "w2": random.normal(4, 3, 3, 2, scale=0.3), "w3": random.normal(3, 24, scale=0.3), "b3": random.normal(3),
        }

        def convnet(x, target, w1, b1, w2, w3, b3):
            h = function(F.conv2d(nchw(x), w1, b1, stride=(2, 1), padding=1))
            h = function(F.conv2d(h, w2, None, stride=(1, 2)))
            return {"y": F.mse_loss(F.linear(h.flatten(1), w3, b3), target, reduction="sum")}

        collected.network("convnet_" + activation, inputs, convnet, ["x", "w1", "b1", "w2", "w3", "b3"],
                          network="convnet", activation=activation)


def penalties():
    """Losses made of a critic's slope by its input, with their gradients by the weights."""
    family = Family("penalty")
    for activation in ["leaky_relu", "tanh", "silu"]:
        function = {"leaky_relu": lambda x: F.leaky_relu(x, 0.2), **ACTIVATIONS}[activation]
        random = Random("penalty_" + activation)
        inputs = {
            "x": random.normal(3, 6, 6, 2), "w1": random.normal(4, 2, 3, 3, scale=0.5), "b1": random.normal(4),
            "w2": random.normal(1, 72, scale=0.3), "b2": random.normal(1),
        }

        def slope(x, w1, b1, w2, b2):
            x = x if x.requires_grad else x.requires_grad_()
            h = function(F.conv2d(nchw(x), w1, b1, stride=(2, 1), padding=1))
            score = F.linear(h.flatten(1), w2, b2)
            return torch.autograd.grad(score.sum(), x, create_graph=True)[0].flatten(1)

        def wgan_gp(**inputs):
            return {"y": ((slope(**inputs).square().sum(1).sqrt() - 1) ** 2).sum()}

        def r1(**inputs):
            return {"y": slope(**inputs).square().sum()}

        for op, penalty in [("wgan_gp", wgan_gp), ("r1", r1)]:
            # The bias of the score has no part in the slope, and that of straight pieces only by their choice.
            wrt = ["w1", "w2"] if activation == "leaky_relu" else ["x", "w1", "b1", "w2"]
            family.record(f"{op}_{activation}", op, inputs, penalty, wrt=wrt, activation=activation)
    family.save()


if __name__ == "__main__":
    make_ops.Family = make_structure.Family = make_pointwise.Family = Second
    for make in [make_ops.matmul, make_ops.conv2d, make_ops.activation, make_ops.shape, make_ops.arithmetic,
                 make_ops.reduction, make_ops.pooling, make_ops.normalization, make_ops.loss, make_ops.criterion,
                 make_structure.structure, make_pointwise.pointwise]:
        make()
    for make in [make_convolution.conv2d, make_convolution.conv1d, make_convolution.transposed]:
        make(Second("convolution"))
    for make in [make_sampling.pooling, make_sampling.resizing, make_sampling.shuffling]:
        make(Second("sampling"))
    make_attention.Family = Second
    make_attention.embedding()
    make_attention.attention()
    networks()
    collected.save()
    penalties()
