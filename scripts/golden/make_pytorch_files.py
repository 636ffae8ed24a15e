"""Files that torch.save writes, and some that somebody means harm with, for the reader of PyTorch files.

`pytorch-NAME.pt` are the files. `pytorch.safetensors` holds what torch.load makes of them: NAME/TENSOR. Those of
`refused` are no state_dict, or one that only a program can read.
"""

import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from golden import FOLDER, Random, save


def path(name):
    return FOLDER / f"pytorch-{name}.pt"


def drawn(name, *shape):
    return torch.from_numpy(Random("pytorch-" + name).normal(*shape))


def network():
    """The network of make_weights.py, with numbers of its own."""
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3))
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            value.copy_(drawn(key, *value.shape))
        else:
            value.fill_(7)
    return model


def views():
    """Tensors that do not lie in their storages as they are, or share one."""
    base = drawn("base", 6, 8)
    flat = drawn("flat", 60)
    return {
        "transposed": base.t(), "columns": base[:, 1:7:2], "row": base[3], "reversed_axes": drawn("cube", 2, 3, 4).permute(2, 1, 0),
        "first": flat[:20].view(4, 5), "second": flat[20:].view(5, 8).t(), "expanded": flat[:3].expand(4, 3),
        "expanded_column": flat[:3].view(3, 1).expand(3, 4), "scalar": flat[7], "empty": flat[:0].view(0, 3),
        "channels_last": drawn("image", 2, 3, 4, 5).to(memory_format=torch.channels_last),
        "windows": flat.as_strided((5, 6), (3, 2), 4),
    }


def types():
    return {str(dtype).split(".")[1]: (drawn("types", 3, 5) * 50).to(dtype) for dtype in [
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
        torch.uint8, torch.bool, torch.complex64]}


def packed(source, method, **replaced):
    """The archive as another program packs it again: the members in another order, maybe deflated."""
    target = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", method) as new:
        for member in reversed(old.infolist()):
            content = replaced.get(member.filename.split("/")[-1], old.read(member))
            new.writestr(zipfile.ZipInfo(member.filename), content, method)
    return target.getvalue()


def archived(data):
    """An archive as torch.save writes it around any pickle."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in [("data.pkl", data), ("byteorder", b"little"), ("version", b"3\n"), ("data/0", bytes(16))]:
            archive.writestr(zipfile.ZipInfo("model/" + name), content)
    return target.getvalue()


def overlapping(copies):
    """An archive whose directory names the bytes of one member many times."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("model/data.pkl"), b"\x80\x02}.")
        archive.writestr(zipfile.ZipInfo("model/data/0"), bytes(100000), zipfile.ZIP_DEFLATED)
    data = target.getvalue()
    start = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", start + 4)
    end = data.index(b"PK\5\6")
    entries = [data[start:second]] + [
        data[second:end].replace(b"data/0", b"data/" + bytes([48 + copy])) for copy in range(copies)]
    directory = b"".join(entries)
    count = len(entries)
    return data[:start] + directory + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), start, 0)


def lying(data, size):
    """The same archive, whose directory says of its first member that it unpacks to so many bytes."""
    start = data.index(b"PK\1\2")
    return data[:start + 24] + struct.pack("<I", size) + data[start + 28:]


class Command:
    """What a pickle of it does when Python loads it."""

    def __reduce__(self):
        return os.system, ("touch harmed",)


def main():
    torch.manual_seed(1)
    model = network()
    state = model.state_dict()
    optimizer = torch.optim.AdamW(model.parameters())
    sum(value.sum() for value in model.parameters()).backward()
    optimizer.step()
    states = {
        "plain": state,
        "protocol4": state,
        "wrapped": {"epoch": 3, "best": 0.25, "done": True, "name": "größer", "losses": [1, 2.5], "big": 1 << 70,
                    "optimizer": optimizer.state_dict(), "state_dict": OrderedDict(("module." + key, value) for key, value in state.items())},
        "model-key": {"rng": torch.get_rng_state(), "model": {key: nn.Parameter(value, requires_grad=value.is_floating_point()) if value.is_floating_point() else value for key, value in state.items()}},
        "views": views(),
        "types": types(),
    }
    expected = {}
    for name, value in states.items():
        torch.save(value, path(name), pickle_protocol=4 if name == "protocol4" else 2)
    states["deflated"] = state
    path("deflated").write_bytes(packed(path("plain"), zipfile.ZIP_DEFLATED))
    torch.serialization.set_crc32_options(False)
    torch.save(state, path("no-checksums"))
    torch.serialization.set_crc32_options(True)
    states["no-checksums"] = state
    for name in states:
        loaded = torch.load(path(name), weights_only=False)
        loaded = loaded.get("state_dict", loaded.get("model", loaded))
        for key, value in loaded.items():
            value = value.detach().contiguous()
            # What numpy has no type for, as the bits.
            if value.dtype in (torch.bfloat16, torch.float16, torch.int16):
                value = value.view(torch.uint8)
            elif value.dtype in (torch.int8, torch.bool):
                value = value.view(torch.uint8)
            elif value.dtype == torch.complex64:
                value = torch.view_as_real(value)
            expected[f"{name}/{key}"] = value.numpy()
    save("pytorch.safetensors", expected)

    torch.save(state, path("refused-legacy"), _use_new_zipfile_serialization=False)
    torch.save(model, path("refused-model"))
    torch.save(list(state.values()), path("refused-list"))
    torch.save({"epoch": 3, "net": {"a": 1}}, path("refused-keys"))
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), str(path("refused-script")))
    path("refused-system").write_bytes(archived(pickle.dumps({"weight": Command()}, 2)))
    path("refused-eval").write_bytes(archived(b"\x80\x02c__builtin__\neval\nX\x04\x00\x00\x001+1q\x85R."))
    path("refused-state").write_bytes(archived(pickle.dumps({"a": np.float32(1)}, 2)))
    # Calls of what stands beside the names that are allowed.
    path("refused-loader").write_bytes(archived(b"\x80\x02ctorch.storage\n_load_from_bytes\nC\x01a\x85R."))
    path("refused-big-endian").write_bytes(packed(path("plain"), zipfile.ZIP_STORED, byteorder=b"big"))

    path("refused-overlap").write_bytes(overlapping(8))
    path("refused-lie").write_bytes(lying(packed(path("plain"), zipfile.ZIP_DEFLATED), 1 << 31))
    large = io.BytesIO()
    with zipfile.ZipFile(large, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(zipfile.ZipInfo("model/data.pkl"), bytes((1 << 24) + 1), zipfile.ZIP_DEFLATED)
    path("refused-bomb").write_bytes(large.getvalue())
    depth = 100000
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("model/data.pkl"), b"\x80\x02" + b"}" * depth + b"K\x01" + b"K\x01s" * depth + b".",
                         zipfile.ZIP_DEFLATED)
    path("refused-depth").write_bytes(nested.getvalue())

    # A model in two files, as Hugging Face's libraries store it.
    keys = list(state)
    for number, part in enumerate([keys[:4], keys[4:]], 1):
        save_file({key: state[key] for key in part}, FOLDER / f"pytorch-{number:05}-of-00002.safetensors")
        (FOLDER / f"pytorch-{number:05}-of-00002.safetensors").chmod(0o644)
    (FOLDER / "pytorch.safetensors.index.json").write_text(json.dumps({
        "metadata": {"total_size": sum(value.nbytes for value in state.values())},
        "weight_map": {key: f"pytorch-{1 if key in keys[:4] else 2:05}-of-00002.safetensors" for key in keys}}, indent=1) + "\n")


if __name__ == "__main__":
    main()
