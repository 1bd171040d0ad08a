"""The numbers that the noise contract fixes: its version, its words and its constants.

Sections 3 to 6 of proto/lehr/v1/NOISE.md. Each float is a binary32 number, exactly.
"""

# Travels in every perturbation; no other version is understood.
SPEC = "philox4x32-10/box-muller-f32/v1"

WORD = 2**32 - 1
WORD64 = 2**64 - 1

PHILOX_ROUNDS = 10
# What x0 and x2 are multiplied with, and what is added to k0 and k1 after a round.
MULTIPLIER_0, MULTIPLIER_2 = 0xD2511F53, 0xCD9E8D57
KEY_STEP_0, KEY_STEP_1 = 0x9E3779B9, 0xBB67AE85

# Section 4: the bits that take the binary exponent out of f, and -2 ln 2 in two parts.
EXPONENT_BIAS = 0x4F2AAAAB
FRACTION_MASK = 0x007FFFFF
FRACTION_BIAS = 0x3FAAAAAB
K_HI = float.fromhex("-0x1.62e4p+0")
K_LO = float.fromhex("-0x1.7f7d1cp-19")


def _polynomial(*coefficients: str) -> tuple[float, ...]:
    return tuple(float.fromhex(coefficient) for coefficient in coefficients)


# Lowest power first.
W = _polynomial("0x1.ffff1ep-3", "0x1.556148p-4", "0x1.0037fep-5", "0x1.954278p-7",
                "0x1.4c261p-8", "0x1.5fb248p-9", "0x1.4d56cep-10")
S = _polynomial("0x1.921fb6p+0", "-0x1.4abbe6p-1", "0x1.4668e6p-4", "-0x1.2ef85p-8")
C = _polynomial("-0x1.3bd3ccp+0", "0x1.03c1aep-2", "-0x1.55b146p-6", "0x1.d47d46p-11")
