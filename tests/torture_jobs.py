#!/usr/bin/env python3
"""Tortures schedulers: several `moongate jobs start` on one store, killed and stopped at random, and
an account of every slot and of each effect on the simulator.

usage: torture_jobs.py MOONGATE FOLDER [--slots N] [--seed N] [--lease S] [--store STORE]
Ends with "N passed, N failed". Each slot creates a workspace of its own in three steps with pauses
in between, so that most deaths fall into the middle of a run.
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

UTC = dt.timezone.utc
HOSTS = 3
KEY = re.compile(r"(\d{8}-\d{6})\.json$")

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

JOBS = [("fast", "2s", "overlap = 'buffer-all'"), ("steady", "3s", "overlap = 'allow'"),
        ("slow", "5s", "overlap = 'buffer-all', retries = 3, retry_after = '1s'")]


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("moongate")
    parser.add_argument("folder")
    parser.add_argument("--slots", type=int, default=60)
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
        self.lease = options.lease
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
            for name, every, rest in JOBS:
                file.write(f"job '{name}' {{every = '{every}', script = 'effect.lua', "
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


class Counts:
    def __init__(self):
        self.kills = self.kills_with_runs = self.stops = self.drains = 0
        self.wrong = []

    def complain(self, text):
        self.wrong.append(text)


def slots_of(every, first, last):
    step = int(every[:-1])
    return [at for at in range(int(first) + 1, int(last) + 1) if at % step == 0]


def hurt(hosts, arena, counts, numbers):
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
        stopped = host.signal(signal.SIGSTOP, with_children)
        time.sleep(min(random.expovariate(1 / arena.lease), 4 * arena.lease))
        for pid in stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
    else:
        counts.drains += 1
        code = host.end(signal.SIGTERM, False)
        if code != 0:
            counts.complain(f"a scheduler that was asked to end said {code}")
        hosts[i] = Host(arena, next(numbers))


def count_up():
    number = 0
    while True:
        number += 1
        yield number


def history(arena, name):
    answer = subprocess.run(arena.command("jobs", "history", name, "--limit", "10000", "--output",
                                          "json"),
                            capture_output=True, text=True, env=arena.environment)
    if answer.returncode != 0:
        sys.exit(answer.stderr)
    return json.loads(answer.stdout)["slots"]


def is_settled(arena, last):
    return all(entry["status"] != "running" for name, _, _ in JOBS
               for entry in history(arena, name) if moment(entry) <= last)


def moment(entry):
    at = entry["slot"]
    if isinstance(at, str):
        return dt.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()
    return at


def audit(arena, first, last, counts):
    """Each slot exactly once, each effect once."""
    made, total, latest = {}, 0, 0
    for entry in arena.ledger():
        name = entry["id"].rsplit("/", 1)[-1]
        if name.startswith("w-"):
            made[name] = (entry["created"], entry["changed"], entry["deleted"])
    for name, every, _ in JOBS:
        found = {}
        for entry in history(arena, name):
            found.setdefault(int(moment(entry)), []).append(entry)
        for slot in slots_of(every, first, last):
            total += 1
            entries = found.get(slot, [])
            text = dt.datetime.fromtimestamp(slot, UTC).strftime("%Y%m%d%H%M%S")
            if [entry["status"] for entry in entries] != ["succeeded"]:
                counts.complain(f"{name} {text}: {[entry['status'] for entry in entries]}")
                continue
            latest = max(latest, entries[0].get("late") or 0)
            effect = made.get(f"w-{name}-{text}")
            if effect != (1, 2, 0):
                counts.complain(f"{name} {text}: created, changed, deleted: {effect}")
    return total, latest


def take_overs(arena):
    count = 0
    for name in os.listdir(arena.folder):
        if name.startswith("host-"):
            with open(arena.path(name), errors="replace") as file:
                count += sum(" is taken up" in line for line in file)
    return count


def torture(arena, hosts, options, counts):
    """Misfortunes until there are so many slots; then until all have ended. Returns when."""
    numbers = count_up()
    hosts.extend(Host(arena, next(numbers)) for _ in range(HOSTS))
    time.sleep(1.5)  # the jobs are known
    first = time.time()
    rate = sum(1 / int(every[:-1]) for _, every, _ in JOBS)
    while time.time() < first + options.slots / rate:
        time.sleep(random.expovariate(1 / 1.5))
        hurt(hosts, arena, counts, numbers)
    last = time.time()
    deadline = last + 60 + 10 * arena.lease
    while not is_settled(arena, last) and time.time() < deadline:
        time.sleep(1)
    for host in hosts:
        code = host.end(signal.SIGTERM, False)
        if code != 0:
            counts.complain(f"a scheduler that was asked to end said {code}")
    return first, last - 1


def tell(arena, counts, total, latest):
    for text in counts.wrong[:20]:
        print(text)
    print(f"{total} slots; {counts.kills} kills ({counts.kills_with_runs} with the runs), "
          f"{counts.stops} stops, {counts.drains} drains; {take_overs(arena)} taken up; at most "
          f"{latest:.1f} s late")
    print(f"{total - min(len(counts.wrong), total)} passed, {len(counts.wrong)} failed")


def main():
    options = parse()
    random.seed(options.seed)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    arena, counts, hosts = Arena(options), Counts(), []
    try:
        first, last = torture(arena, hosts, options, counts)
        total, latest = audit(arena, first, last, counts)
    finally:
        for host in hosts:
            host.end(signal.SIGKILL, True)
        arena.simulator.kill()
    tell(arena, counts, total, latest)
    return 1 if counts.wrong else 0


sys.exit(main())
