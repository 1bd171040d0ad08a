"""True Box-Muller numbers in 30 digits: the oracle for what the contract's bits mean."""

from mpmath import cos, log, mp, mpf, nstr, pi, sin, sqrt

import contract

mp.dps = 30


def true_pair(a, b):
    """sqrt(-2 ln u) cos(theta) and sqrt(-2 ln u) sin(theta) of two words, as decimal texts."""
    u, t, quadrant = contract.uniform(a), contract.quarter_turns(b), b >> 30
    radius = sqrt(-2 * log(mpf(u.numerator) / u.denominator))
    t = mpf(t.numerator) / t.denominator
    theta = pi / 2 * (quadrant - t if quadrant % 2 else quadrant + t)
    return nstr(radius * cos(theta), 17), nstr(radius * sin(theta), 17)
