#!/usr/bin/env python3
"""Fits the polynomials of NOISE.md and prints their coefficients as binary32 hex floats.

Each fit is a weighted minimax fit (Remez exchange on a grid). The coefficients are rounded to
binary32 one after the other, lowest power first, and the rest is fitted again to what is left, so
that the later ones take up the rounding of the earlier ones. Needs mpmath; takes half a minute.
"""

import struct

from mpmath import cos, log, lu_solve, matrix, mp, mpf, nstr, pi, sin, sqrt

mp.dps = 40
GRID = 4000


def binary32(x):
    """Rounds to binary32 (through binary64: a fit does not care about a double rounding)."""
    return mpf(struct.unpack("<f", struct.pack("<f", float(x)))[0])


def hex32(x):
    mantissa, exponent = float(x).hex().split("p")
    return mantissa.rstrip("0") + "p" + exponent


def alternation(errors, wanted):
    """Grid indices of `wanted` extrema of alternating sign, the largest ones."""
    peaks = []
    for i, error in enumerate(errors):
        if error == 0:
            continue
        if peaks and (errors[peaks[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = i
        else:
            peaks.append(i)
    while len(peaks) > wanted:
        if len(peaks) == wanted + 1:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        else:
            sizes = [max(abs(errors[a]), abs(errors[b])) for a, b in zip(peaks, peaks[1:])]
            weakest = sizes.index(min(sizes))
            del peaks[weakest : weakest + 2]
    return peaks


def remez(target, weight, low, high, powers):
    """Coefficients of sum c_p x^p that minimise max |weight * (target - sum)| on [low, high]."""
    xs = [low + (high - low) * (1 - cos(pi * i / GRID)) / 2 for i in range(GRID + 1)]
    rows = [[x**p for p in powers] for x in xs]
    targets = [target(x) for x in xs]
    weights = [weight(x) for x in xs]
    unknowns = len(powers)
    reference = [int(GRID * (i + 0.5) / (unknowns + 1)) for i in range(unknowns + 1)]
    for _ in range(30):
        system = matrix(unknowns + 1, unknowns + 1)
        right = matrix(unknowns + 1, 1)
        for row, i in enumerate(reference):
            for column in range(unknowns):
                system[row, column] = rows[i][column]
            system[row, unknowns] = (-1) ** row / weights[i]
            right[row] = targets[i]
        solution = lu_solve(system, right)
        coefficients = [solution[k] for k in range(unknowns)]
        errors = [
            w * (t - sum(c * b for c, b in zip(coefficients, row)))
            for w, t, row in zip(weights, targets, rows)
        ]
        peaks = alternation(errors, unknowns + 1)
        if peaks == reference or len(peaks) < unknowns + 1:
            break
        reference = peaks
    return coefficients


def fit(name, target, weight, low, high, degree, first=None):
    rounded = [] if first is None else [binary32(first)]
    while len(rounded) <= degree:
        powers = list(range(len(rounded), degree + 1))
        rest = lambda x: target(x) - sum(c * x**p for p, c in enumerate(rounded))
        rounded.append(binary32(remez(rest, weight, low, high, powers)[0]))
    worst = max(
        abs(weight(x) * (target(x) - sum(c * x**p for p, c in enumerate(rounded))))
        for x in (low + (high - low) * mpf(i) / 5000 for i in range(5001))
    )
    print(f"{name}: largest weighted error {nstr(worst, 3)}")
    for power, coefficient in enumerate(rounded):
        print(f"  {name}{power} = {hex32(coefficient)}")


TINY = mpf("1e-30")  # keeps a weight from being zero


def log_target(n):
    """-2 ln(1 - n/2) = n + n^2 W(n)."""
    return mpf(1) / 4 + n / 12 if abs(n) < 1e-9 else (-2 * log(1 - n / 2) - n) / n**2


def log_weight(n):
    """The error of the radius: dr = dG / (2 r), where the smallest r for this n counts."""
    if abs(n) < 1e-9:
        return TINY
    smallest = -2 * log(1 - n / 2) + (0 if n > 0 else 2 * log(2))
    return n**2 / (2 * sqrt(smallest)) + TINY


def sine_target(s):
    """sin(pi/2 t) = t S(t^2)."""
    return pi / 2 if s < 1e-20 else sin(pi / 2 * sqrt(s)) / sqrt(s)


def cosine_target(s):
    """cos(pi/2 t) = 1 + t^2 C(t^2)."""
    return -(pi**2) / 8 if s < 1e-20 else (cos(pi / 2 * sqrt(s)) - 1) / s


def main():
    high = mpf(float.fromhex("-0x1.62e4p+0"))  # -2 ln 2 to 15 bits: times |k| <= 32 it is exact
    print(f"K_HI = {hex32(high)}\n  K_LO = {hex32(binary32(-2 * log(2) - high))}")
    fit("W", log_target, log_weight, mpf(-2) / 3, mpf(2) / 3, degree=6)
    quarter = mpf(1) / 4
    fit("S", sine_target, lambda s: sqrt(s) + TINY, mpf(0), quarter, degree=3, first=pi / 2)
    fit("C", cosine_target, lambda s: s + TINY, mpf(0), quarter, degree=3)


if __name__ == "__main__":
    main()
