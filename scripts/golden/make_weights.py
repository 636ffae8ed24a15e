"""Weights as PyTorch programs leave them: of several widths, tied, and with a wrapper's names in front.

Written by the safetensors library itself. `weights` holds what load_state_dict makes of them in a model of
float32 or float64, and what is in the others: FILE/f32/NAME, FILE/f64/NAME.
"""

import torch
from safetensors.torch import load_file, load_model, save_file, save_model
from torch import nn
from torch.distributed import HashStore, destroy_process_group, init_process_group
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from golden import FOLDER, save


class Tied(nn.Module):
    """A table of words that is the weight of the logits too."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(6, 4)
        self.middle = nn.Linear(4, 4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.tokens.weight


class Holder(nn.Module):
    """A module with the network in a property, as a LightningModule has it."""

    def __init__(self, model):
        super().__init__()
        self.model = model


def network(outputs=3):
    return nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, outputs))


def scattered(model, seed):
    """Numbers of all magnitudes that a half has; the widest types get ties and what does not fit float32."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            draw = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
            scale = 2.0 ** torch.randint(-26, 15, tensor.shape, generator=generator)
            tensor.copy_(draw * scale)
        else:
            tensor.fill_(7)
    return model


def path(name):
    return FOLDER / f"weights-{name}.safetensors"


def write(name, tensors):
    save_file({key: value.contiguous() for key, value in tensors.items()}, path(name))
    path(name).chmod(0o644)


def main():
    expected = {}

    def expect(name, make, load):
        """What a model holds after loading the file, in both precisions."""
        for label, dtype in [("f32", torch.float32), ("f64", torch.float64)]:
            model = make().to(dtype)
            load(model)
            for key, value in model.state_dict().items():
                expected[f"{name}/{label}/{key}"] = value.numpy()

    wide = scattered(network().double(), 1)
    special = wide[4].weight.data.view(-1)
    special[:8] = torch.tensor(
        [1 + 2.0**-24, 1 + 3 * 2.0**-24, -(1 + 2.0**-24 + 2.0**-52), 1e-46, 3e-45, 1e300, -(2.0**128), 2.0**-149 * 1.5],
        dtype=torch.float64)
    halves = wide.state_dict()[("4.weight")].clone()
    halves.view(-1)[8:14] = torch.tensor([65504.0, 2.0**-24, 3 * 2.0**-24, 2.0**-14, -0.0, 1.0], dtype=torch.float64)
    wide[4].weight.data.copy_(halves)
    for name, dtype in [("f64", torch.float64), ("f32", torch.float32), ("f16", torch.float16),
                        ("bf16", torch.bfloat16)]:
        write(name, {key: value.to(dtype) if value.is_floating_point() else value
                     for key, value in wide.state_dict().items()})
        expect(name, network, lambda model, name=name: model.load_state_dict(load_file(path(name))))
    # Some cast every tensor, the counters too.
    write("all-bf16", {key: value.to(torch.bfloat16) for key, value in wide.state_dict().items()})
    expect("all-bf16", network, lambda model: model.load_state_dict(load_file(path("all-bf16"))))

    tied = scattered(Tied(), 2)
    save_model(tied, str(path("tied")))
    path("tied").chmod(0o644)
    expect("tied", Tied, lambda model: load_model(model, str(path("tied"))))

    plain = scattered(network(), 3)
    expect("plain", network, lambda model: model.load_state_dict(plain.state_dict()))
    init_process_group("gloo", store=HashStore(), rank=0, world_size=1)
    wrapped = {
        "ddp": DistributedDataParallel(plain),
        "compiled": torch.compile(plain),
        "ddp-compiled": DistributedDataParallel(torch.compile(plain)),
        "averaged": AveragedModel(plain),
        "lightning": Holder(plain),
        "lightning-compiled": Holder(torch.compile(plain)),
    }
    for name, model in wrapped.items():
        write(name, model.state_dict())
    destroy_process_group()

    write("other-head", scattered(network(outputs=5), 4).state_dict())
    optimizer = torch.optim.AdamW(plain.parameters())
    sum(value.sum() for value in plain.parameters()).backward()
    optimizer.step()
    write("optimizer", {f"state.{index}.{key}": value for index, state in optimizer.state_dict()["state"].items()
                        for key, value in state.items()})
    save("weights.safetensors", expected)


if __name__ == "__main__":
    main()
