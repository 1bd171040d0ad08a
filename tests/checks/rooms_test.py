"""Tests of tests/checks/rooms on small projects made for the purpose."""
import pathlib
import subprocess
import tempfile
import unittest

ROOMS = pathlib.Path(__file__).with_name("rooms")
SOUND = {
    "server/core/CMakeLists.txt": "add_library(core a.cc)\ntarget_link_libraries(core PUBLIC absl::span)",
    "server/core/a.cc": '#include <vector>\n#include "server/core/a.h"\n#include "absl/types/span.h"',
    "server/CMakeLists.txt": "add_executable(lehrd main.cc)\ntarget_link_libraries(lehrd PRIVATE core)",
    "server/main.cc": '#include "server/core/a.h"\n#include "lehr/v1/runs.pb.h"',
    "server/relay.cc": '#include "client/session.h"',
}


def check(extra):
    """The exit code and the output of the check on the sound project with `extra` files over it."""
    with tempfile.TemporaryDirectory() as project:
        for name, text in {**SOUND, **extra}.items():
            file = pathlib.Path(project, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        result = subprocess.run([ROOMS, project], capture_output=True, text=True, check=False)
        return result.returncode, result.stdout


class RoomsTest(unittest.TestCase):
    def assert_fault(self, file, text, fault):
        self.assertEqual(check({file: text}), (1, fault + "\n"))

    def test_a_sound_project_passes(self):
        self.assertEqual(check({})[0], 0)

    def test_an_empty_directory_fails(self):
        with tempfile.TemporaryDirectory() as project:
            self.assertEqual(subprocess.run([ROOMS, project], capture_output=True).returncode, 1)

    def test_the_core_may_not_include_the_proto(self):
        self.assert_fault("server/core/b.h", '\n#include "lehr/v1/runs.pb.h"',
                          "server/core/b.h:2: server/core may not know proto: lehr/v1/runs.pb.h")

    def test_the_core_may_not_include_a_library_of_the_world(self):
        self.assert_fault("server/core/b.h", "#include <grpcpp/grpcpp.h>",
                          "server/core/b.h:1: server/core is pure and may not include <grpcpp/grpcpp.h>")

    def test_the_core_may_not_read_a_clock(self):
        self.assert_fault("client/core/b.h", '#include "absl/time/clock.h"',
                          "client/core/b.h:1: client/core is pure and may not include <absl/time/clock.h>")

    def test_only_the_relay_of_the_server_knows_the_client(self):
        self.assert_fault("server/main.cc", '#include "client/session.h"',
                          "server/main.cc:1: server may not know client: client/session.h")

    def test_the_journal_does_not_know_the_runs_that_it_keeps(self):
        self.assert_fault("server/journal/a.cc", '#include "server/core/generation.h"',
                          "server/journal/a.cc:1: server/journal may not know server/core: server/core/generation.h")

    def test_no_room_knows_the_tests(self):
        self.assert_fault("trainer/a.cc", '#include "tests/golden.h"',
                          "trainer/a.cc:1: trainer may not know tests/golden.h")

    def test_a_room_may_not_link_a_room_above_it(self):
        self.assert_fault("client/CMakeLists.txt", "add_library(c c.cc)\ntarget_link_libraries(c\n  PUBLIC lehrd)",
                          "client/CMakeLists.txt: c may not link lehrd of server")

    def test_the_core_may_not_link_a_library_of_the_world(self):
        self.assert_fault("client/core/CMakeLists.txt", "target_link_libraries(c PUBLIC gRPC::grpc++)",
                          "client/core/CMakeLists.txt: c is pure and may not link gRPC::grpc++")

    def test_a_contract_imports_nothing_of_the_project(self):
        self.assert_fault("proto/lehr/v1/a.proto", 'import "server/journal/journal.proto";',
                          "proto/lehr/v1/a.proto:1: a proto may not know server/journal/journal.proto")


if __name__ == "__main__":
    unittest.main()
