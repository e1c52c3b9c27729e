#!/usr/bin/env python3
"""Tortures schedulers: several `moongate jobs start` on one store, killed and stopped at random, and
an account of every slot and of each effect on the simulator.

usage: torture_jobs.py MOONGATE FOLDER [--slots N] [--sets N] [--calm S] [--seed N] [--lease S]
       [--store STORE]
Ends with "N passed, N failed". Each slot creates a workspace of its own in three steps with pauses
in between, so that most deaths fall into the middle of a run. There are N sets of three jobs, and
S seconds between two misfortunes on average; a host that is stopped sleeps on through others.
"""

import argparse
import datetime as dt
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request

import torture_stores

UTC = dt.timezone.utc
HOSTS = 3
ENDED = re.compile(r"(\d{8}-\d{6})\.end\.json$")

SCRIPT = """\
local run = require "run"
local tasks = require "tasks"
local workspaces = require "workspaces"

local name = ("w-%s-%s"):format(arg[1], os.date("!%Y%m%d%H%M%S", run.slot))
workspaces.ensure(name, {display_name = "one"})
tasks.sleep(0.3)
workspaces.update(name, {display_name = "two"})
tasks.sleep(0.3)
workspaces.update(name, {display_name = "three"})
"""

# name, seconds from slot to slot, the rest
KINDS = [("fast", 2, "overlap = 'buffer-all'"), ("steady", 3, "overlap = 'allow'"),
         ("slow", 5, "overlap = 'buffer-all', retries = 3, retry_after = '1s'")]


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("moongate")
    parser.add_argument("folder")
    parser.add_argument("--slots", type=int, default=60)
    parser.add_argument("--sets", type=int, default=1)
    parser.add_argument("--calm", type=float, default=1.5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lease", type=float, default=3)
    parser.add_argument("--store")
    return parser.parse_args()


class Arena:
    """A simulator, a configuration, a store."""

    def __init__(self, options):
        self.moongate = os.path.abspath(options.moongate)
        self.folder = os.path.abspath(options.folder)
        self.store = options.store or os.path.join(self.folder, "store")
        self.holds = torture_stores.open_store(self.store)
        self.lease = options.lease
        self.jobs = [(f"{name}-{n}", every, rest)
                     for n in range(1, options.sets + 1) for name, every, rest in KINDS]
        self.environment = dict(os.environ, XDG_STATE_HOME=self.folder)
        os.makedirs(self.folder, exist_ok=True)
        self.write()
        self.start_simulator()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self):
        with open(self.path("effect.lua"), "w") as file:
            file.write(SCRIPT)
        with open(self.path("world.json"), "w") as file:
            json.dump({"limits": {"workspaces_per_service": 100000, "reads": None, "writes": None,
                                  "deletes": None}}, file)
        with open(self.path("moongate.lua"), "w") as file:
            for name, every, rest in self.jobs:
                file.write(f"job '{name}' {{every = '{every}s', script = 'effect.lua', "
                           f"args = {{'{name}'}}, keep = 100000, {rest}}}\n")

    def start_simulator(self):
        self.simulator = subprocess.Popen(
            [self.moongate, "sim", "--listen", "127.0.0.1:0", "--control", "--world",
             self.path("world.json")],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.environment)
        for line in self.simulator.stdout:
            if line.strip() == "ready":
                return
            word = re.match(r"export (\w+)='?([^'\n]*)'?$", line)
            if word:
                self.environment[word[1]] = word[2]
        sys.exit("the simulator did not start")

    def ledger(self):
        url = self.environment["MOONGATE_ENDPOINT"] + "/_sim/ledger"
        with urllib.request.urlopen(url) as answer:
            return json.load(answer)["resources"]

    def command(self, *words):
        return [self.moongate, *words, "--store", self.store, "--config",
                self.path("moongate.lua")]


