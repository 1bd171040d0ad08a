"""The network between ranks and lehrd: by a proxy of our own, and by the kernel's packet filter in a
network namespace."""

import os
import subprocess

from cases import case, check
from processes import Job, Lehrd, Skip, expect
from proxy import Proxy


def supervised_through(place, proxy_of):
    lehrd = Lehrd(place)
    lehrd.start()
    proxy = proxy_of(lehrd)
    job = Job(place, lehrd, "run", address=proxy.address)
    job.await_commands()
    return job, proxy


def started_proxy(place):
    return lambda lehrd: Proxy(lehrd.address).begin(place)


@case("net-delay", "100 ms of delay each way, 80 ms of jitter (proxy)", "every command comes in time")
def net_delay(place):
    job, proxy = supervised_through(place, started_proxy(place))
    proxy.delay, proxy.jitter = 0.1, 0.08
    first = len(job.steps[0])
    job.await_commands(count=50 if place.full else 10)
    waited = sorted(step["waited"] for step in job.steps[0][first:])
    proxy.delay = proxy.jitter = 0
    return f"median step {waited[len(waited) // 2]:.2f} s; {check(job)}"


@case("net-reset", "RST in the middle of messages, again and again (proxy)",
      "ranks train on and rejoin; replicas equal")
def net_reset(place):
    job, proxy = supervised_through(place, started_proxy(place))
    for _ in range(20 if place.full else 3):
        before = proxy.resets
        proxy.resetting = True
        job.await_steps(lambda step: not step["applied"] or proxy.resets > before, 1, "steps of a reset stream")
        proxy.resetting = False
        job.await_commands(count=3)
    expect(proxy.resets >= 3, f"only {proxy.resets} resets")
    return f"{proxy.resets} resets; {check(job)}"


@case("net-half-open", "lehrd's end of each connection vanishes, the ranks' stays (proxy)",
      "one wait (decision timeout), then new streams; replicas equal")
def net_half_open(place):
    job, proxy = supervised_through(place, started_proxy(place))
    first = len(job.steps[0])
    job.collective.between_steps(proxy.lose_server)
    back = job.await_commands()
    waits = [job.long_waits(rank, job.decision_timeout / 2, first) for rank in job.ranks()]
    expect(all(len(steps) <= 1 for steps in waits), f"steps that waited: {waits}")
    return f"acts again after {back:.1f} s; {check(job)}"


def one_way(place, direction):
    job, proxy = supervised_through(place, started_proxy(place))
    first = len(job.steps[0])
    job.collective.between_steps(lambda: proxy.stalled.add(direction))
    job.await_alone()
    waits = [job.long_waits(rank, job.decision_timeout / 2, first) for rank in job.ranks()]
    proxy.stalled.clear()
    back = job.await_commands()
    expect(all(len(steps) <= 1 for steps in waits), f"steps that waited: {waits}")
    return f"acts again after {back:.1f} s; {check(job)}"


@case("net-one-way-up", "nothing gets to lehrd, later all of it at once (proxy)",
      "one wait, then full speed; rejoined; late reports change nothing")
def net_one_way_up(place):
    return one_way(place, "up")


@case("net-one-way-down", "nothing gets to the ranks, later all of it at once (proxy)",
      "one wait, then full speed; rejoined; late decisions are not applied")
def net_one_way_down(place):
    return one_way(place, "down")


class Namespace:
    """A network namespace with a loopback of its own, and its packet filter."""

    def __init__(self, place):
        self.name = f"lehr-faults-{os.getpid()}"
        self.inside = ["ip", "netns", "exec", self.name]
        try:
            self.call("ip", "netns", "add", self.name)
            place.callback(self.call, "ip", "netns", "delete", self.name)
            self.call(*self.inside, "ip", "link", "set", "lo", "up")
            self.call(*self.inside, "iptables", "--list")
        except (OSError, subprocess.CalledProcessError) as error:
            raise Skip(f"no network namespace with a packet filter: {error}") from None

    def call(self, *command):
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def begin(self, rule):
        self.call(*self.inside, "iptables", "--append", "INPUT", "--protocol", "tcp", *rule)

    def end(self):
        self.call(*self.inside, "iptables", "--flush", "INPUT")


def filtered(place, rules, during):
    """Runs a job, `during` with these rules in force, and to its end without them."""
    namespace = Namespace(place)
    lehrd = Lehrd(place, inside=namespace.inside)
    lehrd.start()
    job = Job(place, lehrd, "run", inside=namespace.inside)
    job.await_commands()
    first = len(job.steps[0])
    port = lehrd.address.split(":")[1]

    def begin():
        for rule in rules:
            namespace.begin([word.replace("PORT", port) for word in rule.split()])

    job.collective.between_steps(begin)
    during(job)
    waits = [job.long_waits(rank, job.decision_timeout / 2, first) for rank in job.ranks()]
    namespace.end()
    back = job.await_commands()
    return job, waits, f"acts again after {back:.1f} s"


@case("net-loss", "20 % of all packets lost, both ways (iptables)",
      "commands still come, late ones are not applied; replicas equal")
def net_loss(place):
    rules = [f"--{end} PORT --match statistic --mode random --probability 0.2 --jump DROP"
             for end in ("dport", "sport")]
    job, _, seen = filtered(place, rules, lambda job: job.await_commands(count=100 if place.full else 10))
    return f"{seen}; {check(job)}"


@case("net-reject", "each packet to lehrd answered by RST (iptables)", "ranks train on at once and rejoin")
def net_reject(place):
    job, waits, seen = filtered(place, ["--dport PORT --jump REJECT --reject-with tcp-reset"],
                                lambda job: job.await_alone())
    expect(all(len(steps) <= 1 for steps in waits), f"steps that waited: {waits}")
    return f"{seen}; {check(job)}"


@case("net-drop-up", "each packet to lehrd dropped (iptables)", "one wait, then full speed; rejoined")
def net_drop_up(place):
    job, waits, seen = filtered(place, ["--dport PORT --jump DROP"], lambda job: job.await_alone())
    expect(all(len(steps) <= 1 for steps in waits), f"steps that waited: {waits}")
    return f"{seen}; {check(job)}"


@case("net-drop-down", "each packet from lehrd dropped (iptables)", "one wait, then full speed; rejoined")
def net_drop_down(place):
    job, waits, seen = filtered(place, ["--sport PORT --jump DROP"], lambda job: job.await_alone())
    expect(all(len(steps) <= 1 for steps in waits), f"steps that waited: {waits}")
    return f"{seen}; {check(job)}"
