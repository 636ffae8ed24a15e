"""Networks of torchvision and Hugging Face: the names and shapes of all their tensors, and logits of weights that are a
function of name and shape alone, so that no file has to hold them.

Element i of a tensor is `POOL[(start + i) % 65521]`, stretched to the range that suits the tensor: 65521 is a prime, so
that no two rows of a matrix are the same."""

import sys

import numpy as np
import torch

import keyed
from golden import FOLDER, options, save

try:
    import torchvision
except RuntimeError:
    # PyPI's build looks for CUDA to define its operators, which no network here uses.
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

from torchvision.models import vision_transformer  # noqa: E402
from transformers import (  # noqa: E402
    BertConfig, BertForMaskedLM, BertForSequenceClassification, BertForTokenClassification, GPT2Config, GPT2LMHeadModel)

COUNT = 65521
POOL = keyed.uniforms(keyed.key(1, "zoo"), COUNT) * 2 - 1


def drawn(name, shape):
    """Numbers in -1 ..< 1."""
    start = keyed.key(1, "zoo", name) % COUNT
    return np.resize(np.roll(POOL, -start), int(np.prod(shape))).reshape(shape)


def weight(name, shape):
    """A tensor of a state_dict: by the elements of an output where it has two axes or more, around 1 for scales and
    variances, around 0 for shifts and means."""
    if len(shape) == 0:
        return np.zeros(shape)
    x = drawn(name, shape)
    if len(shape) > 1:
        x = x * np.sqrt(6 / (np.prod(shape) / shape[0]))
    elif name.endswith(("weight", "running_var")):
        x = 1 + x / 2
    else:
        x = x / 4
    return x.astype(np.float32)


def fill(model):
    """Overwrites all tensors; those with several names take the first."""
    state, seen = model.state_dict(keep_vars=True), set()
    with torch.no_grad():
        for name, value in state.items():
            if id(value) not in seen:
                seen.add(id(value))
                value.copy_(torch.from_numpy(np.array(weight(name, tuple(value.shape)))))
    return model


def images(shape):
    """Of height, width, channels; handed over as channels, height, width."""
    return torch.from_numpy(drawn("x", (2, *shape)).astype(np.float32)).permute(0, 3, 1, 2)


def tokens(shape, vocabulary):
    return torch.from_numpy(np.floor((drawn("x", (2, *shape)) + 1) / 2 * vocabulary).astype(np.int64))


def vgg(depth, batch_norm=False, hidden=4096, classes=1000):
    layers = torchvision.models.vgg.make_layers(
        torchvision.models.vgg.cfgs[{11: "A", 13: "B", 16: "D", 19: "E"}[depth]], batch_norm=batch_norm)
    model = torchvision.models.VGG(layers, num_classes=classes, init_weights=False)
    return narrow(model, 0, 3, 6, hidden, classes)


def alexnet(hidden=4096, classes=1000):
    return narrow(torchvision.models.AlexNet(classes), 1, 4, 6, hidden, classes)


def narrow(model, first, second, last, hidden, classes):
    """The classifier with fewer features between its layers."""
    if hidden != 4096:
        model.classifier[first] = torch.nn.Linear(model.classifier[first].in_features, hidden)
        model.classifier[second] = torch.nn.Linear(hidden, hidden)
        model.classifier[last] = torch.nn.Linear(hidden, classes)
    return model


def cifar_stem(model):
    """The form that He et al. 2016 give for small images, in front of the stages of a large one."""
    model.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    model.maxpool = torch.nn.Identity()
    return model


def vit(size, patch, layers, width, heads, classes=1000, feed_forward=None):
    return vision_transformer.VisionTransformer(
        size, patch, layers, heads, width, feed_forward or 4 * width, num_classes=classes)


def gpt2(**sizes):
    config = GPT2Config(**sizes)
    config._attn_implementation = "eager"
    return GPT2LMHeadModel(config)


def bert(kind, **sizes):
    config = BertConfig(**sizes)
    config._attn_implementation = "eager"
    return kind(config)


V = torchvision.models
TEXT = "text"
# The model of dltrain, the data's shape and classes, and the same of torchvision or Hugging Face.
NAMES = [
    *((f"resnet{depth}", f"{{name: resnet, depth: {depth}}}", [224, 224, 3], 1000, getattr(V, f"resnet{depth}"))
      for depth in (18, 34, 50, 101, 152)),
    *((f"vgg{depth}", f"{{name: vgg, depth: {depth}}}", [224, 224, 3], 1000, lambda depth=depth: vgg(depth))
      for depth in (11, 13, 16, 19)),
    *((f"vgg{depth}_bn", f"{{name: vgg, depth: {depth}, batch_norm: true}}", [224, 224, 3], 1000,
       lambda depth=depth: vgg(depth, True)) for depth in (11, 16)),
    ("alexnet", "{name: alexnet}", [224, 224, 3], 1000, alexnet),
    ("vit_b_16", "{name: vit}", [224, 224, 3], 1000, V.vit_b_16),
    ("vit_tiny", "{name: vit, width: 192, heads: 3}", [224, 224, 3], 1000, lambda: vit(224, 16, 12, 192, 3)),
    ("mobilenet_v2", "{name: mobilenet_v2}", [224, 224, 3], 1000, V.mobilenet_v2),
    ("mobilenet_v2_0.35", "{name: mobilenet_v2, width_mult: 0.35}", [224, 224, 3], 1000, lambda: V.MobileNetV2(width_mult=0.35)),
    *((f"densenet{depth}", f"{{name: densenet, depth: {depth}}}", [224, 224, 3], 1000, getattr(V, f"densenet{depth}"))
      for depth in (121, 161)),
    ("gpt2", "{name: gpt2, vocabulary: 50257, positions: 1024}", [16], 65, gpt2),
    ("bert-classify", "{name: bert_base, vocabulary: 30522, positions: 512}", [16], 5,
     lambda: bert(BertForSequenceClassification, num_labels=5)),
    ("bert-tag", "{name: bert_base, head: tag, vocabulary: 30522, positions: 512}", [16], 5,
     lambda: bert(BertForTokenClassification, num_labels=5)),
    ("bert-masked", "{name: bert_base, head: masked, vocabulary: 30522, positions: 512, mask_token: 103}", [16], 5,
     lambda: bert(BertForMaskedLM)),
]
SMALL = {"vocab_size": 40, "num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48,
         "max_position_embeddings": 16, "num_labels": 5, "pad_token_id": None}
