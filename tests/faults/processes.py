"""The processes of a case: lehrd, a job of ranks, and the job's collective. All of them end with the
`with` block that they are in."""

import contextlib
import json
import os
import pathlib
import random
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

# A wait for something that must happen: so long that only a broken program passes it.
PATIENCE_SECONDS = 120


class Failure(Exception):
    """What was seen is not what was expected."""


class Skip(Exception):
    """The machine does not let this fault be made."""


def expect(condition, what):
    if not condition:
        raise Failure(what)


def wait_until(condition, what, seconds=PATIENCE_SECONDS):
    """Returns how long it took. Unit: seconds."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.01)
    return time.monotonic() - start


def free_port():
    """Below the range from which the kernel takes the ports of clients: one of those could take it
    while lehrd is down."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def kill_and_reap(process, signal_number=signal.SIGKILL):
    if process.poll() is None:
        process.send_signal(signal_number)
    process.wait()


class Place(contextlib.ExitStack):
    """A case's folder, its binaries, and whatever must be undone at its end."""

    def __init__(self, binaries, full):
        super().__init__()
        # Whether the case may take minutes.
        self.full = full
        self.binaries = pathlib.Path(binaries).resolve()
        # Short: the path of a Unix socket has at most 107 bytes.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lehr-faults-"))
        self.push(self.remove_folder)

    def binary(self, name):
        return str(self.binaries / name)

    def remove_folder(self, error, *_):
        # Kept after a failure, for whoever looks into it.
        if error is None or issubclass(error, Skip):
            shutil.rmtree(self.folder, ignore_errors=True)


