#!/usr/bin/env python3
"""Writes to Tests/DLFormatsTests/Golden: files.safetensors, the first bytes of files of other kinds and gzip streams
as programs leave them, and images/hidden.tar.gz, an archive with hidden files and folders.

    pip install numpy safetensors pillow h5py zstandard onnx pyarrow
    python3 scripts/golden/make_file_kinds.py
"""

import bz2
import gzip
import io
import lzma
import pathlib
import pickle
import subprocess
import tarfile
import tempfile
import zipfile

import h5py
import numpy as np
import onnx
import pyarrow
import pyarrow.parquet
import zstandard
from PIL import Image
from safetensors.numpy import save, save_file

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/DLFormatsTests/Golden"
# An IDX file of 192 bytes.
CONTENT = bytes([0, 0, 8, 1, 0, 0, 0, 192]) + bytes(range(192))


def buffered(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def zipped(members):
    def write(buffer):
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name), data)
    return buffered(write)


def packed(command, data=CONTENT):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def tarred(name, data):
    def write(buffer):
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffered(write)


def hdf5():
    with tempfile.NamedTemporaryFile(suffix=".h5") as file:
        with h5py.File(file.name, "w") as content:
            content["x"] = np.arange(3)
        return pathlib.Path(file.name).read_bytes()


def model():
    identity = onnx.helper.make_node("Identity", ["x"], ["y"])
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    graph = onnx.helper.make_graph([identity], "graph", value[:1], value[1:])
    return onnx.helper.make_model(graph, producer_name="pytorch").SerializeToString()


def kinds():
    array = np.arange(6.0).reshape(2, 3)
    image = Image.fromarray(np.zeros((4, 4, 3), np.uint8))
    table = pyarrow.table({"x": [1, 2, 3]})
    return {
        "a NumPy array (.npy)": buffered(lambda file: np.save(file, array)),
        "NumPy arrays (.npz)": buffered(lambda file: np.savez(file, x=array)),
        "a PyTorch file (.pt)": zipped({"model/data.pkl": pickle.dumps({"a": 1}), "model/version": b"3\n"}),
        "a PyTorch file (.pt)|old": pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + pickle.dumps(1001, protocol=2),
        "a Python pickle": pickle.dumps({"x": [1, 2, 3]}),
        "a ZIP archive": zipped({"train/1.txt": b"text"}),
        "an empty ZIP archive": zipped({}),
        "packed by gzip": packed(["gzip", "-n"]),
        "packed by bzip2": bz2.compress(CONTENT),
        "packed by xz": lzma.compress(CONTENT),
        "packed by zstd": zstandard.compress(CONTENT),
        "a tar archive": tarred("a.txt", b"text"),
        "an HDF5 file (.h5)": hdf5(),
        "a Parquet table": buffered(lambda file: pyarrow.parquet.write_table(table, file)),
        "an ONNX model": model(),
        "a PNG image": buffered(lambda file: image.save(file, "PNG")),
        "a JPEG image": buffered(lambda file: image.save(file, "JPEG")),
        "a GIF image": buffered(lambda file: image.save(file, "GIF")),
        "a BMP image": buffered(lambda file: image.save(file, "BMP")),
        "a TIFF image": buffered(lambda file: image.save(file, "TIFF")),
        "a WebP image": buffered(lambda file: image.save(file, "WEBP")),
        "an IDX file": (FOLDER / "words.idx").read_bytes(),
        "a safetensors file": save({"x": array}),
        "UTF-16 text": "name,größe\n1,2\n".encode("utf-16"),
        "UTF-32 text": "name,größe\n1,2\n".encode("utf-32"),
        "text, perhaps CSV": "label,größe\n".encode("utf-8-sig") + b"0,1.5\n" * 99,
        "text, perhaps TSV": b"label\tsize\n0\t1\n",
        "text": "größer\n".encode() * 99,
        "a web page": b"<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n",
        "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    }


def streams():
    one, two = packed(["gzip", "-n"], CONTENT[:70]), packed(["gzip", "-n"], CONTENT[70:])
    zeros = bytes(70000)
    cases = {
        "plain": one + two, "padded": one + two + zeros, "between": one + zeros[:300] + two + zeros[:1],
        "garbage": one + two + b"garbage", "late-garbage": one + two + zeros + b"x",
        "cut": one + two[:-3],
    }
    for name, data in cases.items():
        yield f"gzip/{name}", np.frombuffer(data, np.uint8)
        try:
            assert gzip.decompress(data) == CONTENT
        except (gzip.BadGzipFile, EOFError):
            yield f"refused/{name}", np.zeros(1, np.uint8)


def hidden():
    def write(buffer):
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name in ["./set/.ipynb_checkpoints/1.png", "./set/dog/1.png", "./set/cat/._1.png", "./set/cat/1.png",
                         "./.cache/cat/2.png", "./set/cat/.trash/9.png", "./set/cat/.DS_Store"]:
                info = archive.gettarinfo(FOLDER / "images/color.png", name)
                info.mtime = info.uid = info.gid = 0
                info.uname = info.gname = ""
                with open(FOLDER / "images/color.png", "rb") as file:
                    archive.addfile(info, file)
    return gzip.compress(buffered(write), mtime=0)


def main():
    tensors = {f"kind/{name}": np.frombuffer(data[:512], np.uint8) for name, data in kinds().items()}
    tensors["content"] = np.frombuffer(CONTENT, np.uint8)
    tensors.update(streams())
    one = np.array([1.0], np.float32)
    twins = {"\u00e9": one, "e\u0301": 2 * one, "K": 3 * one, "\u212a": 4 * one}
    tensors["twins"] = np.frombuffer(save(twins, {"\u212a": "kelvin", "K": "letter"}), np.uint8)
    save_file(tensors, FOLDER / "files.safetensors")
    (FOLDER / "files.safetensors").chmod(0o644)
    (FOLDER / "images/hidden.tar.gz").write_bytes(hidden())


if __name__ == "__main__":
    main()
