"""Where the native library is looked for, and which one is refused."""

import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

import numpy as np

from lehr import noise
from lehr.noise import native
from tests.client.python.support import PROJECT, bits_of, command, needs_native

PACKAGE = PROJECT / "client/python"
COMPILER = shutil.which("cc")
STUB = """
const char* lehr_noise_spec(void) { return "%s"; }
const char* lehr_noise_targets(void) { return "stub"; }
const char* lehr_noise_built_targets(void) { return "stub"; }
int lehr_noise_use_target(const char* name) { return *name != 's'; }
void lehr_noise_fill() {}
void lehr_noise_perturb() {}
"""


@unittest.skipUnless(COMPILER, "no C compiler")
class LoaderTest(unittest.TestCase):
    """With stubs in place of the library, in processes of their own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def build(self, path: str, source: str) -> pathlib.Path:
        library = self.folder / path
        library.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([COMPILER, "-shared", "-x", "c", "-", "-o", library], input=source,
                       text=True, check=True)
        return library

    def run_python(self, code: str, package: pathlib.Path, **environment: str) -> str:
        """What it prints, and its last line of errors."""
        run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], text=True, cwd=package,
                             capture_output=True,
                             env={**os.environ, "LEHR_NOISE_LIBRARY": "", **environment})
        return run.stdout + "".join(run.stderr.splitlines()[-1:])

    def copy_of_package(self) -> pathlib.Path:
        package = self.folder / "checkout/client/python"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        return package

    TARGETS = "from lehr.noise import native; print(native.library() and native.targets())"
    WARNS = "import warnings; warnings.simplefilter('error'); " + TARGETS

    def test_the_variable_names_a_library(self):
        stub = self.build("stub.so", STUB % noise.NOISE_SPEC)
        self.assertEqual(self.run_python(self.TARGETS, PACKAGE,
                                         LEHR_NOISE_LIBRARY=str(stub)), "['stub']\n")

    def test_the_variable_names_none(self):
        found = self.run_python(self.TARGETS, PACKAGE,
                                LEHR_NOISE_LIBRARY="/nowhere/liblehr_noise.so")
        self.assertRegex(found, "^OSError: /nowhere/liblehr_noise.so: cannot open")

    def test_the_variable_names_another_library(self):
        other = self.build("other.so", "int something;")
        found = self.run_python(self.TARGETS, PACKAGE, LEHR_NOISE_LIBRARY=str(other))
        self.assertRegex(found, "^OSError: .*other.so is not liblehr_noise.so: .*lehr_noise_")

    def test_another_contract_is_refused(self):
        other = self.build("other.so", STUB % "box-muller-f32/v2")
        found = self.run_python(self.TARGETS, PACKAGE, LEHR_NOISE_LIBRARY=str(other))
        self.assertRegex(found, "^OSError: .*other.so makes the noise 'box-muller-f32/v2'; this")

    def test_beside_the_package(self):
        package = self.copy_of_package()
        self.build(package / "lehr/noise/liblehr_noise.so", STUB % noise.NOISE_SPEC)
        self.assertEqual(self.run_python(self.TARGETS, package), "['stub']\n")

    def test_in_the_build_of_a_checkout(self):
        package = self.copy_of_package()
        self.build("checkout/build/lib/liblehr_noise.so", STUB % noise.NOISE_SPEC)
        self.assertEqual(self.run_python(self.TARGETS, package), "None\n")
        contract = self.folder / "checkout/proto/lehr/v1/NOISE.md"
        contract.parent.mkdir(parents=True)
        contract.touch()
        self.assertEqual(self.run_python(self.TARGETS, package), "['stub']\n")

    def test_where_the_linker_looks(self):
        package = self.copy_of_package()
        self.build("lib/liblehr_noise.so", STUB % noise.NOISE_SPEC)
        self.assertEqual(self.run_python(self.TARGETS, package,
                                         LD_LIBRARY_PATH=str(self.folder / "lib")), "['stub']\n")

    def test_another_contract_beside_the_package_is_passed_over_with_a_warning(self):
        package = self.copy_of_package()
        self.build(package / "lehr/noise/liblehr_noise.so", STUB % "v2")
        self.assertEqual(self.run_python("import warnings; warnings.simplefilter('ignore'); "
                                         + self.TARGETS, package), "None\n")
        self.assertRegex(self.run_python(self.WARNS, package),
                         "^RuntimeWarning: not used, .*liblehr_noise.so makes the noise 'v2'")

    def test_absence_is_no_error(self):
        found = self.run_python("""
            import numpy
            from lehr import noise
            command = noise.Perturbation(stddev=1, noise_spec=noise.NOISE_SPEC)
            tensors = [noise.NamedTensor("weight", numpy.ones(3))]
            print(noise.apply(command, tensors))
            noise.apply(command, tensors, implementation="native")
        """, self.copy_of_package())
        self.assertEqual(found, "Result(perturbed=3, non_finite_kept=0, unchanged=0)\n"
                         "RuntimeError: liblehr_noise.so is not here")


@needs_native
class TargetTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(native.use_target, "")

    def test_every_target_and_number_of_threads_gives_the_same_bits(self):
        expected = np.ones(300_001, np.float32)
        noise.apply(command(), [noise.NamedTensor("weight", expected)], implementation="numpy")
        self.assertIn("reference", native.targets())
        for target in native.targets():
            native.use_target(target)
            for threads in (0, 1, 2, 3):
                theta = np.ones(300_001, np.float32)
                noise.apply(command(), [noise.NamedTensor("weight", theta)],
                            implementation="native", threads=threads)
                self.assertEqual(bits_of(theta), bits_of(expected), (target, threads))

    def test_what_was_built_has_what_can_run(self):
        self.assertLessEqual(set(native.targets()), {*native.built_targets(), "reference"})
        if platform.machine() == "x86_64":
            self.assertLessEqual({"AVX3", "AVX2", "SSE4"}, set(native.built_targets()))

    def test_unknown_target(self):
        with self.assertRaisesRegex(ValueError, "no target 'Z80', only .*reference"):
            native.use_target("Z80")
