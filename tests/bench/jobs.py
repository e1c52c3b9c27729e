#!/usr/bin/env python3
"""Measures the scheduler with 10,000 jobs.

usage: jobs.py MOONGATE FOLDER start|restart|idle|spread|minute
  start    ms from exec to ready, and MB; the store is empty
  restart  the same when all have run before, and s until the slots that were missed meanwhile are
           written down or queued, and how late a slot came that was due then
  idle     CPU of a minute in which nothing is due, in percent
  spread   how late runs began: the 99th of 100, and the latest, of a minute in which 170 were due
  minute   the same of 600 that are due at once
"""

import calendar
import datetime
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

MOONGATE, FOLDER, WHAT = sys.argv[1:4]
JOBS = 10000
STORE = os.path.join(FOLDER, "store")


def write(lines):
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    with open(os.path.join(FOLDER, "nothing.lua"), "w") as file:
        file.write("return\n")
    with open(os.path.join(FOLDER, "moongate.lua"), "w") as file:
        file.write("\n".join(lines) + "\n")


def job(i, schedule, rest=""):
    return f"job 'job-{i:05}' {{{schedule}, script = 'nothing.lua'{rest}}}"


schedulers = []


class Scheduler:
    """One that is ready when it is made; its start is timed by the notice of systemd's protocol."""

    def __init__(self, *words):
        notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = os.path.join(FOLDER, "notices")
        if os.path.exists(path):
            os.unlink(path)
        notices.bind(path)
        began = time.monotonic()
        self.log = open(os.path.join(FOLDER, "log"), "w+")
        self.process = subprocess.Popen(
            [MOONGATE, "jobs", "start", "--store", STORE, "--config",
             os.path.join(FOLDER, "moongate.lua"), *words],
            stdout=self.log, stderr=self.log, env=dict(os.environ, NOTIFY_SOCKET=path))
        schedulers.append(self.process)
        while b"READY=1" not in notices.recv(4096):
            pass
        self.ready_ms = (time.monotonic() - began) * 1000

    def field(self, name, place):
        with open(f"/proc/{self.process.pid}/{name}") as file:
            return file.read().rsplit(")", 1)[-1].split()[place]

    def cpu_s(self):
        return (int(self.field("stat", 11)) + int(self.field("stat", 12))) / os.sysconf(
            "SC_CLK_TCK")

    def peak_mb(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) / 1024

    def end(self):
        self.process.terminate()
        if self.process.wait() != 0:
            self.log.seek(0)
            sys.exit("the scheduler failed: " + self.log.read()[-2000:])


def seconds(key):
    return calendar.timegm(time.strptime(key[:15], "%Y%m%d-%H%M%S"))


def begun(first, last):
    """How late the runs of slots of that time began, by their own records."""
    late = []
    for folder, _, names in os.walk(os.path.join(STORE, "jobs", "slots")):
        for name in names:
            if re.fullmatch(r"\d{8}-\d{6}\.json", name) and first <= seconds(name) <= last:
                with open(os.path.join(folder, name)) as file:
                    claim = json.load(file)
                with open(os.path.join(STORE, "runs", claim["run"], "run.json")) as file:
                    started = json.load(file)["started"]
                late.append(moment(started) - moment(claim["at"]) + claim["late"])
    return sorted(late)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def at_minutes():
    return [job(i, f"schedule = '{i % 60} * * * *'", ", jitter = '45s'") for i in range(JOBS)]


def start():
    write(at_minutes())
    scheduler = Scheduler()
    print(f"{scheduler.ready_ms:.0f} {scheduler.peak_mb():.0f}")
    scheduler.end()


def idle():
    write(job(i, f"schedule = '0 0 1 {1 + (time.gmtime().tm_mon + 5) % 12} *'")
          for i in range(JOBS))
    scheduler = Scheduler()
    time.sleep(2)
    before = scheduler.cpu_s()
    time.sleep(60)
    print(f"{(scheduler.cpu_s() - before) / 60 * 100:.2f}")
    scheduler.end()


def sleep_until(at):
    time.sleep(max(0, at - time.time()))


def measure_minute(lines, expected, *words):
    write(lines)
    scheduler = Scheduler(*words)
    minute = (int(time.time()) // 60 + 1) * 60
    sleep_until(minute + 58)
    late = begun(minute, minute)
    scheduler.end()
    if len(late) != expected(minute):
        sys.exit(f"{len(late)} slots were begun, not {expected(minute)}")
    print(f"{late[int(len(late) * 0.99) - 1]:.2f} {late[-1]:.2f}")


def spread():
    measure_minute(at_minutes(), lambda minute: len(range(minute // 60 % 60, JOBS, 60)))


def minute():
    measure_minute([job(i, "schedule = '* * * * *'" if i < 600 else "schedule = '0 0 1 1 *'")
                    for i in range(JOBS)], lambda _: 600, "--max-runs", "600")


def age(days):
    """Makes all jobs known for so long, and none of them run."""
    for name in os.listdir(os.path.join(STORE, "jobs", "known")):
        path = os.path.join(STORE, "jobs", "known", name)
        with open(path) as file:
            tree = json.load(file)
        tree["at"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - days * 86400))
        with open(path, "w") as file:
            json.dump(tree, file)


def restart():
    """Of 10,000 jobs that were due each hour of a week, half inside their window."""
    write([job(0, "every = '1s'", ", overlap = 'allow', missed = 'none'")] +
          [job(i, f"schedule = '{i % 60} * * * *'",
               ", missed = 'none'" if i % 100 else ", missed = 'last'") for i in range(1, JOBS)])
    Scheduler().end()
    age(7)
    scheduler = Scheduler()
    began = time.time()
    while time.time() < began + 300:
        found = sum(any(name.endswith(".missed.json") for name in names) for _, _, names in
                    os.walk(os.path.join(STORE, "jobs", "slots")))
        if found == JOBS:
            break
        time.sleep(0.5)
    took = time.time() - began
    late = begun(began + 3, began + took)
    scheduler.end()
    print(f"{scheduler.ready_ms:.0f} {took:.1f} {late[-1] if late else -1:.2f}")


try:
    {"start": start, "idle": idle, "spread": spread, "minute": minute, "restart": restart}[WHAT]()
finally:
    for process in schedulers:
        process.kill()