BERT = "vocabulary: 40, positions: 16, layers: 2, width: 32, heads: 4, feed_forward: 48"
LOGITS = [
    ("resnet18", "{name: resnet, depth: 18}", [64, 48, 3], 10, lambda: V.resnet18(num_classes=10)),
    ("resnet18-cifar", "{name: resnet, depth: 18, stem: cifar}", [16, 16, 3], 10, lambda: cifar_stem(V.resnet18(num_classes=10))),
    ("resnet50", "{name: resnet}", [64, 64, 3], 10, lambda: V.resnet50(num_classes=10)),
    ("vgg11", "{name: vgg, depth: 11, hidden: 48}", [64, 64, 3], 10, lambda: vgg(11, hidden=48, classes=10)),
    ("vgg11_bn", "{name: vgg, depth: 11, batch_norm: true, hidden: 48}", [32, 64, 3], 10, lambda: vgg(11, True, 48, 10)),
    ("alexnet", "{name: alexnet, hidden: 48}", [96, 64, 3], 10, lambda: alexnet(48, 10)),
    ("vit", "{name: vit, patch: 8, layers: 2, width: 48, heads: 3, feed_forward: 40}", [32, 32, 3], 10,
     lambda: vit(32, 8, 2, 48, 3, 10, 40)),
    ("mobilenet_v2", "{name: mobilenet_v2}", [64, 64, 3], 10, lambda: V.mobilenet_v2(num_classes=10)),
    ("densenet121", "{name: densenet}", [64, 64, 3], 10, lambda: V.densenet121(num_classes=10)),
    ("gpt2", "{name: gpt2, vocabulary: 50, positions: 24, layers: 2, width: 32, heads: 4}", [12], 40,
     lambda: gpt2(vocab_size=50, n_positions=24, n_layer=2, n_embd=32, n_head=4)),
    ("bert-classify", f"{{name: bert_base, {BERT}}}", [12], 5, lambda: bert(BertForSequenceClassification, **SMALL)),
    ("bert-padded", f"{{name: bert_base, padding_idx: 0, {BERT}}}", [12], 5,
     lambda: bert(BertForSequenceClassification, **SMALL | {"pad_token_id": 0})),
    ("bert-tag", f"{{name: bert_base, head: tag, {BERT}}}", [12], 5, lambda: bert(BertForTokenClassification, **SMALL)),
    ("bert-masked", f"{{name: bert_base, head: masked, mask_token: 3, {BERT}}}", [12], 5, lambda: bert(BertForMaskedLM, **SMALL)),
]


def logits():
    tensors, metadata = {}, {}
    for case, yaml, shape, classes, make in LOGITS:
        model = fill(make()).double().eval()
        if len(shape) == 3:
            y = model(images(shape).double())
        elif "padding_idx" in yaml:
            x = tokens(shape, 40).clamp(min=1)
            x[1, 8:] = 0
            y = model(x, attention_mask=(x > 0).long()).logits
        else:
            y = model(tokens(shape, 40)).logits
        assert torch.isfinite(y).all() and y.std() > 1e-3, case
        tensors[f"{case}/f64/out/y"] = y.detach().numpy()
        if len(list(model.parameters())) < 60:
            # The gradient's length by parameter, of half the sum of squared logits.
            y.square().sum().div(2).backward()
            tensors[f"{case}/f64/out/gradients"] = np.array(
                [0 if p.grad is None else p.grad.norm().item() for p in model.parameters()])
        metadata[case] = options(op="zoo", model=yaml, shape=shape, classes=classes)
    save("zoo.safetensors", tensors, metadata)


def names():
    """A line for each network, then one for each module: its path, and each tensor with its shape; `batch_norm` stands for
    the five tensors of one."""
    with open(FOLDER / "zoo-names.txt", "w") as file:
        for case, yaml, shape, classes, make in NAMES:
            with torch.device("meta"):
                state = make().state_dict()
            file.write(f"# {case} | {yaml} | {','.join(map(str, shape))} | {classes}\n")
            modules = {}
            for name, value in state.items():
                path, _, leaf = name.rpartition(".")
                modules.setdefault(path or ".", {})[leaf] = ",".join(map(str, value.shape))
            for path, leaves in modules.items():
                if "running_mean" in leaves:
                    assert list(leaves) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
                    leaves = {"batch_norm": leaves["weight"]}
                file.write(" ".join([path, *(f"{leaf}={shape}" for leaf, shape in leaves.items())]) + "\n")
    print(f"zoo-names.txt: {(FOLDER / 'zoo-names.txt').stat().st_size} bytes, {len(NAMES)} networks")


if __name__ == "__main__":
    logits()
    names()
