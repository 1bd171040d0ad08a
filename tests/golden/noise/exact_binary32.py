"""IEEE-754 binary32 on exact rationals: every operation is computed exactly, then rounded once.

Round to nearest, ties to even, with subnormals, signed zeros and infinities. A number is its 32-bit
pattern; nothing here uses the machine's floating point.
"""

from fractions import Fraction
from math import isqrt

INFINITY = 0x7F800000
SIGN = 0x80000000
SMALLEST = Fraction(1, 2**149)


def is_finite(bits):
    return bits & INFINITY != INFINITY


def negate(bits):
    return bits ^ SIGN


def value(bits):
    """The rational number that a finite pattern stands for (both zeros: 0)."""
    exponent, fraction = (bits >> 23) & 0xFF, bits & 0x7FFFFF
    if exponent == 0:
        magnitude = fraction * SMALLEST
    else:
        magnitude = (fraction + 2**23) * Fraction(2) ** (exponent - 150)
    return -magnitude if bits & SIGN else magnitude


def _unit(exact):
    """The spacing of binary32 numbers at exact > 0."""
    exponent = exact.numerator.bit_length() - exact.denominator.bit_length()
    if exact < Fraction(2) ** exponent:
        exponent -= 1
    return max(Fraction(2) ** (exponent - 23), SMALLEST)


def _pack(units, unit, sign):
    """The pattern of sign * units * unit, where units <= 2^24."""
    magnitude = units * unit
    if magnitude >= Fraction(2) ** 128:
        return sign | INFINITY
    if magnitude < Fraction(1, 2**126):
        return sign | int(magnitude / SMALLEST)
    unit = _unit(magnitude)
    exponent = unit.numerator.bit_length() - unit.denominator.bit_length()
    return sign | ((exponent + 150) << 23) | (int(magnitude / unit) - 2**23)


def rounded(exact, zero_sign=0):
    """The pattern nearest to a rational; an exact zero gets zero_sign."""
    if exact == 0:
        return zero_sign
    sign, exact = (SIGN if exact < 0 else 0), abs(exact)
    unit = _unit(exact)
    return _pack(round(exact / unit), unit, sign)  # round() of a Fraction ties to even


def multiply(a, b):
    """RN(a*b) of finite numbers."""
    return rounded(value(a) * value(b), zero_sign=(a ^ b) & SIGN)


def add(a, b):
    """RN(a+b); infinities and finite numbers, but not the sum of opposite infinities."""
    for one, other in ((a, b), (b, a)):
        if not is_finite(one):
            assert is_finite(other) or one == other
            return one
    return rounded(value(a) + value(b), zero_sign=a & b & SIGN)


def subtract(a, b):
    return add(a, negate(b))


def square_root(a):
    """RN(sqrt(a)) of a finite number >= 0."""
    exact = value(a)
    if exact == 0:
        return a
    # sqrt(p/q) = sqrt(p*q)/q, scaled so that the integer root has far more bits than 24. The root of
    # a binary32 number is never half way between two of them, so a sticky bit decides the rounding.
    scaled = exact.numerator * exact.denominator << 400
    root = isqrt(scaled)
    sticky = root * root != scaled
    return rounded(Fraction(2 * root + sticky, exact.denominator << 201))
