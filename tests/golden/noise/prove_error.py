#!/usr/bin/env python3
"""Proves that z is within 1e-6 of the true Box-Muller number for all 2^64 pairs of words.

The radius depends on the word a alone and the direction on b alone, so each is compared exhaustively
with its true value: every binary32 number that a word can round to, 84 million radii and 58 million
directions (the other sign and the quadrants are exact mirror images). With r = R + dr and x = X + dx

    |RN(r x) - R X|  <=  |dr| X + r |dx| + half a unit in the last place of r x,

which is bounded over all pairs of a bin of R and a bin of X. The true values come from binary64,
whose own error, 1e-15, is far below what matters. Needs NumPy; takes a quarter of a minute.
"""

import random
import sys
from fractions import Fraction

import numpy as np

import contract
from exact_binary32 import rounded

BINS = 128  # per unit of R and of X
HALF_TURN = np.pi / 2


def constant(name):
    return np.uint32(contract.CONSTANT[name]).view(np.float32)


K_HI, K_LO = constant("K_HI"), constant("K_LO")
W, S, C = ([constant(name) for name in names] for names in (contract.W, contract.S, contract.C))


def horner(coefficients, x):
    total = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def radii(f):
    e = f.view(np.int32) - np.int32(0x4F2AAAAB)
    k = (e >> 23).astype(np.float32)
    n = np.float32(2) - ((e & np.int32(0x7FFFFF)) + np.int32(0x3FAAAAAB)).view(np.float32)
    p = n + n * n * horner(W, n)
    return np.sqrt(k * K_HI + (k * K_LO + p))


def directions(whole):
    t = whole * np.float32(2**-32)
    s = t * t
    return np.float32(1) + horner(C, s) * s, horner(S, s) * t


def rounded_words(step, last):
    """Every binary32 number that a multiple of step in [step, last] rounds to, in pieces."""
    bits = step.bit_length() + 23
    yield np.arange(step, 1 << bits, step, dtype=np.int64).astype(np.float32)
    while (1 << bits) < last:
        spacing = 1 << (bits - 23)
        yield np.arange(1 << bits, 2 << bits, spacing, dtype=np.int64).astype(np.float32)
        bits += 1
    yield np.array([last], dtype=np.float32)


def pieces(arrays, size=1 << 20):
    for array in arrays:
        for start in range(0, len(array), size):
            yield array[start : start + size]


def keep_worst(worst, truth, error):
    """worst[b] = the largest error among the numbers of bin b."""
    bins = (truth * BINS).astype(np.int64)
    order = np.argsort(bins, kind="stable")
    used, starts = np.unique(bins[order], return_index=True)
    worst[used] = np.maximum(worst[used], np.maximum.reduceat(error[order], starts))


def half_unit(x):
    return 2.0 ** (np.floor(np.log2(x)) - 24)


def check_against_exact_oracle():
    """What is proved here must be the contract: NumPy's bits are those of the exact rationals."""
    words = random.Random(1)
    for _ in range(200):
        word = words.getrandbits(32) >> words.randrange(32)
        f = np.array([rounded(Fraction(max(word, 1)))], dtype=np.uint32).view(np.float32)
        assert radii(f).view(np.uint32)[0] == contract.radius(word), word
        whole = np.array([rounded(Fraction(word & ~3))], dtype=np.uint32).view(np.float32)
        if whole[0] <= 2**31:
            x, y = (part.view(np.uint32)[0] for part in directions(whole))
            assert (x, y) == contract.direction(word >> 2), word


def main():
    check_against_exact_oracle()
    worst_radius, worst_direction = np.zeros(7 * BINS), np.zeros(BINS + 1)
    compared = 0
    for f in pieces(rounded_words(1, 2**32)):
        truth = np.sqrt(-2 * np.log(f.astype(np.float64) * 2.0**-32))
        keep_worst(worst_radius, truth, np.abs(radii(f) - truth))
        compared += len(f)
    print(f"{compared} radii, largest error {worst_radius.max():.3g}")
    compared = 0
    for whole in pieces(rounded_words(4, 2**31)):
        angle = whole.astype(np.float64) * 2.0**-32 * HALF_TURN
        for found, truth in zip(directions(whole), (np.cos(angle), np.sin(angle))):
            keep_worst(worst_direction, truth, np.abs(found - truth))
        compared += len(whole)
    print(f"{compared} directions, largest error {worst_direction.max():.3g}")

    radius_end = (np.arange(len(worst_radius))[:, None] + 1) / BINS + 1e-6
    direction_end = (np.arange(len(worst_direction))[None, :] + 1) / BINS + 1e-6
    bound = (worst_radius[:, None] * direction_end + radius_end * worst_direction[None, :] +
             half_unit(radius_end * direction_end))
    bound[worst_radius == 0] = 0
    print(f"|z - true z| <= {bound.max():.3g} for all words")
    return 0 if bound.max() < 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main())
