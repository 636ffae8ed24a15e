"""Golden values of the ops that move, pick, order and combine elements."""

import numpy as np
import torch

from golden import Family, Random


def structure():
    family = Family("structure")
    shapes = {"flat": (7,), "matrix": (4, 5), "cube": (3, 4, 5), "four": (2, 3, 4, 2)}

    def draw(case, *shape):
        return Random(f"structure_{case}").normal(*shape)

    for case, axis, sizes in [
        ("1d", 0, [(3,), (1,), (4,)]), ("rows", 0, [(2, 3), (1, 3)]), ("columns", 1, [(2, 3), (2, 4), (2, 1)]),
        ("middle", 1, [(2, 3, 4), (2, 1, 4)]), ("last", -1, [(2, 3, 1, 4), (2, 3, 1, 2)]),
        ("one", 0, [(2, 3)]), ("empty_part", 1, [(2, 3), (2, 0), (2, 2)]),
    ]:
        inputs = {f"x_{i}": draw(f"concat_{case}_{i}", *size) for i, size in enumerate(sizes)}
        family.record(f"concat_{case}", "concat", inputs,
                      lambda **t: {"y": torch.cat([t[k] for k in sorted(t)], axis)}, wrt=list(inputs), axis=axis)
    x = draw("concat_twice", 2, 3)
    family.record("concat_twice", "concat_twice", {"x": x}, lambda x: {"y": torch.cat([x, x, x], 1)}, wrt=["x"], axis=1)
    for case, axis, size in [("front", 0, (2, 3)), ("middle", 1, (2, 3)), ("back", -1, (2, 3)), ("scalars", 0, ())]:
        inputs = {f"x_{i}": draw(f"stack_{case}_{i}", *size) for i in range(3)}
        family.record(f"stack_{case}", "stack", inputs,
                      lambda **t: {"y": torch.stack([t[k] for k in sorted(t)], axis)}, wrt=list(inputs), axis=axis)
    for case, size, axis, start, length in [
        ("1d", (7,), 0, 2, 3), ("rows", (4, 5), 0, 1, 2), ("columns", (4, 5), 1, 3, 2), ("all", (4, 5), -1, 0, 5),
        ("middle", (2, 5, 3), 1, 1, 3), ("one", (2, 5, 3), 2, 2, 1),
    ]:
        family.record(f"narrow_{case}", "narrow", {"x": draw(f"narrow_{case}", *size)},
                      lambda x: {"y": x.narrow(axis, start, length)}, wrt=["x"], axis=axis, start=start, length=length)
    for case, size, axis, start, end, step in [
        ("step", (7,), 0, 1, 7, 2), ("negative", (4, 5), 1, -3, -1, 1), ("over", (4, 5), 1, 1, 99, 3),
        ("middle", (2, 9, 3), 1, 0, 9, 4), ("single", (2, 9, 3), 1, 5, 7, 5),
    ]:
        def function(x):
            index = [slice(None)] * x.dim()
            index[axis] = slice(start, end, step)
            return {"y": x[tuple(index)]}
        family.record(f"slice_{case}", "slice", {"x": draw(f"slice_{case}", *size)}, function,
                      wrt=["x"], axis=axis, start=start, end=end, step=step)
    for case, size, axis, position in [("first", (4, 5), 0, 0), ("last", (4, 5), 1, -1), ("middle", (2, 3, 4), 1, 1)]:
        family.record(f"select_{case}", "select", {"x": draw(f"select_{case}", *size)},
                      lambda x: {"y": x.select(axis, position)}, wrt=["x"], axis=axis, position=position)
    for case, size, axis, lengths in [("three", (7, 2), 0, [2, 4, 1]), ("zero", (2, 5), 1, [0, 5])]:
        def pieces(x):
            parts = torch.split(x, lengths, axis)
            return {"y": sum((i + 1) * part.sum() for i, part in enumerate(parts)),
                    **{f"part_{i}": part for i, part in enumerate(parts)}}
        family.record(f"split_{case}", "split", {"x": draw(f"split_{case}", *size)}, pieces,
                      wrt=["x"], axis=axis, lengths=lengths)
    for case, size, axis, count in [("even", (6, 2), 0, 3), ("rest", (2, 7), 1, 3), ("short", (2, 5), 1, 4), ("many", (2, 2), 0, 5)]:
        def chunks(x):
            parts = torch.chunk(x, count, axis)
            return {"y": sum((i + 1) * part.sum() for i, part in enumerate(parts)),
                    **{f"part_{i}": part for i, part in enumerate(parts)}}
        family.record(f"chunk_{case}", "chunk", {"x": draw(f"chunk_{case}", *size)}, chunks,
                      wrt=["x"], axis=axis, count=count)
    for case, size, axis, index in [
        ("1d", (5,), 0, [4, 0, 0, 2]), ("rows", (4, 3), 0, [3, 1, 3, 3, 0]), ("columns", (4, 3), -1, [2, 2]),
        ("middle", (2, 5, 3), 1, [0, 4, 1, 4]), ("one", (1, 3), 0, [0, 0]),
    ]:
        index = np.array(index, np.int32)
        family.record(f"index_select_{case}", "index_select", {"x": draw(f"is_{case}", *size), "index": index},
                      lambda x, index: {"y": x.index_select(axis, index)}, wrt=["x"], axis=axis)
        source = list(size)
        source[axis] = len(index)
        family.record(f"index_add_{case}", "index_add",
                      {"x": draw(f"ia_{case}", *size), "index": index, "source": draw(f"ias_{case}", *source)},
                      lambda x, index, source: {"y": x.index_add(axis, index, source)}, wrt=["x", "source"], axis=axis)
    for case, size, index_size, axis in [
        ("1d", (6,), (4,), 0), ("rows", (4, 3), (5, 3), 0), ("columns", (4, 3), (4, 2), 1), ("short", (4, 3), (2, 5), 1),
        ("middle", (2, 4, 3), (2, 6, 3), 1), ("less", (3, 4, 5), (2, 3, 4), 1), ("last", (2, 3, 4, 5), (2, 3, 2, 3), -1),
    ]:
        index = Random(f"structure_gather_{case}").integers(*index_size, below=size[axis])
        family.record(f"gather_{case}", "gather", {"x": draw(f"g_{case}", *size), "index": index},
                      lambda x, index: {"y": x.gather(axis, index)}, wrt=["x"], axis=axis)
        family.record(f"scatter_add_{case}", "scatter_add",
                      {"x": draw(f"s_{case}", *size), "index": index, "source": draw(f"ss_{case}", *index_size)},
                      lambda x, index, source: {"y": x.scatter_add(axis, index, source)}, wrt=["x", "source"], axis=axis)
    for case, mask, a, b in [
        ("same", (3, 4), (3, 4), (3, 4)), ("row", (4,), (3, 4), (3, 4)), ("column", (3, 1), (3, 4), ()),
        ("outer", (2, 1, 4), (3, 1), (2, 3, 4)), ("grow", (2, 3, 4), (4,), (3, 1)), ("scalars", (5,), (), ()),
    ]:
        inputs = {"mask": Random(f"structure_where_{case}").integers(*mask, below=2).astype(np.uint8),
                  "a": draw(f"wa_{case}", *a), "b": draw(f"wb_{case}", *b)}
        family.record(f"where_{case}", "where", inputs,
                      lambda mask, a, b: {"y": torch.where(mask.bool(), a, b)}, wrt=["a", "b"])
    for case, mask, size in [("same", (3, 4), (3, 4)), ("row", (4,), (3, 4)), ("heads", (2, 1, 1, 3), (2, 2, 3, 3))]:
        inputs = {"mask": Random(f"structure_fill_{case}").integers(*mask, below=2).astype(np.uint8),
                  "x": draw(f"f_{case}", *size)}
        family.record(f"masked_fill_{case}", "masked_fill", inputs,
                      lambda mask, x: {"y": x.masked_fill(mask.bool(), -2.5)}, wrt=["x"], value=-2.5)
    for name, compare in [("less", torch.lt), ("less_equal", torch.le), ("greater", torch.gt),
                          ("greater_equal", torch.ge), ("equal", torch.eq), ("not_equal", torch.ne)]:
        for case, a, b in [("same", (3, 4), (3, 4)), ("row", (3, 4), (4,)), ("outer", (3, 1), (2, 1, 4))]:
            random = Random(f"structure_{name}_{case}")
            inputs = {"a": random.integers(*a, below=3).astype(np.float32),
                      "b": random.integers(*b, below=3).astype(np.float32), "x": random.normal(1)}
            family.record(f"{name}_{case}", name, inputs,
                          lambda a, b, x: {"y": x * 1, "mask": compare(a, b).to(a.dtype)}, wrt=["x"])
    for case, size, axis in [("1d", (9,), 0), ("rows", (4, 5), 0), ("last", (4, 5), -1), ("middle", (2, 6, 3), 1),
                             ("wide", (2, 3, 67), 1), ("one", (1,), 0)]:
        family.record(f"cumsum_{case}", "cumsum", {"x": draw(f"cumsum_{case}", *size)},
                      lambda x: {"y": x.cumsum(axis)}, wrt=["x"], axis=axis)
    for case, size, axis in [("1d", (9,), 0), ("rows", (5, 4), 0), ("last", (3, 17), -1), ("middle", (2, 6, 3), 1), ("one", (2, 1), 1)]:
        for descending in [False, True]:
            # Whole numbers: many equals, whose order must hold.
            for kind, x in [("", draw(f"sort_{case}", *size)),
                            ("_ties", Random(f"structure_ties_{case}").integers(*size, below=4).astype(np.float32))]:
                def function(x):
                    values, indices = torch.sort(x, dim=axis, descending=descending, stable=True)
                    return {"y": values, "indices": indices.to(x.dtype)}
                family.record(f"sort_{case}{kind}" + ("_descending" if descending else ""), "sort", {"x": x}, function,
                              wrt=["x"], axis=axis, descending=descending)
    for case, size, axis, k, largest in [("1d", (9,), 0, 3, True), ("smallest", (5, 7), 1, 2, False),
                                         ("middle", (2, 6, 3), 1, 4, True), ("all", (3, 4), -1, 4, True)]:
        def function(x):
            values, indices = torch.topk(x, k, dim=axis, largest=largest)
            return {"y": values, "indices": indices.to(x.dtype)}
        family.record(f"topk_{case}", "topk", {"x": draw(f"topk_{case}", *size)}, function,
                      wrt=["x"], axis=axis, k=k, largest=largest)
    for op, function in [("maximum", torch.max), ("minimum", torch.min)]:
        for case, size, axis, keepdim in [("1d", (9,), 0, False), ("rows", (5, 4), 0, True), ("last", (3, 7), -1, False),
                                          ("middle", (2, 6, 3), 1, False), ("one", (2, 1), 1, True)]:
            def extreme(x):
                values, indices = function(x, dim=axis, keepdim=keepdim)
                return {"y": values, "indices": indices.to(x.dtype)}
            family.record(f"{op}_{case}", op, {"x": draw(f"{op}_{case}", *size)}, extreme,
                          wrt=["x"], axis=axis, keepdim=keepdim)
    for case, before, after in [("row", (4,), (3, 4)), ("column", (3, 1), (3, 4)), ("scalar", (), (2, 2)), ("outer", (2, 1, 3), (4, 2, 5, 3))]:
        family.record(f"broadcast_{case}", "broadcast", {"x": draw(f"broadcast_{case}", *before)},
                      lambda x: {"y": x.broadcast_to(after)}, wrt=["x"], shape=after)
    family.save()


if __name__ == "__main__":
    structure()
