"""Golden values of convolutions with dilation, groups and uneven padding, over sequences, and of
transposed convolutions: forward in float64 and gradients of all inputs."""

import math

import torch.nn.functional as F

from golden import Family, Random, nchw, nhwc


def ncl(tensor):
    return tensor.permute(0, 2, 1).contiguous()


def inputs_of(name, shape, weight, out, bias):
    random = Random(name)
    scale = 1 / math.sqrt(weight[1] * math.prod(weight[2:]))
    inputs = {"x": random.normal(*shape), "weight": random.normal(*weight, scale=scale)}
    if bias:
        inputs["bias"] = random.normal(out)
    return inputs


def conv2d(family):
    for case, image, out, kernel, stride, padding, dilation, groups, bias in [
        # image: [batch, height, width, channels]; padding: (top, bottom, left, right) or "same"
        ("d2", (2, 9, 8, 3), 4, (3, 3), (1, 1), (2, 2, 2, 2), (2, 2), 1, True),
        ("d2x3_s2x1", (2, 9, 11, 2), 5, (3, 2), (2, 1), (1, 1, 0, 0), (2, 3), 1, False),
        ("d2_many_channels", (1, 5, 6, 5), 33, (3, 3), (1, 1), (2, 2, 2, 2), (2, 2), 1, True),
        ("sides", (2, 6, 7, 3), 4, (3, 4), (1, 1), (0, 2, 3, 1), (1, 1), 1, True),
        ("sides_s2", (2, 5, 6, 3), 33, (3, 2), (2, 2), (1, 0, 0, 3), (1, 1), 1, True),
        ("sides_k1", (1, 4, 3, 3), 2, (1, 1), (1, 1), (0, 1, 2, 0), (1, 1), 1, True),
        ("same_k3x5", (2, 5, 6, 3), 4, (3, 5), (1, 1), "same", (1, 1), 1, True),
        ("same_even", (2, 6, 5, 3), 4, (4, 2), (1, 1), "same", (1, 1), 1, True),
        ("same_even_d3x2_g2", (1, 7, 6, 4), 6, (2, 4), (1, 1), "same", (3, 2), 2, True),
        ("same_one_pixel", (3, 1, 1, 2), 3, (4, 3), (1, 1), "same", (1, 1), 1, True),
        ("g2", (2, 6, 5, 4), 6, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2, True),
        ("g3_s2x1", (2, 7, 6, 9), 6, (3, 2), (2, 1), (1, 1, 0, 0), (1, 1), 3, False),
        ("g4_k1", (2, 4, 5, 8), 12, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 4, True),
        ("g4_k1_s2", (2, 5, 4, 8), 4, (1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 4, True),
        ("depthwise", (2, 6, 5, 7), 7, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 7, True),
        ("depthwise_s2x3", (2, 9, 8, 5), 5, (5, 3), (2, 3), (2, 2, 0, 1), (1, 1), 5, False),
        ("depthwise_d2", (1, 7, 9, 6), 6, (3, 2), (1, 2), (2, 1, 1, 2), (2, 3), 6, True),
        ("depthwise_wide", (1, 4, 3, 37), 37, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 37, True),
        ("depthwise_k1", (2, 3, 4, 5), 5, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 5, True),
        ("depthwise_twofold", (2, 5, 6, 3), 6, (3, 3), (2, 1), (1, 1, 1, 1), (1, 1), 3, True),
        ("depthwise_one_pixel", (2, 1, 1, 4), 4, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 4, True),
    ]:
        name = "conv2d_" + case
        inputs = inputs_of(name, image, (out, image[3] // groups, *kernel), out, bias)

        def function(x, weight, bias=None):
            x = nchw(x)
            if padding == "same":
                return {"y": nhwc(F.conv2d(x, weight, bias, stride, "same", dilation, groups))}
            top, bottom, left, right = padding
            x = F.pad(x, (left, right, top, bottom))
            return {"y": nhwc(F.conv2d(x, weight, bias, stride, 0, dilation, groups))}

        family.record(name, "conv2d", inputs, function, wrt=list(inputs), bias=bias, kernel=kernel,
                      stride=stride, padding=padding, dilation=dilation, groups=groups, layout="NHWC",
                      weight_layout="OIHW")


def conv1d(family):
    for case, shape, out, kernel, stride, padding, dilation, groups, bias in [
        # shape: [batch, length, channels]; padding: (left, right) or "same"
        ("k3_p1", (2, 9, 3), 4, 3, 1, (1, 1), 1, 1, True),
        ("k1", (2, 5, 3), 6, 1, 1, (0, 0), 1, 1, True),
        ("k4_s3", (3, 11, 2), 5, 4, 3, (0, 0), 1, 1, False),
        ("k3_d4_causal", (2, 12, 3), 4, 3, 1, (8, 0), 4, 1, True),
        ("same_even_d3", (2, 10, 2), 3, 4, 1, "same", 3, 1, True),
        ("g2_s2", (2, 9, 4), 6, 3, 2, (1, 2), 1, 2, True),
        ("depthwise_d2", (2, 10, 5), 5, 3, 1, (2, 2), 2, 5, True),
        ("k_is_length", (1, 6, 3), 4, 6, 1, (0, 0), 1, 1, True),
        ("one_element", (3, 1, 2), 3, 3, 1, (1, 1), 1, 1, True),
        ("many_channels", (1, 7, 10), 33, 3, 1, (1, 1), 1, 1, True),
    ]:
        name = "conv1d_" + case
        inputs = inputs_of(name, shape, (out, shape[2] // groups, kernel), out, bias)

        def function(x, weight, bias=None):
            x = ncl(x)
            if padding == "same":
                return {"y": ncl(F.conv1d(x, weight, bias, stride, "same", dilation, groups))}
            return {"y": ncl(F.conv1d(F.pad(x, padding), weight, bias, stride, 0, dilation, groups))}

        family.record(name, "conv1d", inputs, function, wrt=list(inputs), bias=bias, kernel=kernel,
                      stride=stride, padding=padding, dilation=dilation, groups=groups, layout="NLC",
                      weight_layout="OIL")


def transposed(family):
    for case, image, out, kernel, stride, padding, extra, dilation, groups, bias in [
        ("k4_s2_p1", (2, 3, 4, 5), 3, (4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1, True),
        ("k4_from_pixel", (3, 1, 1, 6), 4, (4, 4), (1, 1), (0, 0), (0, 0), (1, 1), 1, False),
        ("k3", (2, 4, 5, 3), 4, (3, 3), (1, 1), (1, 1), (0, 0), (1, 1), 1, True),
        ("k1", (2, 3, 4, 3), 5, (1, 1), (1, 1), (0, 0), (0, 0), (1, 1), 1, True),
        ("k1_s2_extra", (2, 3, 4, 3), 5, (1, 1), (2, 2), (0, 0), (1, 1), (1, 1), 1, True),
        ("k3x2_s2x3_extra1x2", (2, 4, 3, 3), 4, (3, 2), (2, 3), (1, 0), (1, 2), (1, 1), 1, True),
        ("k3x5_s3x1_p2x1", (1, 3, 5, 2), 3, (3, 5), (3, 1), (2, 1), (0, 0), (1, 1), 1, True),
        ("d2x3", (2, 4, 3, 3), 2, (3, 2), (1, 1), (1, 1), (0, 0), (2, 3), 1, True),
        ("d3_extra_over_stride", (1, 4, 5, 3), 2, (2, 3), (1, 2), (0, 1), (2, 1), (3, 3), 1, False),
        ("k1_d3_extra", (1, 3, 4, 3), 2, (1, 1), (1, 1), (0, 0), (2, 1), (3, 2), 1, True),
        ("g2_s2", (2, 4, 3, 4), 6, (3, 3), (2, 2), (1, 1), (1, 0), (1, 1), 2, True),
        ("g3_d2", (2, 3, 4, 6), 3, (2, 3), (2, 1), (0, 2), (0, 1), (1, 2), 3, False),
        ("depthwise_s2", (2, 4, 5, 5), 5, (4, 3), (2, 2), (1, 1), (0, 1), (1, 1), 5, True),
        ("many_channels", (1, 3, 4, 34), 3, (4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1, True),
        ("one_channel_out", (2, 5, 4, 8), 1, (4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1, False),
    ]:
        name = "conv_transpose2d_" + case
        inputs = inputs_of(name, image, (image[3], out // groups, *kernel), out, bias)

        def function(x, weight, bias=None):
            return {"y": nhwc(F.conv_transpose2d(nchw(x), weight, bias, stride, padding, extra, groups,
                                                 dilation))}

        family.record(name, "conv_transpose2d", inputs, function, wrt=list(inputs), bias=bias,
                      kernel=kernel, stride=stride, padding=padding, output_padding=extra,
                      dilation=dilation, groups=groups, layout="NHWC", weight_layout="IOHW")
    for case, shape, out, kernel, stride, padding, extra, dilation, groups, bias in [
        ("k4_s2_p1", (2, 6, 3), 4, 4, 2, 1, 0, 1, 1, True),
        ("k3_s3_extra2", (2, 5, 3), 2, 3, 3, 1, 2, 1, 1, True),
        ("d3", (2, 6, 2), 3, 3, 1, 2, 0, 3, 1, False),
        ("g2_d2_s2_extra", (3, 4, 4), 6, 3, 2, 1, 1, 2, 2, True),
        ("depthwise", (2, 5, 6), 6, 4, 2, 0, 0, 1, 6, True),
        ("one_element", (2, 1, 3), 2, 5, 2, 1, 0, 1, 1, True),
    ]:
        name = "conv_transpose1d_" + case
        inputs = inputs_of(name, shape, (shape[2], out // groups, kernel), out, bias)

        def function(x, weight, bias=None):
            return {"y": ncl(F.conv_transpose1d(ncl(x), weight, bias, stride, padding, extra, groups,
                                                dilation))}

        family.record(name, "conv_transpose1d", inputs, function, wrt=list(inputs), bias=bias,
                      kernel=kernel, stride=stride, padding=padding, output_padding=extra,
                      dilation=dilation, groups=groups, layout="NLC", weight_layout="IOL")


if __name__ == "__main__":
    family = Family("convolution")
    conv2d(family)
    conv1d(family)
    transposed(family)
    family.save()
