"""The random numbers of Sources/DLTensor/Random.swift in numpy: a key for every stream, Philox4x32-10
(Salmon et al. 2011), and the mask of a dropout."""

import math

import numpy as np

BITS = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def philox(counter, key):
    """The words [n, 4] of counters [n, 4] under a key of 64 bits."""
    c = np.asarray(counter, dtype=np.uint64).T.copy()
    low = np.uint64(0xFFFFFFFF)
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        shift = np.uint64(32)
        c = np.stack([(b >> shift) ^ c[1] ^ np.uint64(k0), b & low,
                      (a >> shift) ^ c[3] ^ np.uint64(k1), a & low])
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c.T


def known_answers():
    """Random123's vectors for philox4x32-10."""
    pi = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]
    for counter, key, want in [
        ([0] * 4, 0, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, BITS, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (pi, 0xA4093822 | 0x299F31D0 << 32, [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
    ]:
        assert philox([counter], key)[0].tolist() == want


known_answers()


def words(key, index, lane):
    """The words of counters {index, lane}, two arrays of 64 bits."""
    index, lane = (np.asarray(value, dtype=np.uint64) for value in (index, lane))
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    counter = np.broadcast_arrays(index & low, index >> shift, lane & low, lane >> shift)
    return philox(np.stack(counter, -1).reshape(-1, 4), key)


def mix(z):
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014)."""
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & BITS
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & BITS
    return z ^ z >> 31


def key(seed, *path):
    """The 64 bits of the key that `path`, names and numbers, has below the root of a seed."""
    value = mix((seed + GOLDEN) & BITS)
    for child in path:
        if isinstance(child, str):
            hash = 0xCBF29CE484222325  # 64-bit FNV-1a
            for byte in child.encode():
                hash = ((hash ^ byte) * 0x100000001B3) & BITS
            hash = mix(hash)
        else:
            hash = child & BITS
        value = mix((mix(value) + GOLDEN * (hash + 1)) & BITS)
    return value


def uniforms(key, count):
    """The first uniform numbers in [0, 1) of a key's stream."""
    blocks = words(key, np.arange((count + 1) // 2), 0).reshape(-1, 2)
    bits = blocks[:, 0] | blocks[:, 1] << np.uint64(32)
    return (bits >> np.uint64(11)).astype(np.float64)[:count] * 2.0 ** -53


class Stream:
    """A key's random numbers one after the other, of either kind."""

    def __init__(self, key):
        self.key, self.bits, self.block = key, [], 0

    def next(self):
        """64 bits."""
        if not self.bits:
            a, b, c, d = (int(word) for word in words(self.key, [self.block], 0)[0])
            self.bits, self.block = [a | b << 32, c | d << 32], self.block + 1
        return self.bits.pop(0)

    def uniform(self):
        return (self.next() >> 11) * 2.0 ** -53

    def below(self, count):
        """An integer below `count`, each as likely (Lemire 2019)."""
        product = self.next() * count
        if product & BITS < count:
            while product & BITS < (1 << 64) % count:
                product = self.next() * count
        return product >> 64


def normals(key, count):
    """The first standard normal numbers of a key's stream, by Box and Muller's transform."""
    pairs = uniforms(key, count + count % 2).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log(1 - pairs[:, 0])), 2 * math.pi * pairs[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).reshape(-1)[:count]


def keeps(key, p, rows, columns, first_row=0):
    """Which elements [rows, columns] a dropout keeps, 1 or 0; row 0 here is `first_row` of the batch."""
    quads = (columns + 3) // 4
    row = first_row + np.arange(rows, dtype=np.uint64)[:, None]
    draws = words(key, np.arange(quads)[None, :], row).reshape(rows, 4 * quads)[:, :columns]
    return (draws.astype(np.float64) * 2.0 ** -32 >= p).astype(np.uint8)
