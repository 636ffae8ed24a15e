"""Golden values of pooling over sequences, adaptive and global pooling, resizing, pixel shuffling, zero
padding and the spatial transformer: forward in float64 and gradients of all inputs."""

import numpy as np
import torch.nn.functional as F

from golden import Family, Random, nchw, nhwc


def ncl(tensor):
    return tensor.permute(0, 2, 1).contiguous()


def pooling(family):
    for case, shape, kernel, stride, padding, dilation in [
        # shape: [batch, length, channels]
        ("k2", (2, 6, 3), 2, 2, 0, 1),
        ("k3_s2_p1", (2, 9, 4), 3, 2, 1, 1),
        ("k4_s3_p2", (3, 11, 2), 4, 3, 2, 1),
        ("k5_s1", (1, 5, 3), 5, 1, 0, 1),
        ("k3_d2_p1", (2, 10, 3), 3, 2, 1, 2),
        ("one_element", (2, 1, 5), 1, 1, 0, 1),
    ]:
        name = "max_pool1d_" + case
        family.record(name, "max_pool1d", {"x": Random(name).normal(*shape)},
                      lambda x: {"y": ncl(F.max_pool1d(ncl(x), kernel, stride, padding, dilation))},
                      wrt=["x"], kernel=kernel, stride=stride, padding=padding, dilation=dilation,
                      layout="NLC")
        if dilation > 1:
            continue
        for include in [True] if padding == 0 else [True, False]:
            name = f"avg_pool1d_{case}" + ("" if include else "_exclude_pad")
            family.record(name, "avg_pool1d", {"x": Random(name).normal(*shape)},
                          lambda x: {"y": ncl(F.avg_pool1d(ncl(x), kernel, stride, padding,
                                                           count_include_pad=include))},
                          wrt=["x"], kernel=kernel, stride=stride, padding=padding,
                          count_include_pad=include, layout="NLC")
    for case, shape, kernel, stride, padding, dilation in [
        ("k2_odd", (2, 7, 3), 2, 2, 0, 1),
        ("k4_s3_p2", (3, 12, 2), 4, 3, 2, 1),
        ("k2_s3_p1", (2, 5, 3), 2, 3, 1, 1),
        ("k3_d2_p1", (2, 11, 3), 3, 3, 1, 2),
        ("k4_larger", (2, 3, 4), 4, 2, 0, 1),
    ]:
        name = "max_pool1d_ceil_" + case
        family.record(name, "max_pool1d", {"x": Random(name).normal(*shape)},
                      lambda x: {"y": ncl(F.max_pool1d(ncl(x), kernel, stride, padding, dilation,
                                                       ceil_mode=True))},
                      wrt=["x"], kernel=kernel, stride=stride, padding=padding, dilation=dilation,
                      ceil_mode=True, layout="NLC")
        for include in [] if dilation > 1 else [True, False]:
            name = f"avg_pool1d_ceil_{case}" + ("" if include else "_exclude_pad")
            family.record(name, "avg_pool1d", {"x": Random(name).normal(*shape)},
                          lambda x: {"y": ncl(F.avg_pool1d(ncl(x), kernel, stride, padding, ceil_mode=True,
                                                           count_include_pad=include))},
                          wrt=["x"], kernel=kernel, stride=stride, padding=padding,
                          count_include_pad=include, ceil_mode=True, layout="NLC")
    for case, image, size in [
        ("even", (2, 6, 8, 3), (3, 2)),
        ("uneven", (2, 7, 5, 3), (3, 2)),
        ("larger", (1, 3, 4, 2), (5, 7)),
        ("one", (2, 2, 3, 66), (1, 1)),
        ("same", (2, 3, 4, 2), (3, 4)),
        ("one_pixel", (2, 1, 1, 3), (2, 3)),
    ]:
        for kind, pool in [("avg", F.adaptive_avg_pool2d), ("max", F.adaptive_max_pool2d)]:
            name = f"adaptive_{kind}_pool2d_{case}"
            family.record(name, f"adaptive_{kind}_pool2d", {"x": Random(name).normal(*image)},
                          lambda x: {"y": nhwc(pool(nchw(x), size))}, wrt=["x"], output_size=size,
                          layout="NHWC")
    for case, shape, size in [("uneven", (2, 7, 3), 3), ("larger", (1, 3, 4), 5), ("one", (2, 6, 2), 1)]:
        for kind, pool in [("avg", F.adaptive_avg_pool1d), ("max", F.adaptive_max_pool1d)]:
            name = f"adaptive_{kind}_pool1d_{case}"
            family.record(name, f"adaptive_{kind}_pool1d", {"x": Random(name).normal(*shape)},
                          lambda x: {"y": ncl(pool(ncl(x), size))}, wrt=["x"], output_size=size,
                          layout="NLC")
    # All below zero, with equal values: the gradient goes to the first.
    ties = Random("adaptive_ties").integers(2, 5, 6, 3, below=3).astype(np.float32) - 4
    family.record("adaptive_max_pool2d_ties", "adaptive_max_pool2d", {"x": ties},
                  lambda x: {"y": nhwc(F.adaptive_max_pool2d(nchw(x), (2, 4)))}, wrt=["x"],
                  output_size=(2, 4), layout="NHWC")
    for case, shape in [("7x3", (2, 7, 3)), ("one_element", (2, 1, 4)), ("batch_1", (1, 5, 1))]:
        name = "global_avg_pool1d_" + case
        family.record(name, "global_avg_pool1d", {"x": Random(name).normal(*shape)},
                      lambda x: {"y": x.mean(1)}, wrt=["x"], layout="NLC")
        name = "global_max_pool1d_" + case
        family.record(name, "global_max_pool1d", {"x": Random(name).normal(*shape)},
                      lambda x: {"y": F.adaptive_max_pool1d(ncl(x), 1)[..., 0]}, wrt=["x"], layout="NLC")
    for case, shape in [("5x4", (3, 5, 4, 6)), ("one_pixel", (2, 1, 1, 3)), ("batch_1", (1, 3, 7, 1))]:
        name = "global_max_pool2d_" + case
        family.record(name, "global_max_pool2d", {"x": Random(name).normal(*shape)},
                      lambda x: {"y": F.adaptive_max_pool2d(nchw(x), 1)[..., 0, 0]}, wrt=["x"],
                      layout="NHWC")


