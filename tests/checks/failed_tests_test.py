"""Tests of failed_tests."""
import pathlib
import subprocess
import tempfile
import unittest

FAILED_TESTS = pathlib.Path(__file__).resolve().parent / "failed_tests"


def say(junit: str) -> subprocess.CompletedProcess:
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(junit)
        file.flush()
        return subprocess.run([FAILED_TESTS, file.name], capture_output=True, text=True)


class FailedTests(unittest.TestCase):
    def test_says_the_last_lines_of_those_that_failed_alone(self):
        lines = "\n".join(f"line {i}" for i in range(100))
        said = say(
            '<testsuite><testcase name="bad" status="fail"><system-out>'
            f"{lines}</system-out></testcase>"
            '<testcase name="good" status="run"><system-out>fine</system-out></testcase></testsuite>'
        )
        self.assertEqual(said.returncode, 0)
        self.assertEqual(
            said.stdout.split("\n")[1:-1], ["--- bad"] + [f"line {i}" for i in range(60, 100)]
        )

    def test_a_file_that_is_none_is_named(self):
        said = say("not xml")
        self.assertNotEqual(said.returncode, 0)
        self.assertRegex(said.stderr, r"^failed_tests: /.*\.xml: syntax error")


if __name__ == "__main__":
    unittest.main()
