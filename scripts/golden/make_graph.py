"""Golden values of sparse products and graph layers, from dense tensor arithmetic."""

import numpy as np
import torch
import torch.nn.functional as F

from golden import Family, Random


def pattern(case, rows, columns, density):
    """The places of the elements that are not 0, row by row; row 1 stays empty."""
    mask = Random(f"graph_{case}").uniform(rows, columns) < density
    if rows > 2:
        mask[1] = False
    row, column = np.nonzero(mask)
    return row.astype(np.int32), column.astype(np.int32)


def edges(case, nodes, count):
    return Random(f"graph_edges_{case}").integers(count, 2, below=nodes)


def adjacency(edges, nodes, loops):
    a = torch.zeros(nodes, nodes, dtype=torch.float64)
    a[edges[:, 0], edges[:, 1]] = 1
    a[edges[:, 1], edges[:, 0]] = 1
    if loops:
        a.fill_diagonal_(1)
    return a


def normalized(edges, nodes):
    a = adjacency(edges, nodes, True)
    root = a.sum(1).pow(-0.5)
    return root[:, None] * a * root[None, :]


def graph():
    family = Family("graph")
    for case, rows, columns, width, density in [("square", 5, 5, 3, 0.4), ("wide", 3, 7, 2, 0.5), ("tall", 8, 2, 4, 0.5),
                                                ("one", 1, 1, 1, 1.1), ("empty", 4, 3, 2, -1), ("large", 20, 30, 17, 0.2)]:
        random = Random(f"graph_{case}")
        row, column = pattern(case, rows, columns, density)
        inputs = {"row": row, "column": column, "values": random.normal(len(row)), "x": random.normal(columns, width)}

        def product(row, column, values, x):
            matrix = torch.sparse_coo_tensor(torch.stack([row, column]), values, (rows, columns), check_invariants=True)
            return {"y": torch.sparse.mm(matrix, x)}

        family.record(f"sparse_{case}", "sparse_matmul", inputs, product, wrt=["values", "x"], rows=rows, columns=columns)
    for case, rows, columns, heads, width, density in [("square", 5, 5, 3, 2, 0.4), ("wide", 4, 7, 2, 5, 0.5)]:
        random = Random(f"graph_heads_{case}")
        row, column = pattern(case, rows, columns, density)
        inputs = {"row": row, "column": column, "values": random.normal(len(row), heads),
                  "x": random.normal(columns, heads, width)}

        def product(row, column, values, x):
            dense = values.new_zeros(rows, columns, heads).index_put((row, column), values)
            return {"y": torch.einsum("ijh,jhw->ihw", dense, x)}

        family.record(f"sparse_heads_{case}", "sparse_matmul", inputs, product, wrt=["values", "x"], rows=rows, columns=columns)

        def softmax(row, column, values):
            dense = values.new_full((rows, columns, heads), -torch.inf).index_put((row, column), values)
            return {"y": torch.softmax(dense, 1)[row, column]}

        del inputs["x"]
        family.record(f"sparse_softmax_{case}", "sparse_softmax", inputs, softmax, wrt=["values"], rows=rows, columns=columns)
    for case, nodes, count, features, hidden, out in [("small", 4, 3, 3, 2, 2), ("middle", 12, 25, 7, 4, 3), ("alone", 1, 0, 2, 3, 1)]:
        random = Random(f"graph_layers_{case}")
        pairs = edges(case, nodes, count)
        x = random.normal(nodes, features)
        family.record(f"normalized_{case}", "normalized_adjacency", {"edges": pairs, "x": x},
                      lambda edges, x: {"y": normalized(edges, nodes).to(x.dtype) @ x}, wrt=["x"])
        for bias in [True, False]:
            inputs = {"edges": pairs, "x": x, "weight": random.normal(features, hidden)}
            if bias:
                inputs["bias"] = random.normal(hidden)
            family.record(f"convolution_{case}" + ("" if bias else "_no_bias"), "graph_convolution", inputs,
                          lambda edges, x, weight, bias=0: {"y": normalized(edges, nodes).to(x.dtype) @ (x @ weight) + bias},
                          wrt=[name for name in inputs if name != "edges"], bias=bias)
        for heads, averaged, bias in [(1, False, True), (3, False, True), (2, True, True), (2, False, False)]:
            inputs = {"edges": pairs, "x": x, "lin_weight": random.normal(heads * hidden, features),
                      "att_src": random.normal(1, heads, hidden), "att_dst": random.normal(1, heads, hidden)}
            if bias:
                inputs["bias"] = random.normal(hidden if averaged else heads * hidden)

            def attention(edges, x, lin_weight, att_src, att_dst, bias=0):
                h = F.linear(x, lin_weight).view(nodes, heads, hidden)
                source, target = (h * att_src).sum(-1), (h * att_dst).sum(-1)
                scores = F.leaky_relu(target[:, None] + source[None, :], 0.2)
                mask = adjacency(edges, nodes, True) == 0
                weights = scores.masked_fill(mask[:, :, None], -torch.inf).softmax(1)
                y = torch.einsum("ijh,jhw->ihw", weights, h)
                return {"y": (y.mean(1) if averaged else y.reshape(nodes, -1)) + bias}

            family.record(f"attention_{case}_{heads}" + ("_averaged" if averaged else "") + ("" if bias else "_no_bias"),
                          "graph_attention", inputs, attention, wrt=[name for name in inputs if name != "edges"],
                          heads=heads, averaged=averaged, bias=bias)
        inputs = {"edges": pairs, "x": x, "gc1_weight": random.normal(features, hidden), "gc1_bias": random.normal(hidden),
                  "gc2_weight": random.normal(hidden, out), "gc2_bias": random.normal(out)}

        def gcn(edges, x, gc1_weight, gc1_bias, gc2_weight, gc2_bias):
            a = normalized(edges, nodes).to(x.dtype)
            h = torch.relu(a @ (x @ gc1_weight) + gc1_bias)
            return {"y": a @ (h @ gc2_weight) + gc2_bias}

        family.record(f"gcn_{case}", "gcn", inputs, gcn, wrt=[name for name in inputs if name != "edges"])
    family.save()


graph()