def resizing(family):
    images = [
        ("x2", (2, 3, 4, 3), None, 2.0),
        ("x3x2", (1, 4, 3, 2), None, (3.0, 2.0)),
        ("x1.5", (2, 5, 3, 2), None, 1.5),
        ("x0.6x0.7", (1, 7, 9, 2), None, (0.6, 0.7)),
        ("x2.3", (1, 4, 7, 1), None, 2.3),
        ("to_5x7", (2, 3, 4, 2), (5, 7), None),
        ("to_2x3", (1, 5, 8, 3), (2, 3), None),
        ("to_same", (2, 3, 4, 2), (3, 4), None),
        ("to_one", (2, 3, 4, 2), (1, 1), None),
        ("one_pixel", (2, 1, 1, 3), (4, 3), None),
    ]
    modes = [("nearest", {"mode": "nearest"}), ("bilinear", {"mode": "bilinear", "align_corners": False}),
             ("bilinear_corners", {"mode": "bilinear", "align_corners": True})]
    for case, image, size, scale in images:
        for mode, settings in modes:
            name = f"upsample_{mode}_{case}"
            family.record(name, "upsample", {"x": Random(name).normal(*image)},
                          lambda x: {"y": nhwc(F.interpolate(nchw(x), size, scale, **settings))}, wrt=["x"],
                          size=size, scale_factor=(scale, scale) if isinstance(scale, float) else scale,
                          layout="NHWC", **settings)
    for case, shape, size, scale in [("x2", (2, 5, 3), None, 2.0), ("x1.7", (1, 6, 2), None, 1.7),
                                     ("to_11", (2, 4, 2), 11, None), ("to_3", (1, 7, 2), 3, None)]:
        for mode, settings in [("nearest", {"mode": "nearest"}),
                               ("linear", {"mode": "linear", "align_corners": False}),
                               ("linear_corners", {"mode": "linear", "align_corners": True})]:
            name = f"upsample1d_{mode}_{case}"
            family.record(name, "upsample1d", {"x": Random(name).normal(*shape)},
                          lambda x: {"y": ncl(F.interpolate(ncl(x), size, scale, **settings))}, wrt=["x"],
                          size=size, scale_factor=scale, layout="NLC", **settings)


