"""Bad input: each row is a test of bad_input_test.cc."""

import json
import subprocess

from cases import case
from processes import Failure, PATIENCE_SECONDS, Skip

# name, fault, expected, test.
ROWS = [
    ("bad-world-size", "a rank joins with another world size", "FAILED_PRECONDITION, both sizes", "WrongWorldSize"),
    ("bad-rank", "rank >= world size", "INVALID_ARGUMENT, the rank", "RankBeyondTheWorldSize"),
    ("bad-window", "a step outside the window", "Refused OUTSIDE_WINDOW, the step", "StepOutsideTheWindow"),
    ("bad-step", "step 2^62, 2^63 - 1 and -2^63 (what 2^63 is on the wire)", "Refused INVALID, the step",
     "StepOfTwoToThe63"),
    ("bad-generation", "a rank of an older generation", "FAILED_PRECONDITION, both generations", "AnotherGeneration"),
    ("bad-resend", "a step sent again with other losses", "Refused CONFLICT; the first losses count",
     "ConflictingResend"),
    ("bad-empty", "an empty report", "allowed: no data", "EmptyReport"),
    ("bad-piece", "2^20 + 1 losses in a message", "Refused INVALID, the number", "MoreLossesThanAMessageMayHold"),
    ("bad-total", "2^24 + 1 losses in a step", "Refused INVALID, the number", "MoreLossesThanAStepMayHold"),
    ("bad-message", "a message beyond 16 MiB", "RESOURCE_EXHAUSTED; the rank may join again", "MessageBeyond16MiB"),
    ("bad-ids", "no example ids in scope dataset", "Refused INVALID, the step", "IdsMissingWhereTheScopeNeedsThem"),
    ("bad-twin", "two processes with one rank number", "ALREADY_EXISTS, the rank", "TwoRanksWithOneNumber"),
    ("bad-timeouts", "straggler timeout >= decision timeout", "INVALID_ARGUMENT by the client, both",
     "TimeoutsInTheWrongOrder"),
]


def run_test(place, test):
    report = place.folder / "result.json"
    subprocess.run([place.binary("bad_input_test"), f"--gtest_filter=*.{test}", f"--gtest_output=json:{report}"],
                   capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    if not report.exists():
        raise Failure("bad_input_test crashed")
    tests = [t for suite in json.loads(report.read_text())["testsuites"] for t in suite["testsuite"]]
    if len(tests) != 1:
        raise Failure(f"{len(tests)} tests are called {test}")
    result = tests[0]
    if result["result"] == "SKIPPED":
        raise Skip(result["seen"])
    if "failures" in result:
        raise Failure("; ".join(failure["failure"] for failure in result["failures"]))
    return result["seen"]


for name, fault, expected, test in ROWS:
    # The last one never leaves the trainer.
    others = "" if name == "bad-timeouts" else "; the others get their decision"
    case(name, fault, expected + others)(
        lambda place, test=test: run_test(place, test))
