#!/usr/bin/env python3
"""Writes the golden vectors of the noise contract beside itself; with --check, compares instead.

--check exits with 1 where a file differs from what the oracles say, and with 77 without mpmath.
"""

import functools
import pathlib
import random
import re
import sys
from fractions import Fraction

try:
    import meaning
except ModuleNotFoundError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)
import contract
from exact_binary32 import is_finite, multiply, rounded

# For each constant a word for which box_muller(word, word) changes when the last place of the constant is
# one more, and one for when it is one less; found by search. (K_LO with one less changes no word at all.)
TELLTALE = {
    "K_HI": (0x15ED1A93, 0x2DEFD3F5), "K_LO": (0x007FE894,),
    "W0": (0xA85BE531, 0x9F08C9E2), "W1": (0x57BC48F3, 0xA809645A),
    "W2": (0x5DABFF8E, 0xA8BC7025), "W3": (0xB5F8D789, 0xB20878D1),
    "W4": (0xB5F8D789, 0xB3659CED), "W5": (0xB5F8D789, 0xA170139A),
    "W6": (0xA170139A, 0xA8CF539A),
    "S0": (0xCFBEC2F8, 0xCFBEC2F8), "S1": (0x1D199C08, 0xE4472D3D),
    "S2": (0x62740C9A, 0x1F1DD83C), "S3": (0x5C1F1D2E, 0xE07377FD),
    "C0": (0x2DEFD3F5, 0x6EE1683B), "C1": (0xE8D203ED, 0xA4BA9C5A),
    "C2": (0x612634FA, 0x9C96717B), "C3": (0x23CF28C1, 0x675328D2),
}

HERE = pathlib.Path(__file__).parent
LAST = 2**64 - 1


def binary32(number):
    return rounded(Fraction(number))


def hex32(bits):
    return f"0x{bits:08x}"


def hex64(word):
    return f"0x{word:016x}"


def word_pairs():
    """Extremes and borders of both words, each against each, telltale words, then random pairs."""
    # 0xaaaaaaab/2^32 is just above 2/3, where k changes; from 2^32 - 128 on, u is 1.
    radius_words = [0, 1, 2, 3, 5, 6, 2**16, 2**24 + 1, 2**31, 0xAAAAAA7F, 0xAAAAAAAB, 0xAAAAAB00,
                    2**32 - 257, 2**32 - 129, 2**32 - 128, 2**32 - 1]
    borders = [quadrant * 2**30 + offset for quadrant in range(4)
               for offset in (0, 1, 2**29 - 1, 2**29, 2**30 - 1)]
    pairs = [(a, b) for a in radius_words for b in borders]
    pairs += [(word, word) for word in sorted({word for words in TELLTALE.values() for word in words})]
    words = random.Random(20)
    return pairs + [(words.getrandbits(32), words.getrandbits(32)) for _ in range(80)]


pair_of_noise = functools.cache(contract.box_muller)


def box_muller():
    yield "a,b,z_cos,z_sin,true_cos,true_sin"
    for a, b in word_pairs():
        yield ",".join([hex32(a), hex32(b), *map(hex32, pair_of_noise(a, b)),
                        *meaning.true_pair(a, b)])


def noise_words():
    """The same pairs as the words of whole blocks, each pair once the first and once the second of
    its block: what makes noise from a seed and an index can be led to every extreme."""
    yield "seed,tensor_id,block,z_0,z_1,z_2,z_3"
    pairs = word_pairs()
    for first, second in zip(pairs, pairs[-1:] + pairs[:-1]):
        seed, tensor, block = address_of((*first, *second))
        yield ",".join([hex64(seed), hex64(tensor), hex64(block),
                        *map(hex32, pair_of_noise(*first) + pair_of_noise(*second))])


def address_of(words):
    """A seed, tensor id and block whose words are these: for each seed Philox is a bijection, so one
    is as good as another, but one block in four has indices."""
    for seed in range(2**40, 2**40 + 1000):
        key = (seed & 0xFFFFFFFF, seed >> 32)
        low, high, tensor_low, tensor_high = counter = contract.inverse_philox(words, key)
        assert contract.philox(counter, key) == words
        if high < 2**30:
            return seed, tensor_high << 32 | tensor_low, high << 32 | low
    raise AssertionError(words)


