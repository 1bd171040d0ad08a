import unittest

from lehr.noise.names import canonical_name, selects, tensor_id
from tests.client.python.support import golden, word


class NameTest(unittest.TestCase):
    def test_golden_names_and_ids(self):
        for row in golden("tensor_names.csv"):
            with self.subTest(row["name"]):
                self.assertEqual(canonical_name(row["name"]), row["canonical"])
                self.assertEqual(tensor_id(row["name"]), word(row["id"]))

    def test_names_that_wrappers_give(self):
        for name in ("module.layers.0.weight",  # DistributedDataParallel
                     "_orig_mod.layers.0.weight",  # torch.compile
                     "module._orig_mod.layers.0.weight",
                     "layers.0._orig_mod.weight",
                     "_fsdp_wrapped_module._fpw_module.layers.0._fsdp_wrapped_module.weight",
                     "layers._checkpoint_wrapped_module.0.weight"):
            with self.subTest(name):
                self.assertEqual(canonical_name(name), "layers.0.weight")

    def test_bytes_that_are_not_utf8_keep_their_value(self):
        # sha256sum of the byte 0xff
        self.assertEqual(tensor_id(b"\xff".decode("utf-8", "surrogateescape")), 0xa8100ae6aa1940d0)


class SelectorTest(unittest.TestCase):
    def assert_selects(self, selector: str, *names: str) -> None:
        for name in names:
            self.assertTrue(selects(selector, name), (selector, name))

    def assert_leaves(self, selector: str, *names: str) -> None:
        for name in names:
            self.assertFalse(selects(selector, name), (selector, name))

    def test_golden_selectors(self):
        for row in golden("selectors.csv"):
            with self.subTest(**row):
                self.assertEqual(selects(row["selector"], canonical_name(row["name"])),
                                 row["selects"] == "1")

    def test_empty_and_star_select_everything(self):
        self.assert_selects("", "weight", "")
        self.assert_selects("*", "weight", "a.b\nc", "")

    def test_star_stands_for_any_bytes_also_dots_and_none(self):
        self.assert_selects("layers.*.weight", "layers.0.weight", "layers.0.attention.weight",
                            "layers..weight", "layers.0.weight.weight")
        self.assert_leaves("layers.*.weight", "layers.weight", "layers.0.weights", "layers.0.bias")
        self.assert_selects("a**b", "ab", "a.b")
        self.assert_selects("*a*b*c", "abc", "xaybzc", "abcabc")
        self.assert_leaves("*a*b*c", "acb", "abcd")

    def test_question_mark_stands_for_exactly_one_byte(self):
        self.assert_selects("layers.?.bias", "layers.0.bias", "layers...bias")
        self.assert_leaves("layers.?.bias", "layers.10.bias", "layers..bias")
        self.assert_leaves("gr?ße", "größe")  # ö has two
        self.assert_selects("gr??ße", "größe")

    def test_all_else_stands_for_itself(self):
        self.assert_selects("a[0].(b)+\\c^$", "a[0].(b)+\\c^$")
        self.assert_leaves("a.c", "abc")
        self.assert_leaves("Weight", "weight")
        self.assert_leaves("weight", "weight2", "my.weight")

    def test_many_stars_take_little_time(self):
        self.assert_leaves("*a" * 100 + "b", "a" * 5000)
