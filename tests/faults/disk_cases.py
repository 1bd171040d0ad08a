"""What can happen to a data directory."""

import random
import sqlite3
import subprocess

from cases import case, check
from processes import Failure, Job, Lehrd, Skip, expect, wait_until

JOURNAL = ("journal.db", "journal.db-wal", "journal.durable")


def expect_refusal(lehrd, named, why):
    """lehrd does not start, and names what is wrong. Returns what it says."""
    lehrd.launch()
    wait_until(lambda: lehrd.process.poll() is not None or lehrd.serves(), "lehrd ends")
    complaint = lehrd.complaint()
    expect(lehrd.process.poll() not in (None, 0), f"lehrd started: {why}")
    expect(named in complaint, f"{why}: lehrd does not name {named}: {complaint}")
    return complaint


def contents(data_dir):
    return {name: (data_dir / name).read_bytes() for name in JOURNAL if (data_dir / name).exists()}


@case("disk-full", "the disk of the journal is full, and later has room",
      "lehrd exits and says why; ranks train on; the next start goes on")
def disk_full(place):
    data_dir = place.folder / "disk"
    data_dir.mkdir()
    # Room for the log, which grows to 4 MiB.
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", data_dir], capture_output=True,
                             text=True, check=False)
    if mounted.returncode != 0:
        raise Skip(f"cannot mount a tmpfs: {mounted.stderr.strip()}")
    place.callback(subprocess.run, ["umount", "--lazy", data_dir], check=False)
    lehrd = Lehrd(place, data_dir=data_dir)
    lehrd.start()
    job = Job(place, lehrd, "run")
    job.await_commands()
    filler = data_dir / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    wait_until(lambda: job.read() or lehrd.process.poll() is not None, "lehrd ends")
    complaint = lehrd.complaint()
    expect(lehrd.process.returncode == 1, f"it ended with {lehrd.process.returncode}")
    expect("full" in complaint or "No space left" in complaint, f"it says: {complaint}")
    job.await_alone()
    filler.unlink()
    lehrd.start()
    job.await_commands()
    return f"exit 1, \"{complaint}\"; {check(job)}"


def flip_bit(data, position, bit=2):
    return data[:position] + bytes([data[position] ^ (1 << bit)]) + data[position + 1:]


