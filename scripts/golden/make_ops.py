"""Golden values of every op and layer: forward in float64 and gradients of all inputs."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from golden import Family, Random, nchw, nhwc


def matmul():
    family = Family("matmul")
    for case, left, right in [
        ("matmul_3x4_4x5", (3, 4), (4, 5)),
        ("matmul_1x7_7x1", (1, 7), (7, 1)),
        ("matmul_5x1_1x6", (5, 1), (1, 6)),
        ("matmul_17x33_33x19", (17, 33), (33, 19)),
        ("matmul_batched", (2, 3, 4), (2, 4, 5)),
    ]:
        random = Random(case)
        family.record(case, "matmul", {"a": random.normal(*left), "b": random.normal(*right)},
                      lambda a, b: {"y": a @ b}, wrt=["a", "b"])
    for case, shape, out, bias in [
        ("linear_bias", (6, 5), 4, True),
        ("linear_no_bias", (6, 5), 4, False),
        ("linear_batch_1", (1, 9), 3, True),
        ("linear_to_one", (7, 4), 1, True),
        ("linear_from_one", (3, 1), 5, True),
        ("linear_wide", (5, 67), 33, True),
        ("linear_last_axis", (2, 3, 4), 5, True),
    ]:
        random = Random(case)
        inputs = {"x": random.normal(*shape), "weight": random.normal(out, shape[-1], scale=0.5)}
        if bias:
            inputs["bias"] = random.normal(out)
        family.record(case, "linear", inputs,
                      lambda x, weight, bias=None: {"y": F.linear(x, weight, bias)},
                      wrt=list(inputs), bias=bias)
    family.save()


def conv2d():
    family = Family("conv2d")
    for case, image, out, kernel, stride, padding, bias in [
        # image: [batch, height, width, channels]
        ("k3_p1", (2, 7, 5, 3), 4, (3, 3), (1, 1), (1, 1), True),
        ("k3_p1_no_bias", (2, 7, 5, 3), 4, (3, 3), (1, 1), (1, 1), False),
        ("k3_p0", (2, 6, 8, 2), 3, (3, 3), (1, 1), (0, 0), True),
        ("k1", (2, 4, 6, 5), 7, (1, 1), (1, 1), (0, 0), True),
        ("k1_s2", (2, 7, 6, 5), 3, (1, 1), (2, 2), (0, 0), False),
        ("k1_p1", (1, 3, 4, 2), 3, (1, 1), (1, 1), (1, 1), True),
        ("k3x5", (2, 8, 9, 3), 4, (3, 5), (1, 1), (0, 0), True),
        ("k3x5_p1x2", (2, 6, 7, 3), 4, (3, 5), (1, 1), (1, 2), True),
        ("k5x3_p0x1", (1, 9, 6, 2), 3, (5, 3), (1, 1), (0, 1), True),
        ("k3_s2x1_p1", (2, 9, 6, 3), 5, (3, 3), (2, 1), (1, 1), True),
        ("k3_s2_p1_even", (2, 8, 6, 3), 4, (3, 3), (2, 2), (1, 1), False),
        ("k3_s2_p1_odd", (2, 9, 7, 3), 4, (3, 3), (2, 2), (1, 1), False),
        ("k2_s3", (2, 9, 11, 2), 3, (2, 2), (3, 3), (0, 0), True),
        ("k2x1_s3x2_p1x0", (2, 8, 7, 2), 3, (2, 1), (3, 2), (1, 0), True),
        ("k5_p2_lenet", (2, 12, 10, 1), 6, (5, 5), (1, 1), (2, 2), True),
        ("k7_s2_p3", (1, 15, 13, 3), 4, (7, 7), (2, 2), (3, 3), False),
        ("k_is_image", (3, 5, 4, 3), 6, (5, 4), (1, 1), (0, 0), True),
        ("k_over_image", (2, 3, 2, 2), 3, (5, 4), (1, 1), (1, 1), True),
        ("p_over_k", (1, 4, 3, 2), 2, (2, 2), (1, 1), (3, 2), True),
        ("one_channel", (1, 5, 6, 1), 1, (3, 3), (1, 1), (1, 1), True),
        ("one_pixel", (4, 1, 1, 3), 5, (3, 3), (1, 1), (1, 1), True),
        ("many_channels", (2, 6, 5, 24), 33, (3, 3), (1, 1), (1, 1), True),
        ("many_channels_k1", (2, 4, 5, 70), 33, (1, 1), (1, 1), (0, 0), False),
    ]:
        random = Random("conv2d_" + case)
        channels = image[3]
        scale = 1 / math.sqrt(channels * kernel[0] * kernel[1])
        inputs = {"x": random.normal(*image), "weight": random.normal(out, channels, *kernel, scale=scale)}
        if bias:
            inputs["bias"] = random.normal(out)

        def function(x, weight, bias=None):
            return {"y": nhwc(F.conv2d(nchw(x), weight, bias, stride, padding))}

        family.record("conv2d_" + case, "conv2d", inputs, function, wrt=list(inputs), bias=bias,
                      kernel=kernel, stride=stride, padding=padding, layout="NHWC", weight_layout="OIHW")
    family.save()


def pooling():
    family = Family("pooling")
    settings = [
        ("k2", (2, 6, 4, 3), (2, 2), (2, 2), (0, 0)),
        ("k2_odd", (2, 7, 5, 3), (2, 2), (2, 2), (0, 0)),
        ("k3_s2_p1", (2, 8, 7, 3), (3, 3), (2, 2), (1, 1)),
        ("k3_s1_p1", (2, 5, 6, 2), (3, 3), (1, 1), (1, 1)),
        ("k3x2_s2x1", (2, 7, 5, 2), (3, 2), (2, 1), (0, 0)),
        ("k2x4_p1x2", (1, 6, 9, 2), (2, 4), (2, 3), (1, 2)),
        ("k3x2_p1x0", (2, 6, 5, 2), (3, 2), (3, 2), (1, 0)),
        ("k2_s3", (2, 8, 9, 2), (2, 2), (3, 3), (0, 0)),
        ("k_is_image", (3, 5, 4, 3), (5, 4), (1, 1), (0, 0)),
        ("one_channel", (1, 4, 6, 1), (2, 3), (2, 3), (0, 0)),
        ("many_channels", (1, 4, 5, 37), (2, 2), (2, 2), (0, 0)),
    ]
    for case, image, kernel, stride, padding in settings:
        shared = dict(kernel=kernel, stride=stride, padding=padding, layout="NHWC")
        family.record(f"max_pool2d_{case}", "max_pool2d", {"x": Random("max_" + case).normal(*image)},
                      lambda x: {"y": nhwc(F.max_pool2d(nchw(x), kernel, stride, padding))},
                      wrt=["x"], **shared)
        for include in [True] if padding == (0, 0) else [True, False]:
            name = f"avg_pool2d_{case}" + ("" if include else "_exclude_pad")
            family.record(name, "avg_pool2d", {"x": Random(name).normal(*image)},
                          lambda x: {"y": nhwc(F.avg_pool2d(nchw(x), kernel, stride, padding,
                                                            count_include_pad=include))},
                          wrt=["x"], count_include_pad=include, **shared)
    # The last window overhangs; a window that would begin in the padding behind the image is left out;
    # a kernel larger than the image has one window.
    for case, image, kernel, stride, padding in [
        ("k2_odd", (2, 7, 5, 3), (2, 2), (2, 2), (0, 0)),
        ("k3_s2_p1", (2, 8, 6, 3), (3, 3), (2, 2), (1, 1)),
        ("k2_s3_p1", (2, 5, 6, 2), (2, 2), (3, 3), (1, 1)),
        ("k2x4_s2x3_p1x2", (1, 6, 9, 3), (2, 4), (2, 3), (1, 2)),
        ("k4x5_larger", (2, 3, 4, 2), (4, 5), (2, 3), (0, 0)),
    ]:
        shared = dict(kernel=kernel, stride=stride, padding=padding, ceil_mode=True, layout="NHWC")
        family.record(f"max_pool2d_ceil_{case}", "max_pool2d",
                      {"x": Random("max_ceil_" + case).normal(*image)},
                      lambda x: {"y": nhwc(F.max_pool2d(nchw(x), kernel, stride, padding, ceil_mode=True))},
                      wrt=["x"], **shared)
        for include in [True, False]:
            name = f"avg_pool2d_ceil_{case}" + ("" if include else "_exclude_pad")
            family.record(name, "avg_pool2d", {"x": Random(name).normal(*image)},
                          lambda x: {"y": nhwc(F.avg_pool2d(nchw(x), kernel, stride, padding, ceil_mode=True,
                                                            count_include_pad=include))},
                          wrt=["x"], count_include_pad=include, **shared)
    # Equal values in a window: the gradient goes to the first in row order. All below zero, so
    # that padding by zeros instead of minus infinity would show.
    ties = Random("ties").integers(2, 6, 7, 3, below=3).astype(np.float32) - 4
    family.record("max_pool2d_ties", "max_pool2d", {"x": ties},
                  lambda x: {"y": nhwc(F.max_pool2d(nchw(x), (3, 2), (1, 2), (1, 1)))}, wrt=["x"],
                  kernel=(3, 2), stride=(1, 2), padding=(1, 1), layout="NHWC")
    for case, image in [("5x4", (3, 5, 4, 6)), ("one_pixel", (2, 1, 1, 3)), ("batch_1", (1, 3, 7, 1))]:
        family.record(f"global_avg_pool2d_{case}", "global_avg_pool2d",
                      {"x": Random("global_" + case).normal(*image)},
                      lambda x: {"y": x.mean((1, 2))}, wrt=["x"], layout="NHWC")
    family.save()


def normalization():
    family = Family("normalization")

    def batch_norm(case, shape, momentum=0.1, eps=1e-5, training=True, mean=0.0, scale=1.0):
        random = Random("batch_norm_" + case)
        channels = shape[-1]
        draw = lambda: random.normal(*shape, mean=mean, scale=scale)  # noqa: E731
        inputs = {
            "x": draw(),
            "weight": random.normal(channels),
            "bias": random.normal(channels),
            "running_mean": random.normal(channels),
            "running_var": random.uniform(channels, low=0.5, high=2),
        }
        if training:
            inputs.update(x_2=draw(), x_3=draw())

        def function(x, weight, bias, running_mean, running_var, x_2=None, x_3=None):
            mean, variance = running_mean.clone(), running_var.clone()
            outputs = {}
            for update, batch in enumerate([x, x_2, x_3] if training else [x], start=1):
                batch = nchw(batch) if batch.dim() == 4 else batch
                # torch.nn.BatchNorm2d(momentum=None) gives the average over all batches.
                share = 1 / update if momentum is None else momentum
                y = F.batch_norm(batch, mean, variance, weight, bias, training, share, eps)
                if update == 1:
                    outputs["y"] = nhwc(y) if y.dim() == 4 else y
                if training and update != 2:
                    outputs[f"running_mean_{update}"] = mean.clone()
                    outputs[f"running_var_{update}"] = variance.clone()
            return outputs

        family.record("batch_norm_" + case, "batch_norm", inputs, function, wrt=["x", "weight", "bias"],
                      training=training, momentum=momentum, eps=eps, layout="NHWC" if len(shape) == 4 else "NC")

    batch_norm("2d_train", (3, 5, 4, 6))
    batch_norm("2d_train_momentum_0.3", (2, 3, 7, 3), momentum=0.3)
    batch_norm("2d_train_eps", (2, 4, 3, 2), eps=1e-2, scale=0.2)
    batch_norm("2d_train_offset", (4, 3, 5, 3), mean=30.0, scale=2.0)
    batch_norm("2d_train_batch_1", (1, 4, 5, 3))
    batch_norm("2d_train_one_channel", (2, 3, 4, 1))
    batch_norm("2d_train_many_channels", (2, 2, 3, 37))
    batch_norm("2d_train_cumulative", (2, 3, 4, 3), momentum=None)
    batch_norm("2d_eval", (3, 5, 4, 6), training=False)
    batch_norm("2d_eval_eps", (1, 3, 4, 2), training=False, eps=1e-2)
    batch_norm("1d_train", (8, 5))
    batch_norm("1d_train_momentum_0.3", (5, 3), momentum=0.3)
    batch_norm("1d_train_two_rows", (2, 4), eps=1e-3)
    batch_norm("1d_eval", (4, 5), training=False)

    for case, shape, eps, affine in [
        ("2d", (6, 5), 1e-5, True), ("3d", (2, 3, 7), 1e-5, True), ("4d", (2, 3, 2, 5), 1e-5, True),
        ("eps", (4, 6), 1e-2, True), ("one_row", (1, 9), 1e-5, True), ("wide", (3, 131), 1e-5, True),
        ("no_affine", (4, 6), 1e-5, False),
    ]:
        random = Random("layer_norm_" + case)
        inputs = {"x": random.normal(*shape, mean=0.5, scale=2.0)}
        if affine:
            inputs.update(weight=random.normal(shape[-1]), bias=random.normal(shape[-1]))
        family.record("layer_norm_" + case, "layer_norm", inputs,
                      lambda x, weight=None, bias=None: {
                          "y": F.layer_norm(x, (shape[-1],), weight, bias, eps)},
                      wrt=list(inputs), eps=eps, affine=affine)
    for case, shape, axes, affine in [("two_axes", (3, 4, 5), 2, True), ("image", (2, 3, 4, 5), 3, True)]:
        random = Random("layer_norm_" + case)
        inputs = {"x": random.normal(*shape), "weight": random.normal(*shape[-axes:]), "bias": random.normal(*shape[-axes:])}
        family.record("layer_norm_" + case, "layer_norm", inputs,
                      lambda x, weight, bias: {"y": F.layer_norm(x, shape[-axes:], weight, bias, 1e-5)},
                      wrt=list(inputs), eps=1e-5, affine=True)
    for case, shape, axes, eps, affine in [
        ("2d", (6, 5), 1, 1e-6, True), ("3d_eps", (2, 3, 7), 1, 1e-2, True), ("no_eps", (3, 6), 1, None, True),
        ("no_affine", (4, 6), 1, 1e-5, False), ("two_axes", (3, 4, 5), 2, 1e-5, True), ("wide", (2, 131), 1, 1e-5, True),
    ]:
        random = Random("rms_norm_" + case)
        inputs = {"x": random.normal(*shape, mean=0.5, scale=2.0)}
        if affine:
            inputs["weight"] = random.normal(*shape[-axes:])
        family.record("rms_norm_" + case, "rms_norm", inputs,
                      lambda x, weight=None: {"y": F.rms_norm(x, shape[-axes:], weight, eps)},
                      wrt=list(inputs), eps=eps, affine=affine, axes=axes)
    for case, shape, groups, eps, affine in [
        ("image", (2, 3, 4, 6), 3, 1e-5, True), ("one_group", (2, 3, 2, 5), 1, 1e-5, True), ("eps", (2, 2, 3, 4), 2, 1e-2, True),
        ("no_affine", (2, 3, 3, 4), 2, 1e-5, False), ("2d", (3, 8), 2, 1e-5, True), ("offset", (2, 5, 3, 4), 2, 1e-5, True),
        ("many_channels", (1, 2, 2, 36), 4, 1e-5, True),
        ("image", (2, 3, 4, 5), None, 1e-5, True), ("no_affine", (2, 4, 3, 3), None, 1e-5, False), ("eps", (2, 2, 3, 2), None, 1e-2, True),
    ]:
        op = "group_norm" if groups else "instance_norm"
        random = Random(f"{op}_{case}")
        inputs = {"x": random.normal(*shape, mean=20.0 if case == "offset" else 0.5, scale=2.0)}
        if affine:
            inputs.update(weight=random.normal(shape[-1]), bias=random.normal(shape[-1]))

        def function(x, weight=None, bias=None):
            x = nchw(x) if x.dim() == 4 else x
            y = F.group_norm(x, groups, weight, bias, eps) if groups else F.instance_norm(x, None, None, weight, bias, eps=eps)
            return {"y": nhwc(y) if y.dim() == 4 else y}

        family.record(f"{op}_{case}", op, inputs, function, wrt=list(inputs), eps=eps, affine=affine, groups=groups)
    family.save()


def activation():
    family = Family("activation")
    special = np.array([0.0, -0.0, 1e-6, -1e-6, 0.5, -0.5, 3, -3, 6, -6, 9, -9, 12, -12, 20, -20, 40, -40,
                        90, -90, 1000, -1000], np.float32)
    for name, function, settings in [
        ("relu", F.relu, {}),
        ("leaky_relu_0.01", lambda x: F.leaky_relu(x, 0.01), {"negative_slope": 0.01}),
        ("leaky_relu_0.2", lambda x: F.leaky_relu(x, 0.2), {"negative_slope": 0.2}),
        ("sigmoid", torch.sigmoid, {}),
        ("tanh", torch.tanh, {}),
        ("gelu", F.gelu, {"approximate": "none"}),
        ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), {"approximate": "tanh"}),
        ("silu", F.silu, {}),
        ("relu6", F.relu6, {}),
        # By plain ops: the backward of F.hardsigmoid rounds 1/6 to float32, even for float64.
        ("hard_sigmoid", lambda x: F.relu6(x + 3) / 6, {}),
        ("hard_swish", F.hardswish, {}),
        ("elu", F.elu, {"alpha": 1.0}),
        ("elu_0.3", lambda x: F.elu(x, 0.3), {"alpha": 0.3}),
        ("selu", F.selu, {}),
        ("softplus", F.softplus, {"beta": 1.0, "threshold": 20.0}),
        ("softplus_2.5_4", lambda x: F.softplus(x, 2.5, 4.0), {"beta": 2.5, "threshold": 4.0}),
    ]:
        op = {"leaky_relu_0.01": "leaky_relu", "leaky_relu_0.2": "leaky_relu", "gelu_tanh": "gelu",
              "elu_0.3": "elu", "softplus_2.5_4": "softplus"}.get(name, name)
        for case, x in [("", Random(name).normal(3, 7, 5, scale=2.0)), ("_special", special)]:
            family.record(name + case, op, {"x": x}, lambda x: {"y": function(x)}, wrt=["x"], **settings)
    for op, function in [("softmax", F.softmax), ("log_softmax", F.log_softmax)]:
        random = Random(op)
        huge = random.normal(3, 5)
        huge[0, 1], huge[1] = 1e4, huge[1] - 1e4
        for case, x in [("2d", random.normal(4, 6, scale=3.0)), ("3d", random.normal(2, 3, 5)),
                        ("one_class", random.normal(3, 1)), ("wide", random.normal(2, 131)), ("huge", huge)]:
            family.record(f"{op}_{case}", op, {"x": x}, lambda x: {"y": function(x, dim=-1)}, wrt=["x"], axis=-1)
    for case, size, slopes in [("one", (4, 5), 1), ("channels", (4, 5), 5), ("image", (2, 3, 4, 5), 5),
                               ("image_one", (2, 3, 4, 5), 1), ("one_channel", (6, 1), 1)]:
        random = Random("prelu_" + case)
        family.record("prelu_" + case, "prelu",
                      {"x": random.normal(*size), "weight": random.normal(slopes, scale=0.5)},
                      lambda x, weight: {"y": nhwc(F.prelu(nchw(x), weight)) if x.dim() == 4 else F.prelu(x, weight)},
                      wrt=["x", "weight"])
    # Small integers: many ties, which go to the first.
    for case, x, pieces in [("2", Random("maxout_2").normal(3, 8), 2), ("3_image", Random("maxout_3").normal(2, 2, 3, 12), 3),
                            ("all", Random("maxout_all").normal(4, 5), 5),
                            ("ties", Random("maxout_ties").integers(6, 12, below=3).astype(np.float32), 4)]:
        family.record("maxout_" + case, "maxout", {"x": x},
                      lambda x: {"y": x.unflatten(-1, (-1, pieces)).max(-1).values}, wrt=["x"], pieces=pieces)
    family.save()


def shape():
    family = Family("shape")
    for case, image in [("2x3x4x5", (2, 3, 4, 5)), ("one_pixel", (3, 1, 1, 4)), ("one_channel", (2, 3, 5, 1))]:
        family.record(f"flatten_{case}", "flatten", {"x": Random("flatten_" + case).normal(*image)},
                      lambda x: {"y": torch.flatten(nchw(x), 1)}, wrt=["x"], layout="NHWC", order="CHW")
    for case, sequence in [("3x5x4", (3, 5, 4)), ("one_step", (2, 1, 3)), ("one_channel", (2, 5, 1))]:
        x = Random("flatten_sequence_" + case).normal(*sequence)
        family.record(f"flatten_sequence_{case}", "flatten", {"x": x},
                      lambda x: {"y": torch.flatten(x.transpose(1, 2), 1)}, wrt=["x"], layout="NLC", order="CL")
        family.record(f"flatten_text_{case}", "flatten", {"x": x}, lambda x: {"y": torch.flatten(x, 1)}, wrt=["x"])
    for case, before, after in [("3d", (2, 3, 4), (2, 12)), ("3d_to_2d", (2, 3, 4), (4, 6)), ("1d", (6,), (1, 2, 3))]:
        family.record(f"reshape_{case}", "reshape", {"x": Random("reshape_" + case).normal(*before)},
                      lambda x: {"y": x.reshape(after)}, wrt=["x"], shape=after)
    family.save()


def arithmetic():
    family = Family("arithmetic")
    operations = {"add": lambda a, b: a + b, "sub": lambda a, b: a - b,
                  "mul": lambda a, b: a * b, "div": lambda a, b: a / b}
    for op, function in operations.items():
        for case, left, right in [
            ("same", (3, 4), (3, 4)), ("row", (3, 4), (4,)), ("column", (2, 3, 4), (3, 1)),
            ("outer", (2, 1, 4), (3, 1)), ("row_left", (4,), (3, 4)), ("middle", (2, 3, 4), (2, 1, 4)),
            ("channels", (2, 3, 2, 5), (5,)), ("tensor_scalar", (3, 4), ()),
        ]:
            random = Random(f"{op}_{case}")
            family.record(f"{op}_{case}", op, {"a": random.normal(*left), "b": random.away_from_zero(*right)},
                          lambda a, b: {"y": function(a, b)}, wrt=["a", "b"])
        # The first operand again as the second: both uses add to one gradient.
        family.record(f"{op}_self", op, {"a": Random(f"{op}_self").away_from_zero(3, 4)},
                      lambda a: {"y": function(a, a)}, wrt=["a"], twice=True)
        for side in ["right", "left"]:
            name = f"{op}_number_{side}"
            family.record(name, op, {"a": Random(name).away_from_zero(3, 4)},
                          lambda a: {"y": function(a, 2.5) if side == "right" else function(2.5, a)},
                          wrt=["a"], number=2.5, number_side=side)
    family.save()


def reduction():
    family = Family("reduction")
    for op, function in [("sum", torch.sum), ("mean", torch.mean)]:
        for case, size, axes in [
            ("all", (2, 3, 4), None), ("axis_0", (2, 3, 4), (0,)), ("axis_1", (2, 3, 4), (1,)),
            ("last", (2, 3, 4), (-1,)), ("axes_0_2", (2, 3, 4), (0, 2)), ("axes_1_2", (2, 5, 3, 4), (1, 2)),
            ("axes_0_1_2", (2, 5, 3, 4), (0, 1, 2)), ("of_one", (1, 1), None), ("long", (1027,), None),
        ]:
            for keepdim in [False, True] if axes else [False]:
                name = f"{op}_{case}" + ("_keepdim" if keepdim else "")
                x = Random(f"{op}_{case}").normal(*size)
                family.record(name, op, {"x": x},
                              lambda x: {"y": function(x, dim=axes, keepdim=keepdim) if axes else function(x)},
                              wrt=["x"], axes=axes, keepdim=keepdim)
    family.save()


def loss():
    family = Family("loss")

    def cross_entropy(case, logits, labels):
        family.record("cross_entropy_" + case, "cross_entropy", {"x": logits, "labels": labels.astype(np.int32)},
                      lambda x, labels: {"y": F.cross_entropy(x.reshape(-1, x.shape[-1]), labels.reshape(-1),
                                                              reduction="sum")},
                      wrt=["x"], reduction="sum", denominator=int(labels.size))

    random = Random("cross_entropy")
    cross_entropy("plain", random.normal(6, 10, scale=2.0), random.integers(6, below=10))
    cross_entropy("bounds", random.normal(4, 7), np.array([0, 6, 6, 0]))
    cross_entropy("batch_1", random.normal(1, 3), np.array([2]))
    cross_entropy("two_classes", random.normal(5, 2), np.array([0, 1, 1, 0, 1]))
    cross_entropy("wide", random.normal(2, 131), np.array([130, 0]))
    cross_entropy("tokens", random.normal(2, 3, 5), random.integers(2, 3, below=5))
    huge = random.normal(4, 5)
    huge[0, 2], huge[1, 0], huge[2], huge[3] = 1e4, -1e4, huge[2] + 1e4, huge[3] * 1e4
    # float32 holds 1e4 + x to about 1e-3: whole numbers, so that the case is as exact as its inputs.
    cross_entropy("huge", np.round(huge), np.array([2, 0, 4, 1]))

    for case, size in [("1d", (7,)), ("2d", (4, 5)), ("4d", (2, 3, 4, 2))]:
        random = Random("mse_" + case)
        family.record("mse_" + case, "mse", {"x": random.normal(*size), "target": random.normal(*size)},
                      lambda x, target: {"y": F.mse_loss(x, target, reduction="sum")},
                      wrt=["x"], reduction="sum", denominator=int(np.prod(size)))

    random = Random("bce")
    extreme = np.array([0, 1, -1, 20, -20, 90, -90, 1e4, -1e4, 1e4, -1e4, 50], np.float32)
    for case, x, target in [
        ("hard", random.normal(5, 3, scale=2.0), random.integers(5, 3, below=2).astype(np.float32)),
        ("soft", random.normal(4, 6, scale=2.0), random.uniform(4, 6)),
        ("extreme", extreme, np.array([0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0.25], np.float32)),
    ]:
        family.record("bce_with_logits_" + case, "bce_with_logits", {"x": x, "target": target},
                      lambda x, target: {"y": F.binary_cross_entropy_with_logits(x, target, reduction="sum")},
                      wrt=["x"], reduction="sum", denominator=int(x.size))
    family.save()


def criterion():
    """Losses whose sum over their denominator is PyTorch's mean, which is checked here."""
    family = Family("criterion")

    def record(case, op, inputs, function, denominator, wrt=("x",), reduction="mean", **settings):
        """`function(reduction, **inputs)` is PyTorch's loss."""
        tensors = {name: torch.from_numpy(value).double() if value.dtype == np.float32 else torch.from_numpy(value).long()
                   for name, value in inputs.items()}
        mean, total = function(reduction, **tensors), function("sum", **tensors)
        np.testing.assert_allclose(total / denominator, mean, 1e-12, err_msg=case)
        family.record(f"{op}_{case}", op, inputs, lambda **t: {"y": function("sum", **t)}, wrt=list(wrt),
                      denominator=float(denominator), **settings)

    def pair(case, *shape, scale=1.0):
        random = Random(case)
        return {"x": random.normal(*shape, scale=scale), "target": random.normal(*shape)}

    equal = {"x": np.array([1, 2, -3, 0, 4, -4], np.float32), "target": np.array([1, 1, -2, 0, 0, 1], np.float32)}
    for case, inputs in [("1d", pair("mae_1d", 7)), ("3d", pair("mae_3d", 2, 3, 5)), ("equal", equal)]:
        count = inputs["x"].size
        record(case, "mae", inputs, lambda r, x, target: F.l1_loss(x, target, reduction=r), count)
        for delta in [1.0, 0.3]:
            record(f"{case}_{delta}", "huber", inputs,
                   lambda r, x, target: F.huber_loss(x, target, reduction=r, delta=delta), count, delta=delta)
            record(f"{case}_{delta}", "smooth_l1", inputs,
                   lambda r, x, target: F.smooth_l1_loss(x, target, reduction=r, beta=delta), count, beta=delta)
    record("zero", "smooth_l1", equal, lambda r, x, target: F.smooth_l1_loss(x, target, reduction=r, beta=0.0), 6, beta=0.0)

    random = Random("bce")
    for case, x, target in [
        ("hard", random.uniform(4, 3, low=0.05, high=0.95), random.integers(4, 3, below=2).astype(np.float32)),
        ("soft", random.uniform(3, 5, low=0.05, high=0.95), random.uniform(3, 5)),
        # Not 0 against 1: PyTorch bounds that gradient by 1e-12 in float32, even for float64.
        ("edge", np.array([0, 1, 0.5], np.float32), np.array([0, 1, 0.25], np.float32)),
    ]:
        record(case, "bce", {"x": x, "target": target},
               lambda r, x, target: F.binary_cross_entropy(x, target, reduction=r), x.size)

    random = Random("kl")
    logarithms = lambda *shape: torch.log_softmax(torch.from_numpy(random.normal(*shape)), -1).numpy()  # noqa: E731
    target = np.exp(logarithms(4, 5))
    target[1, 2] = 0
    for case, x, target, log_target in [("plain", logarithms(4, 5), target, False), ("log_target", logarithms(3, 6), logarithms(3, 6), True),
                                        ("3d", logarithms(2, 3, 4), np.exp(logarithms(2, 3, 4)), False)]:
        record(case, "kl_divergence", {"x": x, "target": target},
               lambda r, x, target: F.kl_div(x, target, reduction=r, log_target=log_target), x.shape[0],
               reduction="batchmean", log_target=log_target)

    def classes(op, case, x, labels, weights=None, ignore=None, smoothing=0.0):
        kept = labels.reshape(-1) if ignore is None else labels[labels != ignore]
        denominator = np.sum(np.array(weights)[kept]) if weights else kept.size

        def function(reduction, x, labels):
            weight = torch.tensor(weights, dtype=x.dtype) if weights else None
            x, labels = x.reshape(-1, x.shape[-1]), labels.reshape(-1)
            ignored = -100 if ignore is None else ignore
            if op == "nll":
                return F.nll_loss(x, labels, weight, ignore_index=ignored, reduction=reduction)
            return F.cross_entropy(x, labels, weight, ignore_index=ignored, reduction=reduction, label_smoothing=smoothing)

        record(case, op, {"x": x, "labels": labels.astype(np.int32)}, function, denominator, weights=weights,
               ignore_index=ignore, label_smoothing=smoothing)

    weights = [0.5, 2.0, 1.25, 0.0, 1.0]
    for op, scale in [("nll", 1.0), ("cross_entropy_options", 3.0)]:
        random = Random("classes_" + op)
        draw = lambda *shape: random.normal(*shape, scale=scale)  # noqa: E731
        labels = np.array([0, 4, 2, 1, 4, 3])
        classes(op, "weights", draw(6, 5), labels, weights)
        classes(op, "ignore_-100", draw(6, 5), np.array([0, -100, 2, -100, 4, 3]), None, -100)
        classes(op, "ignore_class", draw(6, 5), labels, weights, 4)
        classes(op, "tokens", draw(2, 3, 5), labels.reshape(2, 3), weights, 0)
        if op == "nll":
            classes(op, "plain", draw(6, 5), labels)
            continue
        classes(op, "smoothing", draw(6, 5), labels, None, None, 0.1)
        classes(op, "smoothing_weights", draw(6, 5), labels, weights, None, 0.3)
        classes(op, "all_options", draw(6, 5), labels, weights, 2, 0.2)
        for case, given, smoothing in [("plain", None, 0.0), ("weights", weights, 0.0), ("all_options", weights, 0.1)]:
            target = torch.softmax(torch.from_numpy(draw(4, 5)), -1).numpy()
            record("soft_" + case, op, {"x": draw(4, 5), "target": target},
                   lambda r, x, target: F.cross_entropy(x, target, torch.tensor(given, dtype=x.dtype) if given else None,
                                                        reduction=r, label_smoothing=smoothing),
                   4, weights=given, label_smoothing=smoothing)

    random = Random("multi_label")
    inputs = {"x": random.normal(4, 5, scale=3.0), "target": random.integers(4, 5, below=2).astype(np.float32)}
    inputs["x"][0] = [40, -40, 90, -90, 0]
    for case, given in [("plain", None), ("weights", weights)]:
        # PyTorch averages over the classes of a row before it sums.
        record(case, "multi_label_soft_margin", inputs,
               lambda r, x, target: F.multilabel_soft_margin_loss(
                   x, target, torch.tensor(given, dtype=x.dtype) if given else None, reduction=r) * (5 if r == "sum" else 1),
               inputs["x"].size, weights=given)
    record("positive", "bce_with_positive_weights", inputs,
           lambda r, x, target: F.binary_cross_entropy_with_logits(
               x, target, pos_weight=torch.tensor(weights, dtype=x.dtype), reduction=r), inputs["x"].size, weights=weights)

    def focal(reduction, x, target, alpha, gamma):
        entropy = F.binary_cross_entropy_with_logits(x, target, reduction="none")
        p = torch.sigmoid(x)
        loss = entropy * (1 - (p * target + (1 - p) * (1 - target))) ** gamma
        if alpha is not None:
            loss = loss * (alpha * target + (1 - alpha) * (1 - target))
        return loss.sum() if reduction == "sum" else loss.mean()

    random = Random("focal")
    x, hard = random.normal(5, 3, scale=2.0), random.integers(5, 3, below=2).astype(np.float32)
    for case, target, alpha, gamma in [("plain", hard, 0.25, 2.0), ("no_alpha", hard, None, 2.0), ("gamma_0", hard, 0.4, 0.0),
                                       ("gamma_0.5", hard, 0.25, 0.5), ("soft", random.uniform(5, 3), 0.25, 1.5)]:
        record(case, "focal", {"x": x, "target": target},
               lambda r, x, target: focal(r, x, target, alpha, gamma), x.size, alpha=alpha, gamma=gamma)

    def dice(reduction, x, target, smooth):
        p, axes = torch.sigmoid(x), tuple(range(1, x.dim()))
        loss = 1 - (2 * (p * target).sum(axes) + smooth) / ((p * p).sum(axes) + (target * target).sum(axes) + smooth)
        return loss.sum() if reduction == "sum" else loss.mean()

    random = Random("dice")
    for case, shape, smooth in [("mask", (3, 4, 5, 2), 1.0), ("no_smooth", (4, 6), 0.0), ("smooth", (2, 3, 4), 0.3)]:
        record(case, "dice", {"x": random.normal(*shape, scale=2.0), "target": random.integers(*shape, below=2).astype(np.float32)},
               lambda r, x, target: dice(r, x, target, smooth), shape[0], smooth=smooth)
    record("soft", "dice", {"x": random.normal(5, 3), "target": random.uniform(5, 3)},
           lambda r, x, target: dice(r, x, target, 1.0), 5, smooth=1.0)

    random = Random("distances")
    for case, margin in [("plain", 0.0), ("margin", 0.4)]:
        record(case, "cosine_embedding",
               {"x": random.normal(6, 4), "other": random.normal(6, 4), "labels": np.array([1, -1, -1, 1, -1, -1], np.int32)},
               lambda r, x, other, labels: F.cosine_embedding_loss(x, other, labels, margin, reduction=r), 6,
               wrt=["x", "other"], margin=margin)
    for case, margin, eps, swap in [("plain", 1.0, 1e-6, False), ("swap", 0.5, 1e-6, True), ("eps", 2.0, 1e-2, True)]:
        record(case, "triplet_margin", {"x": random.normal(7, 4), "positive": random.normal(7, 4), "negative": random.normal(7, 4)},
               lambda r, x, positive, negative: F.triplet_margin_loss(
                   x, positive, negative, margin, 2, eps, swap, reduction=r), 7,
               wrt=["x", "positive", "negative"], margin=margin, eps=eps, swap=swap)
    family.save()


