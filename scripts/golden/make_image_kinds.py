#!/usr/bin/env python3
"""Writes Tests/DLFormatsTests/Golden/kinds.safetensors: PNG of every kind with every chunk that says how to show
a picture, JPEG in CMYK and YCCK, each as a file, and the pixels that Pillow reads.

    pip install numpy safetensors pillow       (and libturbojpeg, for YCCK)
    python3 scripts/golden/make_image_kinds.py
"""

import ctypes
import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms
from safetensors.numpy import save_file

FILE = pathlib.Path(__file__).resolve().parents[2] / "Tests/DLFormatsTests/Golden/kinds.safetensors"
HEIGHT, WIDTH = 5, 9
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def rows(samples, depth):
    """The scan lines of [height, width, channels], each behind the number of its filter, 0."""
    lines = b""
    for row in samples:
        if depth == 16:
            line = row.astype(">u2").tobytes()
        else:
            bits = np.unpackbits(row.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
            line = np.packbits(bits.reshape(-1)).tobytes()
        lines += b"\0" + line
    return lines


def png(samples, depth, kind, chunks=b"", interlaced=False):
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    passes = [samples]
    if interlaced:  # Adam7
        grid = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        passes = [samples[y::dy, x::dx] for y, x, dy, dx in grid]
    data = b"".join(rows(part, depth) for part in passes if part.size)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", zlib.compress(data))
            + chunk(b"IEND", b""))


def samples(depth, kind, rng, colors=None):
    top = colors or 2**depth
    return rng.integers(0, top, (HEIGHT, WIDTH, CHANNELS[kind]))


def transparency(kind, depth):
    if kind == PALETTE:
        return chunk(b"tRNS", bytes([0, 128]))
    return chunk(b"tRNS", struct.pack(">H", 1) * CHANNELS[kind])


def png_files():
    rng = np.random.default_rng(1)
    profile = zlib.compress(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    hints = {
        "plain": b"",
        "gamma-1": chunk(b"gAMA", struct.pack(">I", 100000)),
        "gamma-mac": chunk(b"gAMA", struct.pack(">I", 55556)),
        "sRGB": chunk(b"sRGB", b"\0") + chunk(b"gAMA", struct.pack(">I", 45455)),
        "iCCP": chunk(b"iCCP", b"profile\0\0" + profile),
        "bad-iCCP": chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"no profile at all")),
        "cHRM": chunk(b"gAMA", struct.pack(">I", 30000))
        + chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        "text": chunk(b"tEXt", b"Comment\0made by hand") + chunk(b"pHYs", struct.pack(">IIB", 2835, 5670, 1)),
    }
    kinds = [(GRAY, 1), (GRAY, 2), (GRAY, 4), (GRAY, 8), (GRAY, 16), (RGB, 8), (RGB, 16), (PALETTE, 1), (PALETTE, 2),
             (PALETTE, 4), (PALETTE, 8), (GRAY_ALPHA, 8), (GRAY_ALPHA, 16), (RGBA, 8), (RGBA, 16)]
    names = {GRAY: "gray", RGB: "rgb", PALETTE: "palette", GRAY_ALPHA: "gray-alpha", RGBA: "rgba"}
    for kind, depth in kinds:
        colors = min(2**depth, 50)
        palette = chunk(b"PLTE", rng.integers(0, 256, 3 * colors).astype(np.uint8).tobytes()) if kind == PALETTE else b""
        values = samples(depth, kind, rng, colors if kind == PALETTE else None)
        for name, hint in hints.items():
            yield f"{names[kind]}-{depth}-{name}.png", png(values, depth, kind, hint + palette), values
        yield f"{names[kind]}-{depth}-interlaced.png", png(values, depth, kind, palette, interlaced=True), values
        if kind in (GRAY, RGB, PALETTE):
            yield f"{names[kind]}-{depth}-tRNS.png", png(values, depth, kind, palette + transparency(kind, depth)), values
        if kind in (RGB, RGBA) and depth == 8:
            significant = chunk(b"sBIT", bytes([5] * CHANNELS[kind])) + chunk(b"bKGD", struct.pack(">HHH", 9, 9, 9))
            yield f"{names[kind]}-{depth}-sBIT.png", png(values, depth, kind, significant), values


