#!/usr/bin/env python3
"""Writes the expected values beside this file. Needs mpmath and numpy; takes about a minute.

usage: tests/golden/temperature/make_golden.py

Independent of the C++: losses are exact integers in units of 2^-149, logarithms are mpmath's with 400
bits, and R(u) is evaluated from the mathematical specification in server/core/x_log2_x.h.
"""
import pathlib
import struct

import mpmath
import numpy as np
from mpmath import mpf

HERE = pathlib.Path(__file__).parent
mpmath.mp.prec = 400

FLT_MAX = 0x7F7FFFFF
MASK = 2**64 - 1


# --- The losses -------------------------------------------------------------------------------------


def splitmix64(seed, first, count):
    """Numbers `first` .. `first + count - 1` of the generator's sequence."""
    with np.errstate(over="ignore"):
        k = np.arange(first + 1, first + count + 1, dtype=np.uint64)
        z = np.uint64(seed) + k * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def bits_of(loss):
    return struct.unpack("<I", struct.pack("<f", loss))[0]


def units(bits):
    """A non-negative loss in units of 2^-149."""
    exponent, fraction = bits >> 23, bits & 0x7FFFFF
    return fraction if exponent == 0 else (2**23 + fraction) << (exponent - 1)


def counted_losses(seed, n, low, width, palette, zeros, spike):
    """The recipe of README.md: {bits of a loss: how many}."""
    colours = np.uint64(low) + splitmix64(seed, 0, palette) % np.uint64(width)
    colours[:zeros] = 0
    chosen = splitmix64(seed, palette, n) % np.uint64(palette)
    counts = np.bincount(chosen.astype(np.int64), minlength=palette)
    result = {}
    for colour, count in zip(colours, counts):
        result[int(colour)] = result.get(int(colour), 0) + int(count)
    if spike:
        result[int(colours[chosen[n // 2]])] -= 1
        result[spike] = result.get(spike, 0) + 1
    return {bits: count for bits, count in result.items() if count}


# --- Temperature ------------------------------------------------------------------------------------


def temperature(counted):
    n = sum(counted.values())
    unit = mpf(2) ** -149
    s1 = sum(count * units(bits) for bits, count in counted.items())
    s2 = sum(count * units(bits) ** 2 for bits, count in counted.items())
    magnitude = mpmath.sqrt(s2) * unit
    entropy = unsquared = mpf(0)
    if n >= 2 and s1 > 0:
        shares = [(mpf(units(bits)) / s1, count) for bits, count in counted.items() if bits]
        entropy = -sum(count * share * mpmath.log(share, 2) for share, count in shares)
        greatest = mpmath.log(n, 2)
        unsquared = (greatest - entropy) / greatest
        if abs(unsquared) < mpf(2) ** -300:  # Equal losses: what mpmath's rounding leaves.
            unsquared = mpf(0)
    return [
        magnitude,
        mpmath.sqrt(mpf(s2) / n) * unit,
        mpf(s1) / n * unit,
        entropy,
        unsquared**2,
        unsquared,
        magnitude * unsquared**2,
    ]


def quantiles(counted):
    """The least losses that 10 %, 50 % and 90 % of all do not exceed, by NumPy's definition."""
    losses = np.repeat(np.array(list(counted), dtype=np.uint32).view(np.float32), list(counted.values()))
    return np.quantile(losses.astype(np.float64), [0.1, 0.5, 0.9], method="inverted_cdf")


def temperature_cases():
    half = bits_of(0.7)
    ulps = lambda spread: int(spread * 0.7 / 2**-24)
    guess = dict(low=half, width=1, palette=1)
    nothing = dict(low=0, width=1, palette=1)
    yield "one_loss", dict(guess, n=1)
    yield "one_zero", dict(nothing, n=1)
    for n in (2, 10, 1000, 10**6, 10**7):
        yield f"uniform_{n}", dict(guess, n=n)
    for n in (2, 3, 1000, 10**7):
        yield f"one_hot_{n}", dict(nothing, n=n, spike=bits_of(3.0))
    yield "one_hot_smallest", dict(nothing, n=1000, spike=1)
    yield "one_hot_greatest", dict(nothing, n=1000, spike=FLT_MAX)
    yield "all_zero", dict(nothing, n=1000)
    for n in (2, 3, 10, 100, 1000, 10**5, 10**7):
        yield f"cross_entropy_{n}", dict(n=n, low=bits_of(1e-4), width=bits_of(12.0) - bits_of(1e-4),
                                         palette=1000)
        yield f"any_{n}", dict(n=n, low=0, width=FLT_MAX + 1, palette=1000)
    yield "half_zeros", dict(n=10**6, low=bits_of(1e-3), width=2**26, palette=1000, zeros=500)
    yield "nearly_all_zeros", dict(n=10**6, low=bits_of(1e-3), width=2**26, palette=1000, zeros=999)
    yield "tiny", dict(n=10**5, low=0x00800000, width=2**26, palette=1000)
    yield "denormal", dict(n=10**5, low=0, width=0x00800000, palette=1000)
    yield "smallest_denormals", dict(n=10**5, low=1, width=16, palette=16)
    yield "denormal_and_normal", dict(n=10**5, low=0, width=0x01800000, palette=1000)
    yield "huge", dict(n=10**7, low=0x7F000000, width=0x800000, palette=1000)
    yield "greatest", dict(n=10**7, low=FLT_MAX, width=1, palette=1)
    yield "one_stuck_example", dict(guess, n=10**5, spike=bits_of(20.0))
    yield "spike_over_denormals", dict(n=10**5, low=1, width=1000, palette=100, spike=FLT_MAX)
    for n in (1000, 10**6, 10**7):
        yield f"spread_thousandth_{n}", dict(n=n, low=half, width=ulps(1e-3), palette=4096)
        yield f"spread_millionth_{n}", dict(n=n, low=half, width=ulps(1e-6), palette=64)


def write_temperature():
    columns = ("seed", "n", "low", "width", "palette", "zeros", "spike")
    with open(HERE / "temperature.txt", "w", encoding="ascii") as file:
        print("# case", *columns, "magnitude root_mean_square mean entropy imbalance",
              "unsquared_imbalance temperature p10 p50 p90", file=file)
        for seed, (name, given) in enumerate(temperature_cases(), start=1):
            recipe = dict(dict(seed=seed, zeros=0, spike=0), **given)
            counted = counted_losses(**recipe)
            print(name, *(recipe[column] for column in columns),
                  *(mpmath.nstr(value, 25) for value in temperature(counted)),
                  *(repr(float(value)) for value in quantiles(counted)), file=file)


# --- The specified logarithm ------------------------------------------------------------------------


def coefficients(j):
    """value, slope, curvature, third of interval j, as server/core/x_log2_x.h specifies them."""
    h = mpf(2**12)
    c = mpf(2**23 + 2**13 * j + 2**12)
    v = c - 2**23
    log2_e = 1 / mpmath.log(2)
    g0 = c * mpmath.log(c / 2**23, 2) - (3 * 2**23 * v + v**2) / 2**24
    g1 = mpmath.log(c / 2**23, 2) + log2_e - (3 * 2**23 + 2 * v) / 2**24
    g2 = log2_e / (2 * c) - mpf(2) ** -24
    g3 = -log2_e / (6 * c**2)
    g4 = log2_e / (12 * c**3)
    g2 += g4 * h**2
    g0 -= g4 * h**4 / 8
    return (
        int(mpmath.ceil(2**31 * (g0 - g1 * h + g2 * h**2 - g3 * h**3))),
        int(mpmath.nint(2**45 * (g1 - 2 * g2 * h + 3 * g3 * h**2))),
        int(mpmath.nint(mpf(2) ** 73 * (g2 - 3 * g3 * h))),
        int(mpmath.nint(mpf(2) ** 73 * g3)),
    )


def rest(u):
    """R(u); Python's >> rounds down."""
    value, slope, curvature, third = coefficients(u >> 13)
    d = u & (2**13 - 1)
    return value + ((slope + ((curvature + third * d) * d >> 28)) * d >> 14)


def true_x(u):
    """m log2(m / 2^23) in units of 2^-31."""
    m = mpf(2**23 + u)
    return m * mpmath.log(m / 2**23, 2) * 2**31


def write_x_log2_x():
    places = [int(random) % 2**13 for random in splitmix64(1, 0, 1024)]
    places[0], places[-1] = 0, 2**13 - 1
    with open(HERE / "x_log2_x.txt", "w", encoding="ascii") as file:
        print("# u R(u) and m log2(m / 2^23) in units of 2^-31, rounded: one u an interval", file=file)
        for j, d in enumerate(places):
            u = 2**13 * j + d
            print(u, rest(u), int(mpmath.nint(true_x(u))), file=file)


def greatest_error():
    """Of X(m) / m as a logarithm, over 33 places in each interval."""
    worst = 0
    for j in range(1024):
        for d in list(range(0, 2**13, 256)) + [2**13 - 1]:
            u = 2**13 * j + d
            x = (3 * 2**23 * u + u * u) * 2**7 + rest(u)
            worst = max(worst, abs(x - true_x(u)) / (2**23 + u) / 2**31)
    return worst


# --- Serialized statistics --------------------------------------------------------------------------


def x_log2_x(bits):
    """l L(l) in units of 2^-203."""
    if bits == 0:
        return 0
    mantissa, scale = units(bits), 0
    while mantissa >= 2**24:
        mantissa, scale = mantissa >> 1, scale + 1
    while mantissa < 2**23:
        mantissa, scale = mantissa << 1, scale - 1
    # l = mantissa * 2^(scale - 149) = mantissa * 2^(e - 23)
    e = scale - 126
    u = mantissa - 2**23
    x = e * mantissa * 2**31 + (3 * 2**23 * u + u * u) * 2**7 + rest(u)
    return x << (scale + 23)


def histogram(usable_bits):
    """The bins of server/core/loss_histogram.h in the order of their index: (count, mantissas)."""
    bins = {}
    for bits in usable_bits:
        exponent, fraction = bits >> 23, bits & 0x7FFFFF
        index = 16 * exponent + fraction // 2**19
        count, mantissas = bins.get(index, (0, 0))
        bins[index] = (count + 1, mantissas + fraction + (2**23 if exponent else 0))
    return sorted(bins.items())


def serialized(all_bits):
    usable = []
    count = nan = infinite = negative = s1 = s2 = sl = 0
    for bits in all_bits:
        if bits & 0x7FFFFFFF > 0x7F800000:
            nan += 1
        elif bits & 0x7FFFFFFF == 0x7F800000:
            infinite += 1
        elif bits > 0x80000000:
            negative += 1
        else:
            bits &= 0x7FFFFFFF
            usable.append(bits)
            count += 1
            s1 += units(bits)
            s2 += units(bits) ** 2
            sl += x_log2_x(bits)
    return (struct.pack("<IQQQQ", 1, count, nan, infinite, negative) + s1.to_bytes(48, "little")
            + s2.to_bytes(80, "little") + sl.to_bytes(56, "little", signed=True)
            + struct.pack("<H", len(histogram(usable)))
            + b"".join(struct.pack("<HQQ", index, *bin) for index, bin in histogram(usable)))


def write_statistics():
    cases = {
        "empty": [],
        "one": [bits_of(1.0)],
        "two": [bits_of(0.25), bits_of(3.0)],
        "excluded": [0x7FC00001, 0xFF800001, 0x7F800000, 0xFF800000, bits_of(-2.0), 0x80000001,
                     0x80000000, bits_of(0.5)],
        "ends": [0, 1, 0x007FFFFF, 0x00800000, FLT_MAX],
        "denormals": [1, 2, 3, 0x00123456, 0x00400000],
        "any": [int(random) % (FLT_MAX + 1) for random in splitmix64(7, 0, 100)],
    }
    with open(HERE / "statistics.txt", "w", encoding="ascii") as file:
        print("# case, serialized statistics, bits of the losses", file=file)
        for name, bits in cases.items():
            print(name, serialized(bits).hex(), *(f"{b:08x}" for b in bits), file=file)


if __name__ == "__main__":
    write_temperature()
    write_x_log2_x()
    write_statistics()
    print("greatest error of the logarithm: 2^%.2f" % mpmath.log(greatest_error(), 2))
