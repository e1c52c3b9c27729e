#!/usr/bin/env python3
"""The slots of jobs, reckoned independently: from the local days of Python's zoneinfo.

usage: jobs_slots.py FIRST-YEAR YEARS < lines of "name<TAB>zone<TAB>minute hour day month weekday"
Writes a line "name slot slot ..", in seconds since 1970, for each. Nothing is taken from moongate.
"""

import calendar
import datetime as dt
import sys
import zoneinfo

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)


def values(field, low, high):
    found = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        found.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def nearest_working_day(year, month, day):
    last = calendar.monthrange(year, month)[1]
    for away in (0, -1, 1, -2, 2):
        there = day + away
        if 1 <= there <= last and calendar.weekday(year, month, there) < 5:
            return there
    raise ValueError(day)


def is_day(date, day, month, weekday):
    if date.month not in values(month, 1, 12):
        return False
    if weekday != "*":
        return date.isoweekday() % 7 in values(weekday, 0, 6)
    if day == "L":
        return date.day == calendar.monthrange(date.year, date.month)[1]
    if day.endswith("W"):
        return date.day == nearest_working_day(date.year, date.month, int(day[:-1]))
    return date.day in values(day, 1, 31)


def moment(local, zone):
    """When clocks of the zone first show that time, or the first one behind it."""
    first = local.replace(tzinfo=zone, fold=0)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local:
        return int(first.timestamp())
    low = int(local.replace(tzinfo=UTC).timestamp()) - 2 * 86400
    high = low + 4 * 86400  # halve the time in which the clocks come to pass it
    while high - low > 1:
        middle = (low + high) // 2
        shown = dt.datetime.fromtimestamp(middle, UTC).astimezone(zone).replace(tzinfo=None)
        if shown >= local:
            high = middle
        else:
            low = middle
    return high


def slots(zone, expression, first, years):
    minute, hour, day, month, weekday = expression.split()
    zone = zoneinfo.ZoneInfo(zone)
    date, end = dt.date(first, 1, 1), dt.date(first + years, 1, 1)
    times = [dt.time(h, m) for h in sorted(values(hour, 0, 23)) for m in sorted(values(minute, 0, 59))]
    found = set()
    while date < end:
        if is_day(date, day, month, weekday):
            found.update(moment(dt.datetime.combine(date, time), zone) for time in times)
        date += DAY
    return sorted(found)


def main():
    first, years = int(sys.argv[1]), int(sys.argv[2])
    for line in sys.stdin:
        name, zone, expression = line.rstrip("\n").split("\t")
        print(name, *slots(zone, expression, first, years))


main()
