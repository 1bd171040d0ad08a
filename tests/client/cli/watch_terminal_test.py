#!/usr/bin/env python3
"""`lehr watch` on a real terminal, and in a pipe, beside a real lehrd with a real run.

usage: tests/client/cli/watch_terminal_test.py BINARIES
"""
import contextlib
import fcntl
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "faults"))
from processes import Lehrd, Place, kill_and_reap, wait_until  # noqa: E402

BINARIES = None
ENTER, LEAVE = "\033[?1049h\033[?25l", "\033[?25h\033[?1049l"


class Watch:
    """`lehr watch` on a terminal of its own."""

    def __init__(self, address, *arguments, columns, **environment):
        self.terminal, other = pty.openpty()
        self.resize(columns)
        self.process = subprocess.Popen([BINARIES / "lehr", "watch", *arguments, f"--supervisor={address}"],
                                        stdin=other, stdout=other, stderr=other, start_new_session=True,
                                        env={**os.environ, "TERM": "xterm", **environment})
        os.close(other)
        self.seen = ""

    def resize(self, columns):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 15, columns, 0, 0))

    def shows(self, text):
        while select.select([self.terminal], [], [], 0)[0]:
            try:
                self.seen += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:
                break
        return text in self.seen

    def newest_frame(self):
        self.shows("")
        whole = [frame for frame in self.seen.split("\033[H") if frame.endswith("\033[J")]
        return whole[-1] if whole else ""

    def end(self, signal_number):
        """Its exit code."""
        self.process.send_signal(signal_number)
        code = self.process.wait()
        self.shows("")
        return code

    def close(self):
        kill_and_reap(self.process)
        os.close(self.terminal)


class WatchTest(unittest.TestCase):
    def setUp(self):
        self.place = self.enterContext(Place(BINARIES, full=False))
        self.lehrd = Lehrd(self.place)
        self.lehrd.start()
        trainer = subprocess.Popen([BINARIES / "lehr-train", "--task=xor-relu-sum", "--run=xor", "--steps=100000000",
                                    "--stop_loss=0", f"--supervisor={self.lehrd.address}"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=lambda: os.nice(10))
        self.place.callback(kill_and_reap, trainer)
        # Until it is a run, `watch xor` has nothing to show.
        wait_until(lambda: b"xor " in subprocess.check_output(
            [BINARIES / "lehr", "runs", f"--supervisor={self.lehrd.address}"]), "the run")

    def watch(self, *arguments, columns=100, **environment):
        return self.enterContext(contextlib.closing(
            Watch(self.lehrd.address, *arguments, columns=columns, **environment)))

    def test_the_fleet_is_drawn_and_ctrl_c_gives_the_terminal_back(self):
        watch = self.watch()
        wait_until(lambda: watch.shows("1 at work") and watch.shows("\033[32mactive"), "the run at work")
        self.assertTrue(watch.seen.startswith(ENTER))
        wait_until(lambda: watch.shows("▁▁") or watch.shows("██"), "a second look")
        self.assertEqual(watch.end(signal.SIGINT), 0)
        self.assertTrue(watch.seen.endswith(LEAVE))

    def test_it_follows_the_width_of_the_terminal(self):
        watch = self.watch(columns=100)
        wait_until(lambda: "NEWEST DECISION" in watch.newest_frame(), "the last column")
        watch.resize(30)
        wait_until(lambda: "NEWEST" not in watch.newest_frame(), "less columns")
        self.assertIn("STATE", watch.newest_frame())

    def test_no_color(self):
        watch = self.watch(NO_COLOR="1")
        wait_until(lambda: watch.shows("active"), "the run at work")
        self.assertNotIn("\033[3", watch.seen)

    def test_a_run_is_drawn(self):
        watch = self.watch("xor")
        wait_until(lambda: watch.shows("xor  active") and watch.shows("temperature"), "the run")
        self.assertEqual(watch.end(signal.SIGTERM), 0)
        self.assertTrue(watch.seen.endswith(LEAVE))

    def test_it_goes_on_when_the_supervisor_is_gone(self):
        watch = self.watch()
        wait_until(lambda: watch.shows("active"), "the run at work")
        self.lehrd.kill()
        wait_until(lambda: watch.shows("no supervisor answers at"), "the trouble")
        self.assertIsNone(watch.process.poll())

    def test_a_pipe_gets_plain_lines(self):
        watch = subprocess.Popen([BINARIES / "lehr", "watch", f"--supervisor={self.lehrd.address}"],
                                 stdout=subprocess.PIPE, text=True)
        lines = [watch.stdout.readline() for _ in range(2)]
        kill_and_reap(watch)
        watch.stdout.close()
        for line in lines:
            self.assertRegex(line, r"^xor  \w+  [01]/1 ranks  step -?\d+  temperature ")
            self.assertNotIn("\033", line)


if __name__ == "__main__":
    BINARIES = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
