#!/usr/bin/python3
"""The trainer's random numbers in plain Python: seeds of streams, permutations, initial values.

Usage: random_oracle.py OUTPUT.json           made random_golden.json

Sources: SplitMix64 (Steele, Lea, Flood 2014), MT19937-64 (Matsumoto, Nishimura 2004).
"""

import json
import math
import struct
import sys

MASK = (1 << 64) - 1


def mix(state):
    state = (state + 0x9E3779B97F4A7C15) & MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)


def stream_seed(seed, stream, index):
    return mix(mix(mix(seed) ^ stream) ^ index)


class MersenneTwister64:
    def __init__(self, seed):
        self.state = [seed]
        for i in range(1, 312):
            last = self.state[-1]
            self.state.append((6364136223846793005 * (last ^ (last >> 62)) + i) & MASK)
        self.index = 312

    def next(self):
        if self.index == 312:
            for i in range(312):
                x = (self.state[i] & 0xFFFFFFFF80000000) | (self.state[(i + 1) % 312] & 0x7FFFFFFF)
                self.state[i] = self.state[(i + 156) % 312] ^ (x >> 1) ^ (0xB5026F5AA96619E9 * (x & 1))
            self.index = 0
        x = self.state[self.index]
        self.index += 1
        x ^= (x >> 29) & 0x5555555555555555
        x ^= (x << 17) & 0x71D67FFFEDA60000
        x ^= (x << 37) & 0xFFF7EEE000000000
        return x ^ (x >> 43)

    def unit(self):
        return (self.next() >> 11) * 2.0**-53

    def below(self, bound):
        usable = MASK // bound * bound
        while True:
            draw = self.next()
            if draw < usable:
                return draw % bound


def permutation(size, seed):
    generator = MersenneTwister64(seed)
    order = list(range(size))
    for remaining in range(size, 1, -1):
        other = generator.below(remaining)
        order[remaining - 1], order[other] = order[other], order[remaining - 1]
    return order


def binary32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def uniform_values(seed, tensor, count, bound):
    generator = MersenneTwister64(stream_seed(seed, 1, tensor))
    return [binary32(bound * (2.0 * generator.unit() - 1.0)) for _ in range(count)]


def normal_values(seed, tensor, count, stddev):
    generator = MersenneTwister64(stream_seed(seed, 1, tensor))
    values = []
    for _ in range(count):
        radius = math.sqrt(-2.0 * math.log(1.0 - generator.unit()))
        values.append(binary32(stddev * (radius * math.cos(2.0 * math.pi * generator.unit()))))
    return values


# The network of the initial values: 3 inputs, 4 hidden units, 2 outputs.
golden = {
    "stream_seeds": [[s, k, i, stream_seed(s, k, i)] for s in (0, 1, MASK) for k in (1, 2) for i in (0, 7)],
    "permutation_of_10_seed_42": permutation(10, 42),
    "torch_seed_5": [
        uniform_values(5, 0, 12, 1 / math.sqrt(3)),
        uniform_values(5, 1, 4, 1 / math.sqrt(3)),
        uniform_values(5, 2, 8, 1 / math.sqrt(4)),
        uniform_values(5, 3, 2, 1 / math.sqrt(4)),
    ],
    "he_seed_5": [
        normal_values(5, 0, 12, math.sqrt(2 / 3)),
        [0.0] * 4,
        normal_values(5, 2, 8, math.sqrt(2 / 4)),
        [0.0] * 2,
    ],
}
with open(sys.argv[1], "w") as file:
    json.dump(golden, file)
    file.write("\n")