def residual():
    """y = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)), batch norms in training mode."""
    family = Family("residual")
    for case, image, out, stride in [("identity", (3, 6, 5, 4), 4, (1, 1)), ("projection", (3, 6, 5, 3), 5, (2, 2))]:
        random = Random("residual_" + case)
        channels = image[3]
        convolution = lambda o, i, k: random.normal(o, i, k, k, scale=1 / math.sqrt(i * k * k))  # noqa: E731
        affine = lambda: (random.uniform(out, low=0.5, high=1.5), random.normal(out, scale=0.3))  # noqa: E731
        inputs = {"x": random.normal(*image), "conv1_weight": convolution(out, channels, 3)}
        inputs["bn1_weight"], inputs["bn1_bias"] = affine()
        inputs["conv2_weight"] = convolution(out, out, 3)
        inputs["bn2_weight"], inputs["bn2_bias"] = affine()
        if case == "projection":
            inputs["shortcut_weight"] = convolution(out, channels, 1)
            inputs["shortcut_bn_weight"], inputs["shortcut_bn_bias"] = affine()

        def function(x, **p):
            norm = lambda t, name: F.batch_norm(  # noqa: E731
                t, None, None, p[name + "_weight"], p[name + "_bias"], training=True)
            x = nchw(x)
            y = F.relu(norm(F.conv2d(x, p["conv1_weight"], None, stride, 1), "bn1"))
            y = norm(F.conv2d(y, p["conv2_weight"], None, 1, 1), "bn2")
            if "shortcut_weight" in p:
                x = norm(F.conv2d(x, p["shortcut_weight"], None, stride), "shortcut_bn")
            return {"y": nhwc(F.relu(y + x))}

        family.record("residual_" + case, "residual", inputs, function, wrt=list(inputs),
                      stride=stride, padding=(1, 1), eps=1e-5, layout="NHWC", weight_layout="OIHW")
    family.save()


