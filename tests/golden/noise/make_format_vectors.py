#!/usr/bin/env python3
"""Writes beside itself, of binary64, bfloat16 and binary16 parameters, perturbation_formats.csv, their
updates, and parameter_digest_formats.csv, their digests. With --check it compares instead, and exits
with 1 where they differ."""

import pathlib
import random
import sys
from fractions import Fraction

import contract
from exact_binary32 import rounded as binary32
from exact_formats import BFLOAT16, BINARY16, BINARY32, BINARY64, convert

FORMATS = {"float64": BINARY64, "bfloat16": BFLOAT16, "float16": BINARY16}
SEED, NAME = 0xDEADBEEF, "layers.2.weight"


def perturbed(element_type, theta, z, shrink, sigma):
    """Section 7 of the contract. All are bits: theta of its own format, the others of binary32."""
    form = FORMATS[element_type]
    if not form.is_finite(theta):
        return theta
    if element_type == "float64":
        z, shrink, sigma = (convert(bits, BINARY32, form) for bits in (z, shrink, sigma))
        return form.add(form.multiply(shrink, theta), form.multiply(sigma, z))
    wide = contract.perturbed(convert(theta, form, BINARY32), z, shrink, sigma)
    return convert(wide, BINARY32, form)


def thetas(form, words):
    """Borders of the format with both signs, small subnormal numbers, NaNs, and random patterns."""
    normal, quiet = 1 << form.fraction_bits, 1 << form.fraction_bits - 1
    borders = [0, 1, 2, 3, 5, normal - 1, normal, form.infinity - 1, form.infinity,
               form.infinity | quiet, form.infinity | 1, form.infinity | quiet | 5,
               form.rounded(Fraction(1)), form.rounded(Fraction(1, 3))]
    yield from (sign | bits for bits in borders for sign in (0, form.sign))
    yield from (words.getrandbits(form.width) for _ in range(20))
    # Of the size that noise of 1/100 and 16 moves by a few units, or less.
    yield from (form.rounded(Fraction(words.randint(-999, 999), 1000)) for _ in range(20))


def perturbation_formats():
    yield "element_type,seed,tensor,index,theta,shrink,sigma,result"
    words = random.Random(7)
    shrinks = [binary32(Fraction(n, 10)) for n in (0, 5, 9, 10)]
    # 3: subnormal. The next one's noise is subnormal in binary16, the last one's overflows it.
    sigmas = [0, 3, *(binary32(Fraction(n)) for n in ("1/65536", "1/100", "16", "32768"))]
    tensor, index = contract.tensor_id(NAME), 0
    for element_type, form in FORMATS.items():
        for number, theta in enumerate(thetas(form, words)):
            for shrink, sigma in ((shrinks[number % 4], sigmas[number % 6]),
                                  (shrinks[3], sigmas[3]), (shrinks[1], sigmas[0]),
                                  (shrinks[2], sigmas[4])):
                index += 3
                z = contract.noise(SEED, tensor, index)
                result = perturbed(element_type, theta, z, shrink, sigma)
                yield (f"{element_type},0x{SEED:x},{NAME},{index},0x{theta:0{form.width // 4}x},"
                       f"0x{shrink:08x},0x{sigma:08x},0x{result:0{form.width // 4}x}")


def parameter_digest_formats():
    """One element a row, whose bits take part as a number of their own width."""
    yield "element_type,tensor,index,theta,digest"
    for element_type, form in FORMATS.items():
        one = form.rounded(Fraction(1))
        for name, index, theta in [
                ("weight", 0, 0), ("weight", 1, form.sign), ("weight", 2, one), ("weight", 3, form.sign | one),
                ("weight", 4, 1), ("weight", 5, form.infinity), ("weight", 6, form.infinity | 1),
                ("weight", 2**32, one), ("bias", 2**64 - 1, 2**form.width - 1)]:
            digest = contract.element_digest(contract.tensor_id(name), index, theta)
            yield f"{element_type},{name},{index},0x{theta:0{form.width // 4}x},0x{digest:016x}"


def check_binary32():
    """The generic format against the other oracle."""
    words = random.Random(1)
    for _ in range(500):
        exact = Fraction(words.getrandbits(60) - 2**59, 2 ** words.randint(0, 250))
        assert BINARY32.rounded(exact) == binary32(exact), exact


def main():
    check_binary32()
    stale = False
    for table in (perturbation_formats, parameter_digest_formats):
        path = pathlib.Path(__file__).with_name(f"{table.__name__}.csv")
        text = "\n".join(table()) + "\n"
        if "--check" not in sys.argv:
            path.write_text(text)
        elif path.read_text() != text:
            print(f"{path} is not what the oracle says")
            stale = True
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
