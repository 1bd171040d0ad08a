"""A journal that is lost, and comes back from a backup that is older than what the ranks have seen."""

import pathlib
import shutil
import signal
import subprocess

import verdict
from cases import case
from processes import Failure, Job, Lehrd, expect, wait_until


def states_of_threads(pid):
    stats = [(task / "stat").read_text() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
    return {stat.rpartition(")")[2].split()[0] for stat in stats}


def copy_journal(source, target):
    target.mkdir()
    for file in source.glob("journal.*"):
        shutil.copy(file, target)


def snapshot(lehrd, target):
    """All files at one moment, as a snapshot of their file system has them."""
    lehrd.signal(signal.SIGSTOP)
    wait_until(lambda: states_of_threads(lehrd.pid()) == {"T"}, "lehrd stands still")
    copy_journal(lehrd.data_dir, target)
    lehrd.signal(signal.SIGCONT)


def copy_between_two(lehrd, target):
    """While no lehrd runs."""
    lehrd.stop()
    copy_journal(lehrd.data_dir, target)
    lehrd.start()


def check_journal(place, data_dir):
    before = {file.name: file.read_bytes() for file in data_dir.iterdir()}
    checked = subprocess.run([place.binary("lehrd"), "--check_journal", f"--data_dir={data_dir}"],
                             capture_output=True, text=True, check=False)
    expect(checked.returncode == 0, f"--check_journal of {data_dir}: {checked.stderr}")
    expect({file.name: file.read_bytes() for file in data_dir.iterdir()} == before, "--check_journal changed something")


def put_back(backup, data_dir):
    data_dir.mkdir()
    # Without journal.durable: it says how far the journal must reach, and this one is older.
    for file in backup.glob("journal.db*"):
        shutil.copy(file, data_dir)


def by_key(history):
    return {(int(entry["decision"]["generation"]), int(entry["decision"]["step"])): entry for entry in history}


def history_in(place, data_dir, run_id):
    lehrd = Lehrd(place, data_dir=data_dir)
    lehrd.start()
    history = by_key(lehrd.history(run_id))
    lehrd.kill()
    return history


def is_unknown(entry):
    return entry["decision"]["reason"]["code"] == "CODE_UNKNOWN_AFTER_CRASH" and not entry["decision"]["actions"]


def learn(known, told):
    """Adds to what was ever decided what a journal tells, which may have forgotten some of it, and no more
    than that."""
    for key, entry in told.items():
        if key not in known or is_unknown(known[key]):
            known[key] = entry
        elif not is_unknown(entry):
            expect(entry["decision"] == known[key]["decision"],
                   f"{key} was decided twice: {known[key]['decision']}, and {entry['decision']}")


def expect_all_of(backup, told):
    for key, entry in backup.items():
        expect(key in told and told[key]["decision"] == entry["decision"], f"{key} of the backup is not as it was")


@case("restore", "the journal is lost, and an older backup is put back: of a running lehrd, and of a stopped one",
      "what the backup has is unchanged, no step gets a second decision; ranks rejoin; replicas equal")
def restore(place):
    lehrd = Lehrd(place)
    lehrd.start()
    job = Job(place, lehrd, "run")
    known = {}
    seen = []
    for name, take_backup in (("running", snapshot), ("stopped", copy_between_two)):
        job.await_commands(count=50)
        in_backup = by_key(lehrd.history(job.run_id))
        backup = place.folder / name
        take_backup(lehrd, backup)
        check_journal(place, backup)
        job.await_commands(count=50)
        # Ranks then know a later epoch than the backup.
        lehrd.kill()
        lehrd.start()
        job.await_commands(count=50)
        # In the middle of whatever it does: some ranks have a decision that others wait for.
        lehrd.kill()
        lost_dir = lehrd.data_dir.rename(place.folder / f"lost-{name}")
        put_back(backup, lehrd.data_dir)
        job.await_alone()
        lehrd.start()
        back = job.await_commands()
        lost = history_in(place, lost_dir, job.run_id)
        told = by_key(lehrd.history(job.run_id))
        expect_all_of(in_backup, told)
        learn(known, lost)
        learn(known, told)
        forgotten = sum(key not in told or is_unknown(told[key]) for key in lost)
        expect(forgotten >= 50, f"only {forgotten} steps were lost")
        seen.append(f"{name}: {forgotten} of {len(lost)} decisions forgotten, acts again after {back:.1f} s")
    steps = job.finish()
    learn(known, by_key(lehrd.history(job.run_id)))
    found = verdict.faults(steps, list(known.values()), job.decision_timeout + 10)
    if found:
        raise Failure("; ".join(found[:5]))
    return f"{'; '.join(seen)}; {len(steps[0])} steps, {job.world_size} replicas equal at each"
