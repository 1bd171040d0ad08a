#!/usr/bin/env python3
"""Every expression of the dashboards returns data, and every rule evaluates, in a real Prometheus that
scrapes a real lehrd with two real runs; promtool finds nothing wrong with that scrape.

usage: tests/deploy/dashboards_test.py BINARIES
"""
import contextlib
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests/faults"))
from processes import free_port, kill_and_reap, wait_until  # noqa: E402

PROMETHEUS = PROJECT / "deploy/prometheus"
DASHBOARDS = sorted((PROJECT / "deploy/grafana/dashboards").glob("*.json"))
# One run reheats a data set, one has the paper's policy; both outlive the test.
RUNS = {
    "digits": ["--task=digits", "--policy=reheat", "--scope=dataset"],
    "xor": ["--task=xor-relu-sum", "--policy=error_driven"],
}
VARIABLES = {"$run": "digits", "$__rate_interval": "10s"}
# Not names that a rule records: those have a colon before.
METRIC = re.compile(r"(?<![:\w])(?:lehr|process)_\w+")
BINARIES = None


def get(url, **parameters):
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(parameters)}", timeout=30) as reply:
        return reply.read().decode()


def expressions_of(node):
    """All that a dashboard asks Prometheus for."""
    if isinstance(node, dict):
        yield from (node[key] for key in ("expr",) if key in node)
        for value in node.values():
            yield from expressions_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions_of(value)


def filled_in(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


class Surroundings(contextlib.ExitStack):
    """lehrd, two trainers and Prometheus, until the block ends."""

    def __init__(self):
        super().__init__()
        self.folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory(prefix="lehr-deploy-")))
        grpc, self.lehrd = self.start_lehrd()
        for run, arguments in RUNS.items():
            self.start(run, "nice", BINARIES / "lehr-train", f"--supervisor={grpc}", f"--run={run}",
                       "--steps=100000000", "--stop_loss=0", *arguments)
        self.prometheus = self.start_prometheus()

    def start(self, name, *command):
        log = open(self.folder / f"{name}.log", "wb")
        self.callback(log.close)
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
        self.callback(kill_and_reap, process)
        return process

    def start_lehrd(self):
        """The addresses of its gRPC and its HTTP."""
        process = self.start("lehrd", BINARIES / "lehrd", f"--data_dir={self.folder / 'data'}", "--listen=127.0.0.1:0",
                             "--http=127.0.0.1:0", "--log_format=json")

        def addresses():
            lines = (self.folder / "lehrd.log").read_text().splitlines(keepends=True)
            records = [json.loads(line) for line in lines if line.endswith("\n")]
            return [record["address"] for record in records if record["msg"].startswith("serving ")]
        wait_until(lambda: len(addresses()) == 2 or process.poll() is not None, "lehrd serves")
        return addresses()[0], f"http://{addresses()[1]}"

    def start_prometheus(self):
        """Its address. With the committed configuration, but faster and on this lehrd."""
        config = (PROMETHEUS / "prometheus.yaml").read_text()
        for old, new in {": 15s": ": 1s", "127.0.0.1:7071": self.lehrd.removeprefix("http://"),
                         "- lehr_": f"- {PROMETHEUS}/lehr_"}.items():
            assert old in config, old
            config = config.replace(old, new)
        (self.folder / "prometheus.yaml").write_text(config)
        address = f"127.0.0.1:{free_port()}"
        process = self.start("prometheus", "prometheus", f"--config.file={self.folder / 'prometheus.yaml'}",
                             f"--storage.tsdb.path={self.folder / 'tsdb'}", f"--web.listen-address={address}")

        def is_ready():
            try:
                return get(f"http://{address}/-/ready") or True
            except OSError:
                return False
        wait_until(lambda: is_ready() or process.poll() is not None, "Prometheus is ready")
        return f"http://{address}"

    def numbers(self, expression):
        """What Prometheus has for it now; raises if it does not parse."""
        result = json.loads(get(f"{self.prometheus}/api/v1/query", query=expression))["data"]["result"]
        values = [float(sample["value"][1]) for sample in result]
        return [value for value in values if not math.isnan(value)]


class DeployTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.at = cls.enterClassContext(Surroundings())

    def test_there_are_two_dashboards(self):
        self.assertEqual([path.stem for path in DASHBOARDS], ["lehr-fleet", "lehr-run"])

    def test_every_expression_returns_data(self):
        for path in DASHBOARDS:
            expressions = set(expressions_of(json.loads(path.read_text())))
            self.assertGreater(len(expressions), 15)
            for expression in sorted(expressions):
                with self.subTest(dashboard=path.stem, expression=expression):
                    query = filled_in(expression)
                    self.assertNotIn("$", query)
                    wait_until(lambda: self.at.numbers(query), query)

    def test_the_run_variable_offers_the_runs(self):
        dashboard = json.loads((PROJECT / "deploy/grafana/dashboards/lehr-run.json").read_text())
        [query] = [v["query"] for v in dashboard["templating"]["list"] if v["name"] == "run"]
        series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
        wait_until(lambda: set(json.loads(get(f"{self.at.prometheus}/api/v1/label/{label}/values",
                                              **{"match[]": series}))["data"]) == set(RUNS), query)

    def test_every_rule_evaluates(self):
        def rules():
            groups = json.loads(get(f"{self.at.prometheus}/api/v1/rules"))["data"]["groups"]
            return [rule for group in groups for rule in group["rules"]]
        wait_until(lambda: all(rule["health"] != "unknown" for rule in rules()), "all rules are evaluated")
        self.assertEqual([rule["name"] for rule in rules() if rule["health"] != "ok"], [])
        self.assertGreater(len(rules()), 10)

    def test_every_metric_that_is_asked_for_is_in_the_scrape(self):
        scrape = get(f"{self.at.lehrd}/metrics")
        served = set(METRIC.findall(scrape))
        asked = {name for path in [*DASHBOARDS, *PROMETHEUS.glob("lehr_*.yaml")]
                 for name in METRIC.findall(path.read_text().replace("lehr_rules", "").replace("lehr_alerts", ""))}
        self.assertEqual(asked - served, set())
        self.assertIn("lehr_run_stalled", asked)

    def test_promtool_finds_nothing_wrong_with_the_scrape(self):
        wait_until(lambda: 'lehr_run_temperature{run="digits"}' in get(f"{self.at.lehrd}/metrics"), "a decision")
        check = subprocess.run(["promtool", "check", "metrics"], input=get(f"{self.at.lehrd}/metrics"), text=True,
                               capture_output=True, check=False)
        self.assertEqual((check.returncode, check.stdout + check.stderr), (0, ""))


if __name__ == "__main__":
    BINARIES = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