class Host:
    """A scheduler with the processes that it starts."""

    def __init__(self, arena, number):
        self.log = open(arena.path(f"host-{number}.log"), "ab")
        self.process = subprocess.Popen(
            arena.command("jobs", "start", "--lease", f"{arena.lease}s", "--grace", "5s"),
            stdout=self.log, stderr=self.log, env=arena.environment, start_new_session=True)

    def children(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                return [int(word) for word in file.read().split()]
        except FileNotFoundError:
            return []

    def signal(self, number, with_children):
        if self.process.poll() is not None:
            return []
        everyone = [self.process.pid] + (self.children() if with_children else [])
        for pid in everyone:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        return everyone

    def end(self, number, with_children):
        self.signal(number, with_children)
        code = self.process.wait()
        self.log.close()
        return code


class Sleepers:
    """Processes that are stopped, each until its time."""

    def __init__(self):
        self.stopped = []

    def stop(self, host, with_children, seconds):
        self.stopped.append((time.time() + seconds, host.signal(signal.SIGSTOP, with_children)))

    def wake(self, now=float("inf")):
        due = [pids for at, pids in self.stopped if at <= now]
        self.stopped = [(at, pids) for at, pids in self.stopped if at > now]
        for pid in (pid for pids in due for pid in pids):
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass


class Counts:
    def __init__(self):
        self.kills = self.kills_with_runs = self.stops = self.drains = 0
        self.slots = self.claimed_late = self.ended_late = 0
        self.wrong = []

    def complain(self, text):
        self.wrong.append(text)


def slots_of(every, first, last):
    return [at for at in range(int(first) + 1, int(last) + 1) if at % every == 0]


def drain(host, counts):
    host.signal(signal.SIGCONT, True)  # it may be stopped
    code = host.end(signal.SIGTERM, False)
    if code != 0:
        counts.complain(f"a scheduler that was asked to end said {code}")


def hurt(hosts, arena, counts, numbers, sleepers):
    """One misfortune."""
    i = random.randrange(len(hosts))
    host, what = hosts[i], random.random()
    with_children = random.random() < 0.5
    if what < 0.45:
        counts.kills += 1
        counts.kills_with_runs += with_children
        host.end(signal.SIGKILL, with_children)
        time.sleep(random.expovariate(1))
        hosts[i] = Host(arena, next(numbers))
    elif what < 0.85:
        counts.stops += 1
        seconds = min(random.expovariate(1 / arena.lease), 4 * arena.lease)
        sleepers.stop(host, with_children, seconds)
    else:
        counts.drains += 1
        drain(host, counts)
        hosts[i] = Host(arena, next(numbers))


def count_up():
    number = 0
    while True:
        number += 1
        yield number


def ask(arena, *words):
    answer = subprocess.run([*arena.command(*words), "--output", "json"], capture_output=True,
                            text=True, env=arena.environment)
    if answer.returncode != 0:
        sys.exit(answer.stderr)
    return json.loads(answer.stdout)


def text_of(at):
    return dt.datetime.fromtimestamp(at, UTC).strftime("%Y%m%d-%H%M%S")


def moment(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def has_ended(arena, first, last):
    """Whether all slots of a span have."""
    for name, every, _ in arena.jobs:
        found = map(ENDED.match, arena.holds.names(f"jobs/slots/{name}/"))
        ended = {match[1] for match in found if match}
        if not ended.issuperset(map(text_of, slots_of(every, first, last))):
            return False
    return True


def wait(condition, seconds):
    deadline = time.time() + seconds
    while not condition() and time.time() < deadline:
        time.sleep(1)


def effects(arena):
    """What was done to each workspace, by its name: created, changed, deleted."""
    made = {}
    for entry in arena.ledger():
        name = entry["id"].rsplit("/", 1)[-1]
        if name.startswith("w-"):
            made[name] = (entry["created"], entry["changed"], entry["deleted"])
    return made


def audit_entry(arena, name, entry, made, counts):
    """A slot that succeeded, and its effect. Both as they should be?"""
    slot = moment(entry["slot"])
    effect = made.pop(f"w-{name}-{text_of(slot).replace('-', '')}", None)
    if effect != (1, 2, 0):
        counts.complain(f"{name} {text_of(slot)}: created, changed, deleted: {effect}")
    counts.claimed_late = max(counts.claimed_late, entry.get("late") or 0)
    counts.ended_late = max(counts.ended_late, moment(entry["ended"]) - slot)


def audit_slots(arena, first, last, counts):
    """Each slot of the span exactly once, each effect of any slot once."""
    made = effects(arena)
    for name, every, _ in arena.jobs:
        found = {}
        for entry in ask(arena, "jobs", "history", name, "--limit", "10000")["slots"]:
            found.setdefault(int(moment(entry["slot"])), []).append(entry)
        wanted = slots_of(every, first, last)
        counts.slots += len(wanted)
        for slot in sorted({*wanted, *found}):
            entries = found.get(slot, [])
            if [entry["status"] for entry in entries] == ["succeeded"]:
                audit_entry(arena, name, entries[0], made, counts)
            else:
                counts.complain(f"{name} {text_of(slot)}: {[e['status'] for e in entries]}")
    for name, effect in made.items():
        counts.complain(f"{name} is of no slot that succeeded: {effect}")


def audit_rest(arena, counts):
    """Nothing is left: no mark of a slot, no run without its end."""
    for name in arena.holds.names("jobs/open/"):
        counts.complain(f"jobs/open/{name} is left")
    listing = ask(arena, "runs", "list", "--all")
    for run in listing["runs"]:
        if run["state"] != "succeeded":
            counts.complain(f"run {run['id']}: {run['state']}")


def take_overs(arena):
    count = 0
    for name in os.listdir(arena.folder):
        if name.startswith("host-"):
            with open(arena.path(name), errors="replace") as file:
                count += sum(" is taken up" in line for line in file)
    return count


def come_to_rest(arena, first, last):
    """No more misfortunes: until all slots of the span have ended, and then all that began since."""
    wait(lambda: has_ended(arena, first, last), 120 + 10 * arena.lease)
    subprocess.run(arena.command("jobs", "pause", *(name for name, _, _ in arena.jobs)), check=True,
                   stdout=subprocess.DEVNULL, env=arena.environment)
    time.sleep(arena.lease)  # each host looks for pauses twice in a lease
    wait(lambda: not arena.holds.names("jobs/open/"), 60 + 4 * arena.lease)


def torture(arena, hosts, options, counts):
    """Misfortunes until there are so many slots; then until all have ended. Returns when."""
    numbers, sleepers = count_up(), Sleepers()
    hosts.extend(Host(arena, next(numbers)) for _ in range(HOSTS))
    time.sleep(options.lease / 2)  # the jobs are known
    first = time.time()
    rate = sum(1 / every for _, every, _ in arena.jobs)
    try:
        while time.time() < first + options.slots / rate:
            time.sleep(random.expovariate(1 / options.calm))
            sleepers.wake(time.time())
            hurt(hosts, arena, counts, numbers, sleepers)
    finally:
        sleepers.wake()
    last = time.time()
    come_to_rest(arena, first, last)
    for host in hosts:
        drain(host, counts)
    return first, last - 1


def tell(arena, counts, seconds):
    for text in counts.wrong[:20]:
        print(text)
    print(f"{counts.slots} slots in {seconds:.0f} s; {counts.kills} kills ({counts.kills_with_runs} "
          f"with the runs), {counts.stops} stops, {counts.drains} drains; {take_overs(arena)} taken "
          f"up; begun at most {counts.claimed_late:.1f} s late, ended {counts.ended_late:.1f} s after "
          f"the slot")
    failed = len(counts.wrong)
    print(f"{max(counts.slots - failed, 0)} passed, {failed} failed")


def main():
    options = parse()
    random.seed(options.seed)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began, arena, counts, hosts = time.time(), Arena(options), Counts(), []
    try:
        first, last = torture(arena, hosts, options, counts)
        audit_slots(arena, first, last, counts)
        audit_rest(arena, counts)
    finally:
        for host in hosts:
            host.end(signal.SIGKILL, True)
        arena.simulator.kill()
    tell(arena, counts, time.time() - began)
    return 1 if counts.wrong else 0


sys.exit(main())