def noise():
    """First and last indices, both sides of 2^32 and of block 2^32, several seeds and names."""
    yield "seed,tensor,index,z,true_z"
    indices = [*range(8), 1000003, 2**32 - 1, 2**32, 2**32 + 1, 2**34 - 1, 2**34, 2**63, LAST - 1, LAST]
    cases = [(seed, name, index) for seed in (0, 0x0123456789ABCDEF) for index in indices
             for name in ("weight", "layers.0.attention.weight")]
    cases += [(LAST, "module.weight", 0), (1 << 32, "weight", 0), (1, "weight", 0),
              (1, "Schicht.größe", 3), (1, "bias", 2)]
    for seed, name, index in cases:
        tensor = contract.tensor_id(name)
        z = contract.noise(seed, tensor, index)
        truth = meaning.true_pair(*contract.pair_words(seed, tensor, index))[index & 1]
        yield ",".join([hex64(seed), name, str(index), hex32(z), truth])


def noise_ranges():
    """Digests (section 11) of whole ranges of z, which start and end inside a block."""
    yield "seed,tensor,first_index,count,digest_of_z"
    for seed, name, first, count in [(7, "weight", 0, 1024), (2**63 + 5, "layers.0.weight", 2**34 - 511, 1022)]:
        tensor = contract.tensor_id(name)
        total = sum(contract.element_digest(tensor, index, contract.noise(seed, tensor, index))
                    for index in range(first, first + count))
        yield ",".join([hex64(seed), name, str(first), str(count), hex64(total & LAST)])


def perturbation():
    yield "seed,tensor,index,theta,shrink,stddev,scale,reference,result"
    half, one = binary32(Fraction(1, 2)), binary32(1)
    sigma, tiny = binary32(Fraction(1, 100)), binary32(Fraction(3, 2**148))
    thetas = [0, 0x80000000, one, 0xBF800000, 1, 0x80000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF,
              0x7F800000, 0xFF800000, 0x7FC00000, 0xFFA12345, 0x7F800001, binary32(Fraction(1, 3))]
    cases = [(theta, shrink, stddev, "absolute", one) for theta in thetas
             for shrink in (0, half, one) for stddev in (0, sigma)]
    # sigma*z is subnormal; sigma*z overflows; the sum overflows.
    cases += [(theta, one, tiny, "absolute", one) for theta in (0, 0x80000001, 0x00800000, one)]
    cases += [(theta, one, 0x7F000000, "absolute", one) for theta in (0, 0x7F7FFFFF, 0xFF7FFFFF)]
    # sigma = RN(stddev * reference): inexact, and subnormal.
    cases += [(theta, shrink, stddev, "relative", reference) for theta in (one, 0x00000007)
              for shrink in (binary32(Fraction(9, 10)), one)
              for stddev, reference in ((sigma, binary32(Fraction(1, 30))),
                                        (binary32(Fraction(1, 10**20)), binary32(Fraction(3, 10**21))))]
    for number, (theta, shrink, stddev, scale, reference) in enumerate(cases):
        seed, name, index = 99, "layers.1.weight", 10 * number
        z = contract.noise(seed, contract.tensor_id(name), index)
        step = multiply(stddev, reference) if scale == "relative" else stddev
        result = contract.perturbed(theta, z, shrink, step)
        assert is_finite(result) or theta & 0x7F000000 == 0x7F000000 or stddev == 0x7F000000
        yield ",".join([hex64(seed), name, str(index), hex32(theta), hex32(shrink), hex32(stddev),
                        scale, hex32(reference), hex32(result)])


def tensor_names():
    yield "name,canonical,id"
    for name in ["weight", "module.weight", "module.module.weight", "_orig_mod.layers.0.weight",
                 "_fsdp_wrapped_module._fpw_module.embedding.weight",
                 "layers.3._checkpoint_wrapped_module.attention.bias", "a.module.b._orig_mod.c",
                 "module", "weight.module", "my_module.weight", "modules.weight", "Module.weight",
                 "Schicht.größe", "a..b", ".weight", "x" * 200]:
        yield ",".join([name, contract.canonical_name(name), hex64(contract.tensor_id(name))])


def selectors():
    """A selector, a name as a trainer has it, and whether the one chooses the other."""
    yield "selector,name,selects"
    for selector in ["", "*", "weight", "layers.*", "layers.*.weight", "*weight", "*.weight", "layers.?.bias",
                     "?", "??????", "*a*b*c", "a**b", "*ab*ac", "layers.0.weight*", "gr?ße", "gr??ße",
                     "a[0]", "a.c", "Weight", "\\*", "module.*", "*module*", "[a-z]*", "*.", ".*"]:
        for name in ["weight", "weight2", "Weight", "layers.0.weight", "module.layers.0.weight",
                     "_orig_mod.layers.0.bias", "layers.10.bias", "layers.0.module.bias", "layers..bias",
                     "xaybzc", "acb", "abac", "ab", "a.b", "ababaabac", "ababaabad", "größe", "a[0]", "abc",
                     "a.c", "module", "weight.", ".weight", "\\*", "x"]:
            yield ",".join([selector, name, str(int(contract.selects(selector, name)))])