def squeeze():
    """y = x * sigmoid(fc2(relu(fc1(mean(x))))), as torchvision.ops.SqueezeExcitation computes it."""
    family = Family("squeeze")
    for case, image, squeeze in [("small", (2, 5, 4, 6), 2), ("one", (3, 1, 3, 4), 1), ("wide", (2, 3, 3, 3), 8)]:
        random = Random("squeeze_" + case)
        channels = image[3]
        inputs = {"x": random.normal(*image), "fc1_weight": random.normal(squeeze, channels, 1, 1),
                  "fc1_bias": random.normal(squeeze), "fc2_weight": random.normal(channels, squeeze, 1, 1),
                  "fc2_bias": random.normal(channels)}

        def function(x, fc1_weight, fc1_bias, fc2_weight, fc2_bias):
            x = nchw(x)
            scale = F.relu(F.conv2d(F.adaptive_avg_pool2d(x, 1), fc1_weight, fc1_bias))
            return {"y": nhwc(torch.sigmoid(F.conv2d(scale, fc2_weight, fc2_bias)) * x)}

        family.record("squeeze_excitation_" + case, "squeeze_excitation", inputs, function, wrt=list(inputs),
                      layout="NHWC", weight_layout="OIHW")
    family.save()


if __name__ == "__main__":
    for make in [matmul, conv2d, pooling, normalization, activation, shape, arithmetic, reduction, loss, criterion, residual, squeeze]:
        make()
