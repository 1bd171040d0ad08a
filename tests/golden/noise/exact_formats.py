"""IEEE-754 formats other than binary32 on exact rationals: rounded once, to nearest, ties to even.

A number is its bit pattern; nothing here uses the machine's floating point.
"""

from fractions import Fraction


class Format:
    """precision: bits of the significand, the hidden one too. exponent_bits: of the exponent."""

    def __init__(self, precision, exponent_bits):
        self.fraction_bits = precision - 1
        self.width = 1 + exponent_bits + self.fraction_bits
        self.sign = 1 << self.width - 1
        self.infinity = (1 << exponent_bits) - 1 << self.fraction_bits
        self.least_exponent = 2 - (1 << exponent_bits - 1) - self.fraction_bits

    def is_finite(self, bits):
        return bits & self.infinity != self.infinity

    def value(self, bits):
        """The rational number that a finite pattern stands for (both zeros: 0)."""
        magnitude = bits & self.sign - 1
        exponent, fraction = divmod(magnitude, 1 << self.fraction_bits)
        if exponent > 0:
            fraction, exponent = fraction + (1 << self.fraction_bits), exponent - 1
        exact = fraction * Fraction(2) ** (exponent + self.least_exponent)
        return -exact if bits & self.sign else exact

    def rounded(self, exact, zero_sign=0):
        """The pattern nearest to a rational; an exact zero gets zero_sign."""
        if exact == 0:
            return zero_sign
        sign, exact = (self.sign if exact < 0 else 0), abs(exact)
        # Patterns grow with their numbers: the greatest one that is not above it, or the next.
        low, high = 0, self.infinity
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.value(middle) <= exact else (low, middle)
        # Beyond the largest number the spacing goes on as if there were a next one.
        above = self.value(high)
        if high == self.infinity:
            above = 2 * self.value(low) - self.value(low - 1)
        below_by, above_by = exact - self.value(low), above - exact
        if below_by != above_by:
            return sign | (low if below_by < above_by else high)
        return sign | (low if low % 2 == 0 else high)

    def multiply(self, a, b):
        return self.rounded(self.value(a) * self.value(b), zero_sign=(a ^ b) & self.sign)

    def add(self, a, b):
        """RN(a+b) of finite numbers."""
        return self.rounded(self.value(a) + self.value(b), zero_sign=a & b & self.sign)


BINARY64 = Format(53, 11)
BINARY32 = Format(24, 8)
BFLOAT16 = Format(8, 8)
BINARY16 = Format(11, 5)


def convert(bits, source, target):
    """A number of one format in another, rounded; infinities and the sign of zero stay."""
    sign = target.sign if bits & source.sign else 0
    if not source.is_finite(bits):
        assert bits & source.sign - 1 == source.infinity, "not for NaN"
        return sign | target.infinity
    return target.rounded(source.value(bits), zero_sign=sign)