def waves(height, width, channels):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    return np.clip(127 + 90 * np.sin(0.3 * x + c) * np.cos(0.2 * y - c) + 30 * np.sin(x * y * 0.1), 0, 255).astype(np.uint8)


def ycck(inks, subsampling):
    """A JPEG of four inks in YCCK, as Photoshop writes it, by libjpeg-turbo."""
    turbo = ctypes.CDLL("libturbojpeg.so.0")
    turbo.tjInitCompress.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(turbo.tjInitCompress())
    height, width = inks.shape[:2]
    data, size = ctypes.POINTER(ctypes.c_ubyte)(), ctypes.c_ulong(0)
    cmyk = 11
    status = turbo.tjCompress2(handle, inks.ctypes.data_as(ctypes.c_void_p), width, 0, height, cmyk,
                               ctypes.byref(data), ctypes.byref(size), subsampling, 92, 0)
    assert status == 0
    return ctypes.string_at(data, size.value)


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def without(data, marker):
    """The JPEG without its segments of that marker."""
    result, place = data[:2], 2
    while data[place + 1] != 0xDA:
        length = 2 + struct.unpack(">H", data[place + 2 : place + 4])[0]
        if data[place + 1] != marker:
            result += data[place : place + length]
        place += length
    return result + data[place:]


def jpeg_files():
    inks = waves(19, 23, 4)
    cmyk = Image.fromarray(inks, "CMYK")
    yield "cmyk.jpg", saved(cmyk, quality=90)
    yield "cmyk-progressive.jpg", saved(cmyk, quality=75, progressive=True)
    yield "cmyk-no-adobe.jpg", without(saved(cmyk, quality=90), 0xEE)
    yield "ycck-444.jpg", ycck(inks, 0)
    yield "ycck-420.jpg", ycck(inks, 2)
    color = Image.fromarray(waves(19, 23, 3))
    turned = Image.Exif()
    turned[0x0112] = 6
    yield "exif-turned.jpg", saved(color, quality=90, exif=turned.tobytes())
    yield "profile.jpg", saved(color, quality=90, icc_profile=ImageCms.ImageCmsProfile(
        ImageCms.createProfile("XYZ")).tobytes())
    yield "rgb.jpg", saved(color, quality=90, keep_rgb=True)
    # An unknown transform in Adobe's segment, bytes between segments: libjpeg warns and reads on.
    plain = saved(color, quality=90)
    yield "odd-adobe.jpg", plain[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x07" + plain[2:]
    yield "odd-jfif.jpg", plain.replace(b"JFIF\0\x01", b"JFIF\0\x05", 1)
    quantization = plain.index(b"\xff\xdb")
    yield "odd-gap.jpg", plain[:quantization] + b"\0\0\0" + plain[quantization:]


def pillow(name, data, values=None):
    image = Image.open(io.BytesIO(data))
    if image.mode.startswith("I"):
        # Of 16-bit gray Pillow makes 255 of all above 255; of 16-bit colour it takes the high byte.
        return (values >> 8).astype(np.uint8)
    gray = image.mode in ("1", "L", "LA") or name.startswith("gray-alpha")
    array = np.asarray(image.convert("L" if gray else "RGB"))
    return array[..., None] if gray else array


def main():
    tensors = {}
    for name, data, *values in [*png_files(), *((name, data) for name, data in jpeg_files())]:
        tensors[f"file/{name}"] = np.frombuffer(data, np.uint8)
        tensors[f"pixels/{name}"] = np.ascontiguousarray(pillow(name, data, *values))
    save_file(tensors, FILE)
    FILE.chmod(0o644)


if __name__ == "__main__":
    main()