class Lehrd:
    """One data directory and one address, and the processes that serve them one after another."""

    def __init__(self, place, *, data_dir=None, arguments=(), inside=()):
        self.place = place
        self.data_dir = pathlib.Path(data_dir or place.folder / "data")
        self.address = f"127.0.0.1:{free_port()}"
        self.arguments = list(arguments)
        # A command that runs another one, such as in a network namespace.
        self.inside = list(inside)
        self.process = None
        self.logs = []
        place.callback(self.kill)

    def launch(self, under=()):
        """Starts a process, below `under` if that is given, and does not wait for it."""
        self.logs.append(self.place.folder / f"lehrd-{id(self)}-{len(self.logs)}.log")
        with open(self.logs[-1], "wb") as log:
            self.process = subprocess.Popen(
                [*self.inside, *under, self.place.binary("lehrd"), f"--listen={self.address}", "--http=none",
                 "--log_format=json", "--commit_interval=10ms", f"--data_dir={self.data_dir}", *self.arguments],
                stderr=log)

    def start(self, under=()):
        self.launch(under)
        wait_until(lambda: self.serves() or self.process.poll() is not None, "lehrd serves")
        expect(self.serves(), f"lehrd did not start: {self.complaint()}")

    def records(self):
        """What the newest process logged; its last line may be half written."""
        lines = self.logs[-1].read_text(errors="replace").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]

    def serves(self):
        return any(record["msg"] == "serving gRPC" for record in self.records())

    def complaint(self):
        return "; ".join(record["why"] for record in self.records() if record["level"] == "error" and "why" in record)

    def epoch(self):
        """Of the newest process; None: it did not come that far."""
        return next((int(r["epoch"]) for r in self.records() if r["msg"] == "journal recovered"), None)

    def pid(self):
        """Of lehrd itself, also below another program."""
        own = self.process.pid
        children = pathlib.Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return int(children[0]) if children else own

    def signal(self, number):
        os.kill(self.pid(), number)

    def kill(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.signal(signal.SIGKILL)
        # Below another program, that ends when lehrd does.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        kill_and_reap(self.process)

    def stop(self):
        """SIGTERM. Fails unless the exit is clean."""
        self.signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE_SECONDS)
        expect(code == 0, f"lehrd exited with {code} on SIGTERM: {self.complaint()}")

    def history(self, run_id):
        """The journal's decisions about a run, as `lehr export` gives them."""
        exported = subprocess.run(
            [*self.inside, self.place.binary("lehr"), "export", run_id, "--format=json",
             f"--supervisor={self.address}"], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        expect(exported.returncode == 0, f"lehr export: {exported.stderr}")
        return json.loads(exported.stdout)


class Collective(threading.Thread):
    """The minimum and the maximum of a 64-bit number over all ranks, and whether the step is the last
    one. A rank that does not come within `timeout` fails the step for all, late or not, and is not
    waited for until it is heard of again."""

    QUESTION = struct.Struct("=qQ")
    ANSWER = struct.Struct("=QQQ")

    def __init__(self, path, world_size, timeout):
        super().__init__(daemon=True)
        self.world_size = world_size
        self.timeout = timeout
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(world_size)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.rank_of = {}
        # Step to its hashes by rank, and when the first one came.
        self.rounds = {}
        self.began = {}
        self.absent = set()
        self.closed_through = -1
        self.last_step = None
        # A function to call between two steps, and whether it was.
        self.interlude = None
        self.interlude_over = threading.Event()
        self.stopping = threading.Event()
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            for key, _ in self.selector.select(timeout=0.05):
                if key.fileobj is self.listener:
                    connection, _ = self.listener.accept()
                    self.selector.register(connection, selectors.EVENT_READ)
                else:
                    self.receive(key.fileobj)
            now = time.monotonic()
            for step in sorted(self.rounds):
                if now - self.began[step] > self.timeout:
                    self.absent |= set(range(self.world_size)) - self.rounds[step].keys()
                    self.close_if_complete(step)

    def between_steps(self, act):
        """Calls `act` while each rank has its answer of this step, and has not begun the next: what it
        breaks is broken for all of them at the same step."""
        self.interlude_over.clear()
        self.interlude = act
        expect(self.interlude_over.wait(PATIENCE_SECONDS), "the ranks do not end their step")

    def end(self):
        self.ended.set()
        self.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def receive(self, connection):
        size = 4 if connection not in self.rank_of else self.QUESTION.size
        try:
            data = connection.recv(size, socket.MSG_WAITALL)
        except OSError:
            data = b""
        if len(data) < size:
            self.selector.unregister(connection)
            connection.close()
        elif connection not in self.rank_of:
            (self.rank_of[connection],) = struct.unpack("=I", data)
        else:
            self.ask(connection, *self.QUESTION.unpack(data))

    def ask(self, connection, step, number):
        rank = self.rank_of[connection]
        self.absent.discard(rank)
        if step <= self.closed_through:
            self.answer(connection, 0, 0, step == self.last_step)
            return
        self.began.setdefault(step, time.monotonic())
        self.rounds.setdefault(step, {})[rank] = (number, connection)
        self.close_if_complete(step)

    def close_if_complete(self, step):
        brought = self.rounds[step]
        if len(brought.keys() | self.absent) < self.world_size:
            return
        if self.interlude is not None:
            self.interlude()
            self.interlude = None
            self.interlude_over.set()
        self.closed_through = step
        if self.stopping.is_set() and self.last_step is None:
            self.last_step = step
        numbers = [number for number, _ in brought.values()]
        complete = len(brought) == self.world_size
        for _, connection in brought.values():
            self.answer(connection, min(numbers) if complete else 0, max(numbers) if complete else 0,
                        step == self.last_step)
        del self.rounds[step], self.began[step]

    def answer(self, connection, least, greatest, last):
        # A rank that was killed does not read any more.
        with contextlib.suppress(OSError):
            connection.sendall(self.ANSWER.pack(least, greatest, last))


SETTINGS = {
    # One ten-thousandth of the temperature: every step acts, and the parameters stay finite.
    "policy": {"errorDriven": {"baseNoiseLevel": 1e-4}},
    "runSeed": "7",
    "joinTimeout": "60s",
}


class Job:
    """Ranks that train until the driver stops them. Each entry of `processes` is the number of ranks
    in a process of fault_rank."""

    def __init__(self, place, lehrd, run_id, *, processes=(3,), address=None, inside=(), decision_timeout=2.0,
                 connect_timeout=None, collective_timeout=PATIENCE_SECONDS, step_seconds=0.002, settings=None):
        self.lehrd = lehrd
        self.run_id = run_id
        self.world_size = sum(processes)
        self.decision_timeout = decision_timeout
        self.folder = place.folder / run_id
        self.folder.mkdir()
        # Each rank's steps, in order: what fault_rank writes.
        self.steps = [[] for _ in range(self.world_size)]
        self.files = [None] * self.world_size
        self.rests = [b""] * self.world_size
        self.collective = Collective(self.folder / "agree", self.world_size, collective_timeout)
        self.collective.start()
        place.callback(self.collective.end)
        self.processes = []
        place.callback(self.kill)
        job = {
            "supervisor": address or lehrd.address,
            "run_id": run_id,
            "job_attempt": "attempt-1",
            "world_size": self.world_size,
            "agree": str(self.folder / "agree"),
            "folder": str(self.folder),
            "connect_timeout": connect_timeout or decision_timeout,
            "decision_timeout": decision_timeout,
            "step_seconds": step_seconds,
            "settings": {**SETTINGS, **(settings or {})},
        }
        first_rank = 0
        for ranks in processes:
            job |= {"first_rank": first_rank, "ranks": ranks}
            self.processes.append(subprocess.Popen([*inside, place.binary("fault_rank"), json.dumps(job)]))
            first_rank += ranks

    def kill(self):
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            kill_and_reap(process)
        for file in self.files:
            if file is not None:
                file.close()

    def read(self):
        """Takes in what the ranks wrote since, and fails if one has ended."""
        for rank in range(self.world_size):
            self.read_rank(rank)
        for process in self.processes:
            expect(process.poll() in (None, 0), f"a rank of {self.run_id} exited with {process.returncode}")

    def read_rank(self, rank):
        if self.files[rank] is None:
            path = self.folder / f"rank-{rank}.jsonl"
            if not path.exists():
                return
            self.files[rank] = open(path, "rb")
        *lines, self.rests[rank] = (self.rests[rank] + self.files[rank].read()).split(b"\n")
        self.steps[rank] += map(json.loads, lines)

    def ranks(self, but=None):
        return [rank for rank in range(self.world_size) if rank != but]

    def await_steps(self, kind, count, what, ranks=None, seconds=PATIENCE_SECONDS):
        """Waits until each of these ranks has made so many more steps of that kind from now on.
        Returns how long it took."""
        self.read()
        ranks = self.ranks() if ranks is None else ranks
        seen = {rank: len(self.steps[rank]) for rank in ranks}
        counts = dict.fromkeys(ranks, 0)

        def enough():
            self.read()
            for rank in ranks:
                counts[rank] += sum(map(kind, self.steps[rank][seen[rank]:]))
                seen[rank] = len(self.steps[rank])
            return min(counts.values()) >= count

        return wait_until(enough, f"{self.run_id}: {count} {what}", seconds)

    def await_commands(self, count=10, **options):
        return self.await_steps(lambda step: step["applied"], count, "steps with an applied command", **options)

    def await_alone(self, count=50, **options):
        """Steps without the supervisor."""
        return self.await_steps(lambda step: not step["connected"] and step["decision"] is None, count,
                                "steps without the supervisor", **options)

    def finish(self):
        """Lets all ranks stop at one step, and returns their steps."""
        self.collective.stopping.set()
        for process in self.processes:
            try:
                code = process.wait(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                raise Failure(f"a rank of {self.run_id} hangs") from None
            expect(code == 0, f"a rank of {self.run_id} exited with {code}")
        self.read()
        return self.steps

    def long_waits(self, rank, seconds, first=0):
        """The steps from `first` on that waited so long in the client."""
        return [step["step"] for step in self.steps[rank][first:] if step["waited"] >= seconds]
