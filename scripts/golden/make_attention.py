"""Golden values of embeddings and attention, ops and layers: forward in float64 and gradients of all
inputs. Layers run with their parameters among the inputs, under the names of the state_dict."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from golden import Family, Random, save


def embedding():
    family = Family("embedding")
    for case, entries, size, shape, padding in [
        ("embedding", 7, 5, (2, 4), None),
        ("embedding_one_axis", 11, 3, (9,), None),
        ("embedding_three_axes", 5, 4, (2, 3, 2), 0),
        ("embedding_padding", 6, 5, (3, 4), 2),
        ("embedding_all_padding", 4, 3, (2, 2), 3),
        ("embedding_wide", 9, 70, (4, 6), None),
    ]:
        random = Random(case)
        indices = random.integers(*shape, below=entries)
        if case == "embedding_all_padding":
            indices[:] = padding
        family.record(
            case, "embedding", {"indices": indices, "weight": random.normal(entries, size)},
            lambda indices, weight: {"y": F.embedding(indices, weight, padding_idx=padding)},
            wrt=["weight"], padding_idx=padding)
    for case, bound, norm in [("euclid", 1.5, 2.0), ("sum", 2.0, 1.0), ("cube", 1.2, 3.0)]:
        random = Random("max_norm" + case)
        inputs = {"indices": random.integers(3, 4, below=6), "weight": random.normal(9, 5)}

        def function(indices, weight):
            table = weight.detach().clone()
            y = F.embedding(indices, table, max_norm=bound, norm_type=norm)
            # The renormalisation is not differentiated.
            return {"y": F.embedding(indices, weight + (table - weight).detach()),
                    "renormalized": table, "same": y}

        family.record(f"embedding_max_norm_{case}", "embedding", inputs, function, wrt=["weight"],
                      padding_idx=None, max_norm=bound, norm_type=norm)
    for case, shape, padding, again in [("repeated", (3, 4), None, None), ("padding", (2, 5), 1, None),
                                        ("padding_again", (2, 3), 4, (5,)), ("one", (1,), None, (2, 2))]:
        random = Random("embedding_sparse_" + case)
        # Of 40 rows only the first 7 occur, 2 of them often.
        inputs = {"indices": random.integers(*shape, below=7), "weight": random.normal(40, 3)}
        inputs["indices"].reshape(-1)[::3] = 2
        if padding is not None:
            inputs["indices"].reshape(-1)[1] = padding
        if again:
            inputs["indices_again"] = random.integers(*again, below=9)
        used = np.concatenate([value.reshape(-1) for name, value in inputs.items() if name != "weight"])
        inputs["rows"] = np.unique(used[used != (-1 if padding is None else padding)]).astype(np.int32)

        def function(indices, weight, rows, indices_again=None):
            def look(indices):
                y = F.embedding(indices, weight, padding_idx=padding, sparse=True)
                if weight.requires_grad:
                    # A row of padding stands in the sparse gradient too, with zeros.
                    weight.register_hook(lambda g: check(g.coalesce()))
                return y

            def check(gradient):
                assert gradient.is_sparse
                values = gradient.to_dense().abs().sum(1)
                assert set(values.nonzero().reshape(-1).tolist()) == set(rows.tolist())
            y = look(indices)
            return {"y": y if indices_again is None else
                    torch.cat([y.reshape(-1, 3), look(indices_again).reshape(-1, 3)])}

        family.record("embedding_sparse_" + case, "embedding_sparse", inputs, function, wrt=["weight"],
                      padding_idx=padding)
    for mode in ["sum", "mean", "max"]:
        for case, shape, offsets, padding, weighted in [
            ("rows", (3, 4), None, None, False),
            ("rows_padding", (4, 3), None, 1, False),
            ("offsets", (9,), [0, 2, 2, 7], None, False),
            ("offsets_padding", (8,), [0, 3, 5], 0, False),
            ("weights", (3, 4), None, None, True),
            ("weights_padding", (7,), [0, 4, 4], 2, True),
        ]:
            if weighted and mode != "sum":
                continue
            random = Random(f"bag_{mode}_{case}")
            inputs = {"indices": random.integers(*shape, below=5), "weight": random.normal(5, 4)}
            if padding is not None:
                inputs["indices"][(0,) * len(shape)] = padding
            if offsets is not None:
                inputs["offsets"] = np.array(offsets, dtype=np.int32)
            if weighted:
                inputs["sample_weights"] = random.normal(*shape)

            def function(indices, weight, offsets=None, sample_weights=None):
                return {"y": F.embedding_bag(
                    indices, weight, offsets, mode=mode, per_sample_weights=sample_weights,
                    padding_idx=padding)}

            family.record(f"bag_{mode}_{case}", "embedding_bag", inputs, function,
                          wrt=["weight"] + (["sample_weights"] if weighted else []),
                          mode=mode, padding_idx=padding)
    family.save()


def attention():
    family = Family("attention")
    for case, shape, keys, value, settings in [
        # shape: [batch, heads, queries, width]
        ("plain", (2, 2, 5, 4), 5, 4, {}),
        ("cross", (2, 3, 4, 5), 7, 3, {}),
        ("one", (1, 1, 1, 1), 1, 1, {}),
        ("one_query", (2, 2, 1, 4), 6, 4, {}),
        ("scale", (1, 2, 3, 4), 5, 4, {"scale": 0.25}),
        ("causal", (2, 2, 6, 3), 6, 3, {"causal": True}),
        ("causal_more_keys", (1, 2, 4, 3), 6, 3, {"causal": True}),
        ("causal_more_queries", (1, 2, 6, 3), 4, 3, {"causal": True}),
        ("causal_offset", (1, 2, 2, 3), 6, 3, {"causal": True, "offset": 4}),
        ("window", (2, 1, 7, 3), 7, 4, {"window": 2}),
        ("window_0", (1, 2, 4, 3), 4, 2, {"window": 0}),
        ("window_causal", (1, 2, 8, 3), 8, 3, {"window": 3, "causal": True}),
        ("lengths", (3, 2, 4, 3), 5, 3, {"lengths": [5, 2, 1]}),
        ("length_0", (3, 2, 4, 3), 5, 3, {"lengths": [0, 5, 3]}),
        ("lengths_causal", (2, 2, 5, 3), 5, 3, {"lengths": [5, 2], "causal": True}),
        ("allowed", (2, 2, 4, 3), 5, 3, {"allowed": (4, 5)}),
        ("allowed_heads", (2, 2, 4, 3), 5, 3, {"allowed": (2, 4, 5)}),
        ("allowed_batch", (2, 2, 4, 3), 5, 3, {"allowed": (2, 1, 1, 5)}),
        ("allowed_queries", (2, 2, 4, 3), 5, 3, {"allowed": (2, 1, 4, 1)}),
        ("none_allowed", (2, 2, 4, 3), 5, 3, {"allowed": (4, 5), "none": True}),
        ("bias", (2, 2, 4, 3), 5, 3, {"bias": (4, 5)}),
        ("bias_heads", (2, 3, 4, 3), 4, 3, {"bias": (3, 4, 4), "causal": True}),
        ("bias_batch", (2, 2, 4, 3), 5, 3, {"bias": (2, 2, 4, 5), "allowed": (4, 5)}),
        ("bias_keys", (2, 2, 4, 3), 5, 3, {"bias": (2, 1, 1, 5), "lengths": [4, 2]}),
        ("large", (1, 1, 3, 2), 4, 2, {"large": True}),
        ("long", (1, 1, 130, 2), 130, 1, {"causal": True, "window": 70}),
    ]:
        random = Random("attention_" + case)
        batch, heads, queries, width = shape
        inputs = {"query": random.normal(*shape), "key": random.normal(batch, heads, keys, width),
                  "value": random.normal(batch, heads, keys, value)}
        if settings.get("large"):
            inputs["query"] *= 100
            inputs["key"] *= 100
        wrt = list(inputs)
        if "bias" in settings:
            inputs["bias"] = random.normal(*settings["bias"])
            wrt.append("bias")
        if "allowed" in settings:
            allowed = random.uniform(*settings["allowed"]) < 0.6
            inputs["allowed"] = (allowed & (not settings.get("none"))).astype(np.int32)
        if "lengths" in settings:
            inputs["lengths"] = np.array(settings["lengths"], dtype=np.int32)

        def function(query, key, value, bias=None, allowed=None, lengths=None):
            seen = visible(query.shape[2], key.shape[2], settings, allowed, lengths)
            seen = torch.broadcast_to(seen, (*query.shape[:3], key.shape[2]))
            scores = torch.zeros(seen.shape, dtype=query.dtype) if bias is None else bias
            # Rows without a key are left to see all, and then cleared: PyTorch's may give NaN.
            any_seen = seen.any(-1, keepdim=True)
            scores = torch.where(seen | ~any_seen, scores, -torch.inf)
            y = F.scaled_dot_product_attention(query, key, value, scores,
                                               scale=settings.get("scale"))
            return {"y": torch.where(any_seen, y, 0.0)}

        family.record("attention_" + case, "attention", inputs, function, wrt=wrt,
                      **{name: settings.get(name) for name in ["scale", "causal", "offset", "window"]})
    for case, shape, style, settings in [
        ("interleaved", (2, 5, 2, 6), "interleaved", {}),
        ("half", (2, 5, 2, 6), "half", {}),
        ("offset", (1, 4, 1, 4), "interleaved", {"offset": 7}),
        ("half_base", (2, 3, 2, 8), "half", {"base": 500.0}),
        ("odd", (1, 3, 2, 5), "interleaved", {}),
        ("part", (2, 3, 1, 8), "half", {"width": 4}),
        ("one", (1, 1, 1, 2), "half", {"offset": 3}),
    ]:
        inputs = {"x": Random("rotary_" + case).normal(*shape)}
        family.record("rotary_" + case, "rotary", inputs,
                      lambda x: {"y": rotary(x, style, **settings)}, wrt=["x"], style=style,
                      offset=settings.get("offset", 0), base=settings.get("base", 10000.0),
                      width=settings.get("width"))
    for case, shape, offset in [("even", (2, 6, 8), 0), ("odd", (1, 4, 5), 0), ("offset", (2, 3, 4), 9)]:
        inputs = {"x": Random("sinusoidal_" + case).normal(*shape)}
        family.record("sinusoidal_" + case, "sinusoidal", inputs,
                      lambda x: {"y": x + sinusoids(x, offset)}, wrt=["x"], offset=offset)
    for case, shape, length, offset in [("whole", (2, 6, 3), 6, 0), ("part", (2, 3, 4), 7, 0),
                                        ("offset", (3, 2, 4), 6, 3)]:
        random = Random("learned_" + case)
        inputs = {"x": random.normal(*shape), "weight": random.normal(length, shape[2])}
        family.record("learned_" + case, "learned", inputs,
                      lambda x, weight: {"y": x + weight[offset:offset + x.shape[1]]},
                      wrt=["x", "weight"], offset=offset)
    family.save()


def visible(queries, keys, settings, allowed, lengths):
    """Which keys each query sees, as booleans that broadcast to [batch, heads, queries, keys]."""
    distance = torch.arange(keys) - torch.arange(queries)[:, None] - settings.get("offset", 0)
    seen = torch.ones(queries, keys, dtype=torch.bool)
    if settings.get("causal"):
        seen &= distance <= 0
    if settings.get("window") is not None:
        seen &= distance.abs() <= settings["window"]
    if allowed is not None:
        seen = seen & (allowed != 0)
    if lengths is not None:
        seen = seen & (torch.arange(keys) < lengths[:, None])[:, None, None]
    return seen


def rotary(x, style, offset=0, base=10000.0, width=None):
    """Su et al. 2021, equation 34 (interleaved); GPT-NeoX pairs feature j with j + width / 2."""
    pairs = (width or x.shape[-1]) // 2
    angles = (torch.arange(x.shape[1], dtype=torch.float64) + offset)[:, None, None] * torch.pow(
        torch.tensor(base, dtype=torch.float64), -torch.arange(pairs, dtype=torch.float64) / pairs)
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    rest = x[..., 2 * pairs:]
    if style == "half":
        a, b = x[..., :pairs], x[..., pairs:2 * pairs]
        return torch.cat([a * cosine - b * sine, a * sine + b * cosine, rest], -1)
    a, b = x[..., 0:2 * pairs:2], x[..., 1:2 * pairs:2]
    turned = torch.stack([a * cosine - b * sine, a * sine + b * cosine], -1).flatten(-2)
    return torch.cat([turned, rest], -1)


def sinusoids(x, offset):
    """Vaswani et al. 2017, section 3.5."""
    width = x.shape[2]
    position = torch.arange(x.shape[1], dtype=torch.float64)[:, None] + offset
    even = torch.arange(0, width, 2, dtype=torch.float64)
    angles = position * torch.exp(even * (-math.log(10000.0) / width))
    table = torch.zeros(x.shape[1], width, dtype=torch.float64)
    table[:, 0::2] = angles.sin()
    table[:, 1::2] = angles.cos()[:, :width // 2]
    return table.to(x.dtype)


def module(family, case, make, inputs, call, wrt=("x",), **settings):
    """Runs a module with drawn parameters, whose gradients are recorded with those of `wrt`; no gradients
    where that is None."""
    random = Random(f"module_{case}")
    inputs = dict(inputs)
    parameters = dict(make().named_parameters())
    for name, parameter in parameters.items():
        norm = "norm" in name and name.endswith("weight")
        inputs[name] = random.normal(*parameter.shape, scale=0.3, mean=1.0 if norm else 0.0)

    def function(**tensors):
        texts = {name: value for name, value in tensors.items() if name not in parameters}
        given = {name: tensors[name] for name in parameters}
        layer = Bound(make().to(next(iter(given.values())).dtype), given)
        return {"y": call(layer, **texts)}

    family.record(case, settings.pop("op"), inputs, function,
                  wrt=() if wrt is None else [*wrt, *parameters], **settings)


class Bound:
    """A module that runs with given parameters."""

    def __init__(self, layer, parameters):
        self.layer, self.parameters = layer.train(), parameters

    def __call__(self, *texts, **options):
        return torch.func.functional_call(self.layer, self.parameters, texts, options)


def blocked(settings, queries, keys):
    """A mask for torch.nn.MultiheadAttention, where True keeps out; None where nothing is."""
    if not settings.get("causal") and settings.get("window") is None:
        return None
    return ~visible(queries, keys, settings, None, None)


def padding(lengths, keys):
    return None if lengths is None else torch.arange(keys) >= lengths[:, None]


def draw(case, lengths=None, memory_lengths=None, **shapes):
    random = Random("texts_" + case)
    inputs = {name: random.normal(*shape) for name, shape in shapes.items()}
    for name, values in [("lengths", lengths), ("memory_lengths", memory_lengths)]:
        if values is not None:
            inputs[name] = np.array(values, dtype=np.int32)
    return inputs


def transformer():
    family = Family("transformer")
    nn = torch.nn
    for case, shape, heads, settings in [
        ("self", (2, 5, 8), 2, {}),
        ("self_one_head", (1, 3, 4), 1, {}),
        ("self_no_bias", (2, 3, 6), 3, {"bias": False}),
        ("self_causal", (2, 5, 8), 2, {"causal": True}),
        ("self_window", (2, 6, 4), 2, {"window": 1}),
        ("self_window_causal", (1, 6, 4), 2, {"window": 2, "causal": True}),
        ("self_lengths", (3, 4, 6), 2, {"lengths": [4, 1, 2]}),
        ("self_lengths_causal", (2, 4, 6), 2, {"lengths": [3, 4], "causal": True}),
        ("self_one_step", (2, 1, 4), 2, {}),
    ]:
        bias = settings.get("bias", True)

        def call(layer, x, lengths=None):
            return layer(x, x, x, attn_mask=blocked(settings, x.shape[1], x.shape[1]),
                         key_padding_mask=padding(lengths, x.shape[1]), need_weights=False)[0]

        module(family, "mha_" + case,
               lambda: nn.MultiheadAttention(shape[2], heads, bias=bias, batch_first=True),
               draw(case, settings.get("lengths"), x=shape), call, op="mha", heads=heads,
               bias=bias, causal=settings.get("causal"), window=settings.get("window"))
    for case, key, value, lengths in [
        ("memory", 8, 8, None), ("memory_lengths", 8, 8, [2, 6]), ("three", 8, 8, None),
        ("sizes", 3, 5, None), ("sizes_lengths", 5, 8, [6, 1]),
    ]:
        texts = draw(case, lengths, x=(2, 4, 8), key=(2, 6, key), value=(2, 6, value))
        if case.startswith("memory"):
            del texts["value"]

        def call(layer, x, key, value=None, lengths=None):
            return layer(x, key, key if value is None else value,
                         key_padding_mask=padding(lengths, 6), need_weights=False)[0]

        module(family, "mha_" + case,
               lambda: nn.MultiheadAttention(8, 2, kdim=key, vdim=value, batch_first=True),
               texts, call, op="mha", heads=2, bias=True, key=key, value=value,
               wrt=[name for name in texts if name != "lengths"])
    for case, style, causal in [("rotary_interleaved", "interleaved", True), ("rotary_half", "half", False)]:
        def call(layer, x):
            p, (batch, time, size) = layer.parameters, x.shape
            q, k, v = (F.linear(x, p["in_proj_weight"], p["in_proj_bias"])
                       .reshape(batch, time, 3, 2, size // 2).unbind(2))
            q, k, v = (t.transpose(1, 2) for t in [rotary(q, style), rotary(k, style), v])
            y = F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2)
            return F.linear(y.reshape(x.shape), p["out_proj.weight"], p["out_proj.bias"])

        module(family, "mha_" + case, lambda: nn.MultiheadAttention(8, 2, batch_first=True),
               draw(case, x=(2, 5, 8)), call, op="mha", heads=2, bias=True, causal=causal,
               rotary=style)
    activations = {"relu": F.relu, "gelu": F.gelu,
                   "gelu_tanh": lambda x: F.gelu(x, approximate="tanh")}
    for case, count, settings in [
        ("post_relu", 0, {}),
        ("pre_gelu", 0, {"norm_first": True, "activation": "gelu"}),
        ("pre_gpt", 0, {"norm_first": True, "activation": "gelu_tanh", "causal": True}),
        ("post_lengths", 0, {"lengths": [2, 5], "activation": "gelu"}),
        ("pre_window", 0, {"norm_first": True, "window": 1, "causal": True}),
        ("stack_post", 2, {"causal": True}),
        ("stack_pre", 2, {"norm_first": True, "activation": "gelu", "lengths": [5, 3]}),
    ]:
        name = settings.get("activation", "relu")
        first = settings.get("norm_first", False)

        def make():
            layer = nn.TransformerEncoderLayer(8, 2, 12, 0.0, activations[name], norm_first=first,
                                               batch_first=True)
            if count == 0:
                return layer
            return nn.TransformerEncoder(layer, count, nn.LayerNorm(8) if first else None,
                                         enable_nested_tensor=False)

        def call(layer, x, lengths=None):
            mask = blocked(settings, x.shape[1], x.shape[1])
            dropped = padding(lengths, x.shape[1])
            if count == 0:
                return layer(x, src_mask=mask, src_key_padding_mask=dropped)
            return layer(x, mask=mask, src_key_padding_mask=dropped)

        module(family, "encoder_" + case, make,
               draw("encoder_" + case, settings.get("lengths"), x=(2, 5, 8)), call, op="encoder",
               layers=count, activation=name, norm_first=first, causal=settings.get("causal"),
               window=settings.get("window"))
    for case, count, settings in [
        ("post_relu", 0, {}),
        ("post_all", 0, {"causal": False}),
        ("pre_gelu", 0, {"norm_first": True, "activation": "gelu", "memory_lengths": [4, 2]}),
        ("lengths", 0, {"lengths": [5, 2], "memory_lengths": [1, 6]}),
        ("stack_post", 2, {"memory_lengths": [6, 3]}),
        ("stack_pre", 2, {"norm_first": True, "activation": "gelu"}),
    ]:
        name = settings.get("activation", "relu")
        first, causal = settings.get("norm_first", False), settings.get("causal", True)

        def make():
            layer = nn.TransformerDecoderLayer(8, 2, 12, 0.0, activations[name], norm_first=first,
                                               batch_first=True)
            return layer if count == 0 else nn.TransformerDecoder(
                layer, count, nn.LayerNorm(8) if first else None)

        def call(layer, x, memory, lengths=None, memory_lengths=None):
            return layer(x, memory, tgt_mask=blocked({"causal": causal}, x.shape[1], x.shape[1]),
                         tgt_key_padding_mask=padding(lengths, x.shape[1]),
                         memory_key_padding_mask=padding(memory_lengths, memory.shape[1]))

        module(family, "decoder_" + case, make,
               draw("decoder_" + case, settings.get("lengths"), settings.get("memory_lengths"),
                    x=(2, 5, 8), memory=(2, 6, 8)),
               call, op="decoder", wrt=["x", "memory"], layers=count, activation=name,
               norm_first=first, causal=causal)
    for case, query, key, lengths in [("plain", (2, 3, 4), (2, 5, 6), None),
                                      ("lengths", (3, 2, 4), (3, 4, 3), [1, 4, 2]),
                                      ("one", (1, 1, 2), (1, 1, 2), None)]:
        def call(layer, x, key, value, lengths=None):
            p = layer.parameters
            features = torch.tanh(F.linear(x, p["query_proj.weight"])[:, :, None]
                                  + F.linear(key, p["key_proj.weight"])[:, None])
            scores = F.linear(features, p["score.weight"])[..., 0]
            if lengths is not None:
                scores = scores.masked_fill(padding(lengths, key.shape[1])[:, None], -torch.inf)
            return scores.softmax(-1) @ value

        def make():
            return nn.ModuleDict({"query_proj": nn.Linear(query[2], 5, bias=False),
                                  "key_proj": nn.Linear(key[2], 5, bias=False),
                                  "score": nn.Linear(5, 1, bias=False)})

        module(family, "additive_" + case, make,
               draw("additive_" + case, lengths, x=query, key=key, value=(*key[:2], 3)), call,
               op="additive", wrt=["x", "key", "value"])
    for case, tied in [("gpt_tied", True), ("gpt_untied", False)]:
        inputs = {"x": Random(case).integers(2, 5, below=7)}
        module(family, case, lambda: GPT(tied), inputs, lambda layer, x: layer(x), wrt=[], op="gpt",
               tied=tied)
    family.save()
    # A state_dict as PyTorch gives it, the shared table under both names.
    state = GPT(tied=True).float().state_dict()
    assert torch.equal(state["wte.weight"], state["lm_head.weight"])
    save("tied.safetensors", {name: value.numpy() for name, value in state.items()})


class GPT(torch.nn.Module):
    """A small language model of 7 tokens, for texts of up to 6."""

    def __init__(self, tied):
        super().__init__()
        torch.manual_seed(3)
        layer = torch.nn.TransformerEncoderLayer(8, 2, 12, 0.0, F.gelu, norm_first=True,
                                                 batch_first=True)
        self.wte = torch.nn.Embedding(7, 8)
        self.wpe = torch.nn.Embedding(6, 8)
        self.transformer = torch.nn.TransformerEncoder(layer, 2, torch.nn.LayerNorm(8),
                                                       enable_nested_tensor=False)
        self.lm_head = torch.nn.Linear(8, 7, bias=False)
        if tied:
            self.lm_head.weight = self.wte.weight

    def forward(self, x):
        mask = blocked({"causal": True}, x.shape[1], x.shape[1])
        h = self.wte(x) + self.wpe(torch.arange(x.shape[1]))
        return self.lm_head(self.transformer(h, mask=mask))


if __name__ == "__main__":
    embedding()
    attention()
    transformer()