def shuffling(family):
    for case, image, factor in [("2", (2, 3, 4, 12), 2), ("3", (1, 2, 3, 18), 3), ("1", (2, 3, 2, 5), 1),
                                ("one_pixel", (1, 1, 1, 4), 2)]:
        name = "pixel_shuffle_" + case
        family.record(name, "pixel_shuffle", {"x": Random(name).normal(*image)},
                      lambda x: {"y": nhwc(F.pixel_shuffle(nchw(x), factor))}, wrt=["x"], factor=factor,
                      layout="NHWC")
    for case, image, factor in [("2", (2, 6, 4, 3), 2), ("3", (1, 3, 6, 2), 3), ("1", (2, 3, 2, 5), 1)]:
        name = "pixel_unshuffle_" + case
        family.record(name, "pixel_unshuffle", {"x": Random(name).normal(*image)},
                      lambda x: {"y": nhwc(F.pixel_unshuffle(nchw(x), factor))}, wrt=["x"], factor=factor,
                      layout="NHWC")
    for case, image, sides in [("sides", (2, 3, 4, 2), (1, 0, 2, 3)), ("none", (1, 2, 3, 2), (0, 0, 0, 0)),
                               ("all", (2, 1, 2, 3), (2, 2, 2, 2))]:
        top, bottom, left, right = sides
        name = "zero_pad2d_" + case
        family.record(name, "zero_pad2d", {"x": Random(name).normal(*image)},
                      lambda x: {"y": nhwc(F.pad(nchw(x), (left, right, top, bottom)))}, wrt=["x"],
                      sides=sides, layout="NHWC")


def transformer(family):
    for corners in [False, True]:
        suffix = "_corners" if corners else ""
        for case, batch, size in [("3x5", 2, (3, 5)), ("1x4", 3, (1, 4)), ("one_pixel", 1, (1, 1))]:
            name = f"affine_grid_{case}{suffix}"
            family.record(name, "affine_grid", {"theta": Random(name).normal(batch, 2, 3)},
                          lambda theta: {"y": F.affine_grid(theta, (batch, 1, *size), corners)},
                          wrt=["theta"], size=size, align_corners=corners)
        for padding in ["zeros", "border"]:
            for case, image, places, spread in [
                ("inside", (2, 5, 7, 3), (3, 4), 0.95),
                ("around", (2, 4, 6, 2), (5, 3), 2.5),
                ("many_channels", (1, 3, 4, 19), (2, 5), 1.2),
                ("one_row", (2, 1, 6, 2), (4, 3), 1.5),
                ("one_pixel", (3, 1, 1, 2), (3, 2), 1.5),
            ]:
                name = f"grid_sample_{padding}_{case}{suffix}"
                random = Random(name)
                grid = random.uniform(image[0], *places, 2, low=-spread, high=spread)
                family.record(name, "grid_sample", {"x": random.normal(*image), "grid": grid},
                              lambda x, grid: {"y": nhwc(F.grid_sample(
                                  nchw(x), grid, "bilinear", padding, corners))},
                              wrt=["x", "grid"], padding=padding, align_corners=corners, layout="NHWC")
        for case, image, size in [("same", (2, 5, 6, 3), (5, 6)), ("smaller", (2, 6, 4, 2), (3, 2))]:
            name = f"spatial_transformer_{case}{suffix}"
            random = Random(name)
            theta = random.normal(image[0], 2, 3, scale=0.4)
            theta[:, [0, 1], [0, 1]] += 1

            def function(x, theta):
                x = nchw(x)
                return {"y": nhwc(F.grid_sample(x, F.affine_grid(theta, (*x.shape[:2], *size), corners),
                                                align_corners=corners))}

            family.record(name, "spatial_transformer", {"x": random.normal(*image), "theta": theta}, function,
                          wrt=["x", "theta"], size=size, align_corners=corners, layout="NHWC")


if __name__ == "__main__":
    family = Family("sampling")
    pooling(family)
    resizing(family)
    shuffling(family)
    transformer(family)
    family.save()
