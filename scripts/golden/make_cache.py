"""Golden values of generation with a key-value cache: the full causal pass, which going through a cache in
pieces (`prefixes`, the positions of each) has to give."""

import torch.nn.functional as F
from torch import nn

from golden import Family
from make_attention import blocked, draw, module, padding, rotary


def attention(family):
    for case, shape, heads, settings, prefixes in [
        ("steps", (2, 7, 6), 2, {}, [1] * 7),
        ("prefix", (2, 9, 8), 2, {}, [5, 1, 1, 2]),
        ("whole", (1, 5, 4), 1, {}, [5]),
        ("beyond_the_first_room", (1, 35, 4), 2, {}, [3, 14, 1, 16, 1]),
        ("window", (2, 8, 4), 2, {"window": 2}, [4, 1, 1, 1, 1]),
        ("no_bias", (3, 4, 6), 3, {"bias": False}, [2, 1, 1]),
        ("rotary_interleaved", (2, 8, 8), 2, {"rotary": "interleaved"}, [3, 1, 1, 3]),
        ("rotary_half", (2, 6, 8), 2, {"rotary": "half"}, [1, 1, 4]),
    ]:
        bias, style = settings.get("bias", True), settings.get("rotary")

        def call(layer, x):
            mask = blocked({"causal": True, **settings}, x.shape[1], x.shape[1])
            if style is None:
                return layer(x, x, x, attn_mask=mask, need_weights=False)[0]
            p, (batch, time, size) = layer.parameters, x.shape
            q, k, v = (F.linear(x, p["in_proj_weight"], p["in_proj_bias"])
                       .reshape(batch, time, 3, heads, size // heads).unbind(2))
            q, k, v = (t.transpose(1, 2) for t in [rotary(q, style), rotary(k, style), v])
            y = F.scaled_dot_product_attention(q, k, v, ~mask).transpose(1, 2)
            return F.linear(y.reshape(x.shape), p["out_proj.weight"], p["out_proj.bias"])

        module(family, "mha_" + case, lambda: nn.MultiheadAttention(shape[2], heads, bias=bias, batch_first=True),
               draw("cache_" + case, x=shape), call, wrt=None, op="mha", heads=heads, bias=bias, causal=True,
               window=settings.get("window"), rotary=style, prefixes=prefixes)


def stacks(family):
    for case, first, prefixes in [("pre", True, [1] * 6), ("post", False, [3, 1, 2])]:
        def encoder():
            layer = nn.TransformerEncoderLayer(8, 2, 12, 0.0, F.gelu, norm_first=first, batch_first=True)
            return nn.TransformerEncoder(layer, 2, nn.LayerNorm(8) if first else None, enable_nested_tensor=False)

        module(family, "encoder_" + case, encoder, draw("cache_encoder_" + case, x=(2, 6, 8)),
               lambda layer, x: layer(x, mask=blocked({"causal": True}, 6, 6)), wrt=None, op="encoder", layers=2,
               activation="gelu", norm_first=first, causal=True, prefixes=prefixes)

        def decoder():
            layer = nn.TransformerDecoderLayer(8, 2, 12, 0.0, F.relu, norm_first=first, batch_first=True)
            return nn.TransformerDecoder(layer, 1, nn.LayerNorm(8) if first else None)

        def call(layer, x, memory, memory_lengths):
            return layer(x, memory, tgt_mask=blocked({"causal": True}, 6, 6),
                         memory_key_padding_mask=padding(memory_lengths, 5))

        module(family, "decoder_" + case, decoder,
               draw("cache_decoder_" + case, None, [5, 3], x=(2, 6, 8), memory=(2, 5, 8)), call, wrt=None,
               op="decoder", layers=1, activation="relu", norm_first=first, causal=True, prefixes=prefixes)


if __name__ == "__main__":
    family = Family("cache")
    attention(family)
    stacks(family)
    family.save()