def half(data):
    return data[:len(data) // 2]


# Within the first page of the log. What stands behind it may be of before the log was begun anew, and
# count no more.
IN_FIRST_PAGE = 1000

# (what it is, the damaged file, the damage, the file that lehrd names). Only in the log of a killed
# lehrd is there something to lose.
STOPPED_DAMAGES = [
    ("a bit of a row", "journal.db", lambda data: data.replace(b"attempt-1", b"attempt-5"), "journal.db"),
    ("the database cut in half", "journal.db", half, "journal.db"),
    ("an empty database", "journal.db", lambda data: b"", "journal.db"),
    ("a bit of the mark", "journal.durable", lambda data: flip_bit(data, 19), "journal.durable"),
]
KILLED_DAMAGES = [
    ("a bit of the log", "journal.db-wal", lambda data: flip_bit(data, IN_FIRST_PAGE), "journal.db"),
    ("the log cut", "journal.db-wal", lambda data: data[:IN_FIRST_PAGE], "journal.db"),
    ("the log emptied", "journal.db-wal", lambda data: b"", "journal.db"),
]


def write(data_dir, files):
    for name in JOURNAL:
        (data_dir / name).unlink(missing_ok=True)
    for name, data in files.items():
        (data_dir / name).write_bytes(data)


def refuse_damaged(lehrd, good, damages):
    for what, file, spoil, named in damages:
        bad = good | {file: spoil(good[file])}
        expect(bad != good, f"{what}: it changes nothing")
        write(lehrd.data_dir, bad)
        expect_refusal(lehrd, f"{lehrd.data_dir}/{named}", what)
        expect(contents(lehrd.data_dir) == bad, f"{what}: lehrd changed the journal")
    write(lehrd.data_dir, good)


def serve_without_old_row(lehrd, good, run_id):
    """A decision of long ago that is damaged: nothing is decided by it, so the supervisor serves, says
    what is wrong at its start, and at each look at that history."""
    with sqlite3.connect(f"file:{lehrd.data_dir / 'journal.db'}?immutable=1", uri=True) as database:
        rows = database.execute("SELECT decision FROM decisions ORDER BY step").fetchall()
    old = rows[len(rows) // 2][0]
    expect(good["journal.db"].count(old) == 1, "the row is not found in the file")
    write(lehrd.data_dir, good | {"journal.db": good["journal.db"].replace(old, flip_bit(old, len(old) // 2))})
    lehrd.start()
    expect("decisions does not fit its checksum" in lehrd.complaint(), f"it says {lehrd.complaint()}")
    try:
        lehrd.history(run_id)
    except Failure as failure:
        expect("decisions does not fit its checksum" in str(failure), f"lehr export says {failure}")
    else:
        expect(False, "lehr export tells the damaged history")
    lehrd.kill()
    write(lehrd.data_dir, good)


def flip_anywhere(lehrd, run_id, flips):
    """Any bit of the journal: lehrd refuses it, or cannot read what it hit, or it hit nothing. Returns
    how often each."""
    # This one has nothing to do when it is killed: all that is in the log is known to be durable.
    lehrd.start()
    history = lehrd.history(run_id)
    lehrd.kill()
    good = contents(lehrd.data_dir)
    refused = unreadable = harmless = 0
    for _ in range(flips):
        file = random.choice(sorted(good))
        position, bit = random.randrange(len(good[file])), random.randrange(8)
        where = f"bit {bit} of byte {position} of {file}"
        bad = good | {file: flip_bit(good[file], position, bit)}
        write(lehrd.data_dir, bad)
        lehrd.launch()
        wait_until(lambda: lehrd.process.poll() is not None or lehrd.serves(), "lehrd ends or serves")
        if lehrd.process.poll() is not None:
            refused += 1
            expect(str(lehrd.data_dir) in lehrd.complaint(), f"{where}: it says {lehrd.complaint()}")
            expect(contents(lehrd.data_dir) == bad, f"{where}: lehrd changed the journal")
            continue
        try:
            told = lehrd.history(run_id)
        except Failure:
            unreadable += 1
        else:
            harmless += 1
            expect(told == history, f"{where}: lehrd tells another history than was journaled")
        lehrd.kill()
    write(lehrd.data_dir, good)
    return f"{flips} random bits: {refused} refused, {unreadable} not readable, {harmless} hit nothing that counts"


@case("damage", "a bit of the journal flipped, and the journal cut",
      "lehrd does not start, names the file, leaves it byte for byte, or serves all but an old row; ranks train on; "
      "restored, it goes on")
def damage(place):
    lehrd = Lehrd(place)
    lehrd.start()
    job = Job(place, lehrd, "run")
    job.await_commands(count=50)
    lehrd.stop()
    # At an address that no rank knows.
    elsewhere = Lehrd(place, data_dir=lehrd.data_dir)
    refuse_damaged(lehrd, contents(lehrd.data_dir), STOPPED_DAMAGES)
    serve_without_old_row(elsewhere, contents(lehrd.data_dir), job.run_id)
    lehrd.start()
    job.await_commands(count=50)
    lehrd.kill()
    good = contents(lehrd.data_dir)
    refuse_damaged(lehrd, good, KILLED_DAMAGES)
    seen = flip_anywhere(elsewhere, job.run_id, 200 if place.full else 8)
    job.await_alone()
    lehrd.start()
    job.await_commands()
    return f"{len(STOPPED_DAMAGES + KILLED_DAMAGES)} damages refused; an old row named; {seen}; {check(job)}"


@case("second-lehrd", "a second lehrd on the same data",
      "refused with the first one's process id; the first goes on")
def second_lehrd(place):
    first = Lehrd(place)
    first.start()
    job = Job(place, first, "run")
    job.await_commands()
    second = Lehrd(place, data_dir=first.data_dir)
    complaint = expect_refusal(second, f"is held by process {first.process.pid}", "second")
    job.await_commands()
    expect(first.process.poll() is None, "the first one ended")
    return f"\"{complaint}\"; {check(job)}"