def actions_hash():
    yield "list,kind,id,seed,stddev,scale,shrink,optimizer_state,selector,noise_spec,factor,hash_of_list"
    one, half = binary32(1), binary32(Fraction(1, 2))
    first = (1, 1, 2, half, 1, one, 1, "", contract.SPEC)
    second = (1, LAST, 0x0123456789ABCDEF, binary32(Fraction(1, 1000)), 2, half, 2,
              "layers.*.weight", contract.SPEC)
    snapshot, restore = (2, 7), (3, 7)
    identity, tenth, whole = (4,), (5, binary32(Fraction(1, 10))), (5, one)
    for number, actions in enumerate([[first], [second], [first, second], [second, first],
                                      [first, first], [(1, 0, 0, 0, 1, 0, 1, "größe?", "")],
                                      [snapshot], [restore], [restore, first, snapshot],
                                      [identity], [tenth], [whole], [restore, identity, first, tenth]]):
        total = contract.actions_hash(actions)
        for kind, *fields in actions:
            factor = fields[0] if kind == 5 else 0
            of_id = fields if kind in (1, 2, 3) else [0]
            whose, seed, stddev, scale, shrink, state, selector, spec = (
                of_id if kind == 1 else [*of_id, 0, 0, 0, 0, 0, "", ""])
            yield ",".join([str(number), str(kind), hex64(whose), hex64(seed), hex32(stddev),
                            str(scale), hex32(shrink), str(state), selector, spec, hex32(factor),
                            hex64(total)])


def parameter_digest():
    """One element a row; the digest of all of them is the sum."""
    yield "tensor,index,theta,digest"
    for name, index, bits in [("weight", 0, 0), ("weight", 1, 0), ("weight", 2, 0x80000000),
                              ("bias", 0, 0), ("weight", 3, 0x3F800000), ("weight", 4, 0x7FC00001),
                              ("weight", 2**32, 0x3F800000), ("bias", LAST, 0xFFFFFFFF)]:
        digest = contract.element_digest(contract.tensor_id(name), index, bits)
        yield ",".join([name, str(index), hex32(bits), hex64(digest)])


def check_known_answers():
    """Random123's numbers for Philox, and the table of known answers in the page."""
    for row in (HERE / "random123.csv").read_text().splitlines()[1:]:
        words = [int(word, 16) for word in row.split(",")]
        assert contract.philox(tuple(words[:4]), tuple(words[4:6])) == tuple(words[6:]), row
    row = re.compile(r"^\| (\d+) \| `([\w.]+)` \| (\d+) \| `(0x\w{8})` \|$", re.MULTILINE)
    known = row.findall(contract.PAGE.read_text())
    assert known, "no known answers in the page"
    for seed, name, index, bits in known:
        z = hex32(contract.noise(int(seed), contract.tensor_id(name), int(index)))
        assert z == bits, f"{contract.PAGE}: seed {seed}, {name}, {index}: {bits} is {z}"
    weight = contract.tensor_id("weight")
    theta = contract.perturbed(0x3F800000, contract.noise(0, weight, 1), 0x3F000000, 0x3C23D70A)
    digest = contract.element_digest(weight, 1, 0x3F800000)
    actions = contract.actions_hash([(1, 1, 2, 0x3F000000, 1, 0x3F800000, 1, "layers.*", contract.SPEC)])
    for what, answer in (("θ'", hex32(theta)), ("digest", hex64(digest)), ("hash", hex64(actions))):
        row = re.search(rf"^\| {what} \| .* \| `(\w+)` \|$", contract.PAGE.read_text(), re.MULTILINE)
        assert row and row[1] == answer, f"{contract.PAGE}: {what} is {answer}"


def check_telltales():
    """No constant can be wrong by one unit in the last place without a row that shows it."""
    for name, words in TELLTALE.items():
        for unit, word in zip((1, -1), words):
            right = contract.box_muller(word, word)
            contract.CONSTANT[name] += unit
            assert contract.box_muller(word, word) != right, (name, unit)
            contract.CONSTANT[name] -= unit


def main():
    check_known_answers()
    check_telltales()
    stale = False
    for table in (box_muller, noise, noise_words, noise_ranges, perturbation, tensor_names, selectors, actions_hash,
                  parameter_digest):
        path = HERE / f"{table.__name__}.csv"
        text = "\n".join(table()) + "\n"
        if "--check" not in sys.argv:
            path.write_text(text)
        elif path.read_text() != text:
            print(f"{path} is not what the oracles say")
            stale = True
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
