"""lehr-train with several ranks, as real processes under mpirun, alone and under a real lehrd."""

import contextlib
import csv
import io
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

BIN = pathlib.Path(os.environ["LEHR_BIN"])
MPIRUN = os.environ["LEHR_MPIRUN"].split()
# For a machine that is slow or busy; nothing takes as long otherwise.
PATIENCE_SECONDS = 120
# Stuck at 75 %, so that every step is hot and commands noise.
HOT = ["--task=xor-relu-sum", "--seed=1", "--evaluate_every=1000000", "--stop_loss=0"]
FOREVER = "--steps=1000000000"


def await_condition(condition, what):
    """The condition's value once it is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"in vain: {what}")


class Lehrd:
    def __init__(self, folder):
        self.process = subprocess.Popen(
            [BIN / "lehrd", "--listen=127.0.0.1:0", "--http=none", "--log_format=json", f"--data_dir={folder}/data"],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            record = json.loads(line)
            if record["msg"] == "serving gRPC":
                self.address = record["address"]
                break
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def history(self, run):
        """One dictionary a decision; nothing while the run is unknown."""
        export = subprocess.run(
            [BIN / "lehr", "export", run, "--format=csv", f"--supervisor={self.address}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return list(csv.DictReader(io.StringIO(export.stdout)))


class Proxy:
    """Passes TCP connections on to an address, until it is cut."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                inner = self.listener.accept()[0]
                outer = socket.create_connection(self.target)
                self.sockets += [inner, outer]
                for pair in ((inner, outer), (outer, inner)):
                    threading.Thread(target=self.copy, args=pair, daemon=True).start()

    @staticmethod
    def copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    def cut(self):
        for one in [self.listener, *self.sockets]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class Job:
    """Ranks under mpirun; what they print is in a file."""

    def __init__(self, folder, ranks, command, mpirun_flags=()):
        self.log = folder / "output"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*MPIRUN, *mpirun_flags, "-n", str(ranks), *command], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT)

    def output(self):
        return self.log.read_text()

    def ranks(self):
        """The ids of the ranks' processes."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(child) for child in children.read_text().split()]

    def await_output(self, pattern, count=1):
        return await_condition(lambda: len(set(re.findall(pattern, self.output()))) >= count,
                               f"{count} times {pattern}; the output is {self.output()}")

    def end(self):
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def kill(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class RanksTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def start_lehrd(self):
        lehrd = Lehrd(self.folder)
        self.addCleanup(lehrd.process.stderr.close)
        self.addCleanup(lehrd.kill)
        return lehrd

    def start(self, ranks, *flags, program=BIN / "lehr-train", mpirun_flags=()):
        job = Job(self.folder, ranks, [program, f"--json={self.folder}/result.json", *flags], mpirun_flags)
        self.addCleanup(job.kill)
        return job

    def result(self):
        return json.loads((self.folder / "result.json").read_text())

    def train(self, ranks, *flags, code=0):
        """The result of a job that is to end with this code."""
        job = self.start(ranks, *flags)
        self.assertEqual(job.end(), code, job.output())
        return self.result()

    def script(self, text):
        path = self.folder / "train"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def assert_stopped_alike(self, job):
        """After a request to stop. lehr-train itself fails with 1 where replicas differ."""
        self.assertEqual(job.end(), 130, job.output())
        self.assertEqual(self.result()["stop_reason"], "interrupted")
        self.assertNotIn("differ", job.output())


class Alone(RanksTest):
    def test_any_number_of_ranks_trains_the_same_model_up_to_rounding(self):
        flags = ["--task=digits", "--steps=60", "--batch=50", "--seed=3"]
        alone = self.train(1, *flags)
        self.assertEqual(alone["ranks"], 1)
        for ranks in (2, 4):
            with self.subTest(ranks=ranks):
                result = self.train(ranks, *flags)
                self.assertEqual(result["ranks"], ranks)
                self.assertAlmostEqual(result["final_loss"], alone["final_loss"], delta=1e-4 * alone["final_loss"])

    def test_mpirun_with_one_rank_gives_the_bits_of_no_mpirun(self):
        flags = ["--task=spirals", "--steps=200", "--seed=2"]
        under_mpirun = self.train(1, *flags)
        subprocess.run([BIN / "lehr-train", f"--json={self.folder}/result.json", *flags], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(under_mpirun["parameter_crc32"], self.result()["parameter_crc32"])

    def test_only_rank_0_speaks(self):
        job = self.start(3, "--task=xor", "--steps=20")
        self.assertEqual(job.end(), 0, job.output())
        self.assertEqual(job.output().count("xor, seed 0: 20 steps"), 1, job.output())

    def test_more_ranks_than_examples(self):
        result = self.train(4, "--task=xor", "--batch=2", "--steps=50")
        alone = self.train(1, "--task=xor", "--batch=2", "--steps=50")
        self.assertAlmostEqual(result["final_loss"], alone["final_loss"], places=5)

    def test_all_stop_by_the_loss(self):
        result = self.train(2, "--task=xor-relu-sum", "--seed=0")
        self.assertEqual(result["stop_reason"], "stop_loss")

    def test_a_loss_that_is_not_finite_fails_on_all(self):
        result = self.train(4, "--task=xor", "--loss=mse", "--lr=1e30", code=1)
        self.assertEqual(result["stop_reason"], "loss_not_finite")
        self.assertRegex(result["message"], "of 4 examples is not finite: example ")

    def test_resumes_with_the_same_bits(self):
        flags = ["--task=spirals", "--optimizer=adam"]
        whole = self.train(4, *flags, "--steps=95")
        checkpoint = f"--checkpoint={self.folder}/checkpoint"
        self.train(4, *flags, checkpoint, "--resume", "--steps=33")
        resumed = self.start(4, *flags, checkpoint, "--resume", "--steps=95")
        self.assertEqual(resumed.end(), 0, resumed.output())
        self.assertEqual(resumed.output().count("at step 33"), 1, resumed.output())
        self.assertEqual(self.result()["parameter_crc32"], whole["parameter_crc32"])

    def test_a_corrupt_checkpoint_is_named_once(self):
        (self.folder / "checkpoint").write_text("not a checkpoint")
        job = self.start(3, "--task=xor", "--resume", f"--checkpoint={self.folder}/checkpoint")
        self.assertEqual(job.end(), 1)
        self.assertEqual(job.output().count(f"lehr-train: checkpoint {self.folder}/checkpoint"), 1, job.output())

    def test_a_checkpoint_that_cannot_be_written_ends_all(self):
        job = self.start(3, "--task=xor", "--steps=20", "--checkpoint=/does/not/exist/c")
        self.assertEqual(job.end(), 1)
        self.assertEqual(job.output().count("/does/not/exist/c"), 1, job.output())

    def test_a_wrong_flag_is_told_once(self):
        job = self.start(3, "--task=xor", "--lr=-1")
        self.assertEqual(job.end(), 2)
        self.assertEqual(job.output().count("--lr: -1"), 1, job.output())

    def test_flags_that_differ_are_named(self):
        program = self.script(f'exec {BIN}/lehr-train --seed=$((OMPI_COMM_WORLD_RANK / 2)) "$@"')
        job = self.start(4, "--task=xor", program=program)
        self.assertEqual(job.end(), 1)
        self.assertEqual(job.output().count("rank 2: it has --seed=1, but rank 0 has --seed=0"), 1, job.output())

    def test_data_that_differ_are_named(self):
        for rank, label in ((0, "a"), (1, "b")):
            (self.folder / f"{rank}.csv").write_text(f"x,kind\n1,a\n2,b\n3,a\n4,b\n5,a\n6,{label}\n")
        program = self.script(f'exec {BIN}/lehr-train --data={self.folder}/$OMPI_COMM_WORLD_RANK.csv "$@"')
        job = self.start(2, "--task=csv", program=program)
        self.assertEqual(job.end(), 1)
        self.assertRegex(job.output(), "rank 1: it has the CRC-32 [0-9a-f]{8} of the data set, but rank 0 has")

    def test_an_error_of_one_rank_ends_all(self):
        program = self.script(
            f'exec {BIN}/lehr-train --data={self.folder}/$((OMPI_COMM_WORLD_RANK == 1)).csv "$@"')
        (self.folder / "0.csv").write_text("x,kind\n1,a\n2,b\n")
        job = self.start(3, "--task=csv", program=program)
        self.assertEqual(job.end(), 1)
        self.assertRegex(job.output(), f"lehr-train: rank 1: .*{self.folder}/1.csv")

    def test_a_signal_to_one_rank_stops_all_with_a_checkpoint(self):
        flags = ["--task=spirals", "--resume", f"--checkpoint={self.folder}/checkpoint"]
        self.train(4, *flags, "--steps=3")
        job = self.start(4, *flags, FOREVER)
        job.await_output("continuing")
        os.kill(job.ranks()[2], signal.SIGTERM)
        self.assert_stopped_alike(job)
        steps = self.result()["steps"]
        self.assertGreater(steps, 3)
        self.assertEqual(self.train(4, *flags, f"--steps={steps + 2}")["steps"], steps + 2)

    def test_a_signal_to_mpirun_stops_all(self):
        checkpoint = self.folder / "checkpoint"
        # mpirun kills the ranks that are not done after this many seconds, and waits for twice as long.
        job = self.start(3, "--task=spirals", f"--checkpoint={checkpoint}", "--checkpoint_every=100", FOREVER,
                         mpirun_flags=["--mca", "odls_base_sigkill_timeout", "8"])
        await_condition(checkpoint.exists, "a checkpoint")
        job.process.terminate()
        job.end()
        self.assertEqual(self.result()["stop_reason"], "interrupted")
        self.assertNotIn("differ", job.output())


class UnderLehrd(RanksTest):
    def script_with_supervisors(self, address, rank, address_of_rank):
        return self.script(f'supervisor={address}\n'
                           f'[ $OMPI_COMM_WORLD_RANK = {rank} ] && supervisor={address_of_rank}\n'
                           f'exec {BIN}/lehr-train --supervisor=$supervisor "$@"')

    def test_perturbed_replicas_stay_identical(self):
        lehrd = self.start_lehrd()
        for ranks, lag in ((1, 0), (2, 3), (4, 0)):
            with self.subTest(ranks=ranks, lag=lag):
                run = f"hot-{ranks}"
                result = self.train(ranks, *HOT, "--steps=250", f"--lag={lag}", f"--run={run}",
                                    f"--supervisor={lehrd.address}")
                self.assertGreater(result["perturbations_applied"], 200)
                history = lehrd.history(run)
                self.assertEqual(len(history), 250)
                self.assertEqual({row["reports"] for row in history}, {str(ranks)})
                self.assertEqual({row["losses"] for row in history}, {"4"})
                self.assertEqual({int(row["apply_step"]) - int(row["step"]) for row in history}, {1 + lag})
                applied = sum(row["applied_ranks"] == str(ranks) for row in history)
                self.assertGreaterEqual(applied, result["perturbations_applied"])

    def test_ranks_without_a_share_are_supervised(self):
        lehrd = self.start_lehrd()
        self.train(4, "--task=xor", "--batch=2", "--steps=20", "--run=few", f"--supervisor={lehrd.address}")
        history = lehrd.history("few")
        self.assertEqual({(row["reports"], row["losses"]) for row in history}, {("4", "2")})

    def test_all_go_on_alike_when_the_supervisor_is_killed(self):
        lehrd = self.start_lehrd()
        job = self.start(4, *HOT, FOREVER, "--run=killed", f"--supervisor={lehrd.address}")
        await_condition(lambda: len(lehrd.history("killed")) > 50, "50 decisions")
        lehrd.kill()
        job.await_output("rank [0-3]: no supervisor", count=4)
        os.kill(job.ranks()[0], signal.SIGTERM)
        self.assert_stopped_alike(job)
        self.assertGreater(self.result()["perturbations_applied"], 40)

    def test_nothing_is_applied_while_one_rank_is_cut_off(self):
        lehrd = self.start_lehrd()
        proxy = Proxy(lehrd.address)
        self.addCleanup(proxy.cut)
        program = self.script_with_supervisors(lehrd.address, 2, proxy.address)
        job = self.start(4, *HOT, FOREVER, "--run=cut", program=program)

        def rows(reports):
            return [row for row in lehrd.history("cut") if row["reports"] == reports]

        await_condition(lambda: len(rows("4")) > 50, "50 decisions")
        proxy.cut()
        await_condition(lambda: len(rows("3")) > 50, "50 decisions without rank 2")
        os.kill(job.ranks()[1], signal.SIGTERM)
        self.assert_stopped_alike(job)
        self.assertGreater(self.result()["perturbations_applied"], 40)
        without_rank_2 = rows("3")
        self.assertEqual({row["applied_ranks"] for row in without_rank_2}, {"0"})
        self.assertGreater(sum(row["skipped_ranks"] == "3" for row in without_rank_2), 40)

    def test_a_rank_with_a_wrong_address_costs_a_wait_and_no_training(self):
        lehrd = self.start_lehrd()
        program = self.script_with_supervisors(lehrd.address, 1, "127.0.0.1:1")
        job = self.start(2, *HOT, "--steps=100", "--run=wrong", program=program)
        self.assertEqual(job.end(), 0, job.output())
        self.assertEqual(self.result()["steps"], 100)
        self.assertEqual(self.result()["perturbations_applied"], 0)

    def test_resumes_in_a_new_generation(self):
        lehrd = self.start_lehrd()
        flags = [*HOT, "--run=resumed", f"--supervisor={lehrd.address}", f"--checkpoint={self.folder}/checkpoint",
                 "--resume"]
        self.train(2, *flags, "--steps=20")
        self.train(2, *flags, "--steps=50")
        steps = [(int(row["generation"]), int(row["step"])) for row in lehrd.history("resumed")]
        self.assertEqual(steps, [(1, step) for step in range(20)] + [(2, step) for step in range(20, 50)])


if __name__ == "__main__":
    unittest.main()
