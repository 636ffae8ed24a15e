#!/usr/bin/env python3
"""Writes tables and sounds by other programs, with what these say that they hold.

Tests/DLFormatsTests/Golden: a table by Python's csv, sounds by its wave and by SciPy.
Tests/DLDataTests/Golden/mel.json: log-mel rows of a sound by NumPy's FFT, as torchaudio defines them.

    pip install numpy scipy
    python3 scripts/golden/make_tables.py
"""

import csv
import json
import pathlib
import struct
import wave

import numpy as np
from scipy.io import wavfile

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests"
FORMATS = ROOT / "DLFormatsTests/Golden"

ROWS = [
    ["id", "a, b", 'say "x"', "über"],
    ["1", "two\nlines", "", "3.5"],
    ["2", '"', "x,y", "-1e3"],
    ["3", "plain", '""', "0"],
]


def tables():
    for name, options in [("cells.csv", {}), ("quoted.csv", {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"})]:
        with open(FORMATS / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, **options).writerows(ROWS)
    (FORMATS / "cells.json").write_text(json.dumps({"rows": ROWS}, ensure_ascii=False) + "\n")


def tone(count, rate, seed):
    random = np.random.RandomState(seed)
    time = np.arange(count) / rate
    return 0.5 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(2 * np.pi * 1234 * time) + 0.01 * random.randn(count)


def integers(name, width, samples):
    """Samples [count, channels] of -1 to 1 as PCM by the module wave; what is read back is the sound."""
    top = 2 ** (8 * width - 1)
    values = np.clip(np.round(samples * top), -top, top - 1).astype(np.int64)
    if width == 1:
        data = (values + 128).astype(np.uint8).tobytes()
    else:
        data = b"".join(struct.pack("<q", value)[:width] for value in values.ravel())
    with wave.open(str(FORMATS / name), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(8000)
        file.writeframes(data)
    return (values / top).mean(axis=1)


def sounds():
    stereo = np.stack([tone(24, 8000, 1), tone(24, 8000, 2)], axis=1)
    held = {}
    for width in [1, 2, 3, 4]:
        held[f"pcm{8 * width}.wav"] = integers(f"pcm{8 * width}.wav", width, stereo).tolist()
    for name, kind in [("float32.wav", np.float32), ("float64.wav", np.float64)]:
        samples = stereo[:, 0].astype(kind)
        wavfile.write(FORMATS / name, 8000, samples)
        held[name] = samples.astype(np.float64).tolist()
    (FORMATS / "sounds.json").write_text(json.dumps(held) + "\n")


def mel_filters(rate, transform, bands, low, high):
    """torchaudio.functional.melscale_fbanks with norm=None and mel_scale="htk"."""
    frequencies = np.linspace(0, rate // 2, transform // 2 + 1)
    to_mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)
    points = 700 * (10 ** (np.linspace(to_mel(low), to_mel(high), bands + 2) / 2595) - 1)
    widths = np.diff(points)
    slopes = points[None, :] - frequencies[:, None]
    return np.maximum(0, np.minimum(-slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]))


def log_mel(sound, rate, window, hop, transform, bands, low, high):
    """log(torchaudio.transforms.MelSpectrogram(...)(sound) + 1e-6), by NumPy."""
    padded = np.pad(sound, transform // 2, mode="reflect")
    shape = np.zeros(transform)
    left = (transform - window) // 2
    shape[left:left + window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    frames = np.stack([padded[first:first + transform] for first in range(0, len(sound) + 1, hop)
                       if first + transform <= len(padded)])
    power = np.abs(np.fft.rfft(frames * shape)) ** 2
    return np.log(power @ mel_filters(rate, transform, bands, low, high) + 1e-6)


def deltas(rows):
    """torchaudio.functional.compute_deltas with its window of 5."""
    padded = np.pad(rows, ((2, 2), (0, 0)), mode="edge")
    count = len(rows)
    return sum(n * (padded[2 + n:2 + n + count] - padded[2 - n:2 - n + count]) for n in (1, 2)) / 10


def mels():
    cases = []
    for count, rate, window, hop, transform, bands, low, high in [
        (1000, 8000, 200, 80, 256, 20, 0, 4000), (700, 11025, 276, 110, 276, 12, 60, 5000),
        # Shorter than the reflection at its ends.
        (60, 8000, 200, 80, 256, 8, 0, 4000),
    ]:
        sound = np.round(tone(count, rate, count) * 2**15) / 2**15
        rows = log_mel(sound, rate, window, hop, transform, bands, low, high)
        cases.append({
            "rate": rate, "window": window, "hop": hop, "fft": transform, "mels": bands, "fmin": low, "fmax": high,
            "sound": (sound * 2**15).astype(int).tolist(), "rows": rows.ravel().tolist(),
            "deltas": deltas(rows).ravel().tolist(), "second": deltas(deltas(rows)).ravel().tolist(),
        })
    (ROOT / "DLDataTests/Golden/mel.json").write_text(json.dumps({"cases": cases}) + "\n")


if __name__ == "__main__":
    tables()
    sounds()
    mels()
