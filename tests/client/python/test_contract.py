"""The constants are those of the page."""

import re
import unittest

from lehr.noise import contract
from tests.client.python.support import PROJECT

PAGE = (PROJECT / "proto/lehr/v1/NOISE.md").read_text(encoding="utf-8")


class ConstantsTest(unittest.TestCase):
    def test_version_is_that_of_the_page(self):
        self.assertIn(f"Version: **`{contract.SPEC}`**", PAGE)

    def test_every_constant_of_the_table(self):
        table = dict(re.findall(r"^\| `(\w+)` \| `(\S+)` \| `0x\w+` \|$", PAGE, re.MULTILINE))
        ours = {"K_HI": contract.K_HI, "K_LO": contract.K_LO}
        for letter in "WSC":
            coefficients = getattr(contract, letter)
            ours |= {f"{letter}{power}": number for power, number in enumerate(coefficients)}
        self.assertEqual(ours, {name: float.fromhex(text) for name, text in table.items()})
