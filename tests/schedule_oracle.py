#!/usr/bin/env python3
"""Slots and offsets, reckoned independently with Python's zoneinfo, and compared one by one.

By crontab(5) and by the rule of scheduled jobs: a local time that does not exist fires once, at
the shift; one that exists twice fires once, the first time; slots at one moment are one slot.
Nothing here is taken from moongate's code.

usage: schedule_oracle.py slots|offsets|slim|croniter CHECK_SCHEDULE
The last is the suite's program, which answers for moongate. Ends with "N compared", or with the
first difference and exit code 1.
"""

import array
import calendar
import datetime as dt
import functools
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zoneinfo

UTC = dt.timezone.utc
SEED = 20260131

# Ten years each: to come, and with shifts that were remarkable.
SPANS = {
    (2025, 2035): ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                   "Africa/Casablanca", "Asia/Tokyo", "America/Santiago", "Antarctica/Troll"],
    (2009, 2019): ["Pacific/Apia", "America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut",
                   "Asia/Pyongyang", "Europe/Moscow", "Asia/Gaza"],
}

EXPRESSIONS = [
    "0 0 * * *", "30 2 * * *", "0 2 * * *", "0 3 * * *", "59 1 * * *", "30 0 * * *",
    "15 2 * * *", "45 1 * * *", "0 12 * * *", "59 23 * * *", "0 20 * * 1-5", "0 9 * * MON",
    "30 1,2,3 * * *", "*/20 0-3 * * *", "0 */4 * * *", "7 1-23/2 * * *", "0 0 1 * *",
    "0 0 31 * *", "0 0 29 2 *", "30 2 * 3,10 SUN", "0 0 1 1 *", "0 12 30 12 *", "0 0 30 12 *",
    "0 6 13 * 5", "0 6 */10 * 1", "0 6 13 * */2", "5 4 * jan-mar,DEC 7", "0 0 L * *",
    "0 2 L-3 * *", "30 2 LW * *", "0 1 1W * *", "0 1 15W * *", "0 1 31W * *", "0 2 * * 0L",
    "30 2 * 3 7L", "30 2 * 10 SUNL", "0 0 * * 5#2", "0 0 * * MON#1,WED#5", "0 0 1,15W,L * 3#3",
    "0 0 ? * 2", "0 0 5 * ?", "@yearly", "@monthly", "@weekly", "@daily", "@midnight",
]
DENSE = ["*/5 * * * *", "* * * * *", "@hourly", "*/7 2 * * *", "0,30 * * * *", "*/15 1-3 * * *"]

MACROS = {"@yearly": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
          "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *"}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


# --- crontab(5) ------------------------------------------------------------------------------


def number(word, names, first):
    return names.index(word.upper()) + first if word.upper() in names else int(word)


@functools.lru_cache(maxsize=None)
def values(field, low, high, names=()):
    """The set of a field of numbers, names, ranges and steps."""
    found = set()
    for item in field.split(","):
        head, _, step = item.partition("/")
        if head == "*":
            begin, end = low, high
        elif "-" in head:
            begin, end = (number(word, names, low) for word in head.split("-"))
        else:
            begin = end = number(head, names, low)
        found.update(range(begin, end + 1, int(step or 1)))
    return found


def cron_weekday(date):
    return date.isoweekday() % 7


def nearest_working_day(year, month, day):
    """The nearest to a date of Monday to Friday in the same month; the earlier when it is a tie."""
    length = calendar.monthrange(year, month)[1]
    best = [other for other in range(1, length + 1) if dt.date(year, month, other).weekday() < 5]
    return min(best, key=lambda other: (abs(other - day), other))


def day_of_month_fits(item, date):
    length = calendar.monthrange(date.year, date.month)[1]
    item = item.upper()
    if item == "LW":
        return date.day == max(day for day in range(1, length + 1)
                               if dt.date(date.year, date.month, day).weekday() < 5)
    if item.startswith("L"):
        return date.day == length - int(item[2:] or 0)
    if item.endswith("W"):
        wanted = int(item[:-1])
        return wanted <= length and date.day == nearest_working_day(date.year, date.month, wanted)
    return date.day in values(item, 1, 31)


def day_of_week_fits(item, date):
    item = item.upper()
    weekday = cron_weekday(date)
    if "#" in item:
        day, nth = item.split("#")
        return number(day, WEEKDAYS, 0) % 7 == weekday and (date.day - 1) // 7 + 1 == int(nth)
    if item.endswith("L"):
        length = calendar.monthrange(date.year, date.month)[1]
        return number(item[:-1], WEEKDAYS, 0) % 7 == weekday and date.day + 7 > length
    return weekday in {value % 7 for value in values(item, 0, 7, WEEKDAYS)}


class Expression:
    def __init__(self, text):
        self.text = text
        minute, hour, self.day, month, self.weekday = MACROS.get(text, text).split()
        self.minutes = sorted(h * 60 + m for h in values(hour, 0, 23) for m in values(minute, 0, 59))
        self.months = values(month, 1, 12, MONTHS)

    def fits(self, date):
        if date.month not in self.months:
            return False
        day = any(day_of_month_fits(item, date) for item in self.day.replace("?", "*").split(","))
        weekday = any(day_of_week_fits(item, date)
                      for item in self.weekday.replace("?", "*").split(","))
        if self.day[0] in "*?" or self.weekday[0] in "*?":
            return day and weekday
        return day or weekday

    def dates(self, first, last):
        return [date for date in (first + dt.timedelta(n) for n in range((last - first).days + 1))
                if self.fits(date)]


def random_expression(draw):
    """One that comes in ten years, on the hours at which clocks are shifted more often."""
    def field(low, high, words):
        kind = draw.random()
        if kind < 0.3:
            return "*"
        if kind < 0.4:
            return "*/%d" % draw.randint(2, high)
        if kind < 0.6:
            begin = draw.randint(low, high - 1)
            text = "%d-%d" % (begin, draw.randint(begin, high))
            return text + ("/%d" % draw.randint(1, min(high, 9)) if draw.random() < 0.5 else "")
        return ",".join(draw.choice(words) if words and draw.random() < 0.4
                        else str(draw.randint(low, high)) for _ in range(draw.randint(1, 3)))

    while True:
        hours = draw.choice(["0-3", "1,2", "2", "*/6", str(draw.randint(0, 23)), "0", "23"])
        minutes = draw.choice(["0", "30", "15,45", str(draw.randint(0, 59))])
        days = field(1, 31, ["L", "L-1", "LW", "15W", "1W", "30W"])
        weekdays = field(0, 7, ["MON", "5L", "SUN#2", "3#5", "SUNL"])
        expression = Expression(" ".join((minutes, hours, days, field(1, 12, MONTHS), weekdays)))
        if expression.dates(dt.date(2020, 1, 1), dt.date(2029, 1, 1)):
            return expression


# --- local times -----------------------------------------------------------------------------


def midnight_of(date):
    """As if it were one in UTC."""
    return (date.toordinal() - dt.date(1970, 1, 1).toordinal()) * 86400


def seconds(moment):
    return int((moment - dt.datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


def moment_of(local, zone):
    """When a local time fires, in seconds: by PEP 495, fold=0 is the first of two."""
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local:
        return seconds(first)

    # it does not exist: the shift is between the readings by the offsets before and after it
    other = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    low, high = sorted((seconds(first), seconds(other)))
    offset = offset_at(zone, low - 1)
    low -= 1
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(zone, middle) == offset:
            low = middle
        else:
            high = middle
    return high


def offset_at(zone, at):
    moment = dt.datetime.fromtimestamp(at, UTC).astimezone(zone)
    return int(moment.utcoffset().total_seconds())


class Days:
    """The days of a zone: from which on to reckon plainly, and which have a shift nearby."""

    def __init__(self, name):
        self.zone = zoneinfo.ZoneInfo(name)
        self.offsets = {}

    def offset(self, date):
        """That of the whole day, or None when there is a shift in it or next to it."""
        if date not in self.offsets:
            day = midnight_of(date)
            around = {offset_at(self.zone, day + hours * 3600) for hours in range(-26, 59, 12)}
            self.offsets[date] = around.pop() if len(around) == 1 else None
        return self.offsets[date]

    def slots(self, expression, dates):
        found = array.array("q")
        for date in dates:
            offset = self.offset(date)
            if offset is not None:
                midnight = midnight_of(date) - offset
                found.extend([midnight + minute * 60 for minute in expression.minutes])
                continue
            for minute in expression.minutes:
                local = dt.datetime.combine(date, dt.time(minute // 60, minute % 60))
                found.append(moment_of(local, self.zone))
        return array.array("q", sorted(set(found)))


# --- asking ----------------------------------------------------------------------------------


def ask(program, mode, lines):
    answer = subprocess.run([program, mode], input="".join(line + "\n" for line in lines).encode(),
                            stdout=subprocess.PIPE)
    if answer.returncode != 0:
        complain("%s %s ended with %d", program, mode, answer.returncode)
    return answer.stdout


def complain(text, *values):
    print(text % values)
    sys.exit(1)


def compare_slots(program):
    draw = random.Random(SEED)
    expressions = [Expression(text) for text in EXPRESSIONS]
    expressions += [random_expression(draw) for _ in range(30)]
    compared = 0
    lines, expected = [], []

    def add(name, days, expression, dates, first, last):
        begin = moment_of(dt.datetime.combine(first, dt.time()), days.zone) - 1
        end = moment_of(dt.datetime.combine(last, dt.time()), days.zone) - 1
        lines.append("\t".join((name, str(begin), str(end), expression.text)))
        expected.append(array.array("q", [slot for slot in days.slots(expression, dates)
                                          if begin < slot <= end]))

    zones = {name: Days(name) for names in SPANS.values() for name in names}
    for (begin, end), names in SPANS.items():
        first, last = dt.date(begin, 1, 1), dt.date(end, 1, 1)
        for expression in expressions:
            dates = expression.dates(first, last)
            for name in names:
                add(name, zones[name], expression, dates, first, last)
    # what fires often: around shifts of the same years, and on some days in between
    for (begin, end), names in SPANS.items():
        whole = [dt.date(begin, 1, 1) + dt.timedelta(n) for n in range((end - begin) * 365)]
        for name in names:
            days = zones[name]
            around = [date for date in whole if days.offset(date) is None
                      and days.offset(date - dt.timedelta(1)) is not None]
            for text in DENSE:
                expression = Expression(text)
                for date in draw.sample(around, min(4, len(around))) + draw.sample(whole, 2):
                    dates = [date + dt.timedelta(n) for n in range(-1, 4)]
                    add(name, days, expression, dates, dates[0], dates[-1])

    answer = array.array("q")
    answer.frombytes(ask(program, "slots", lines))
    at = 0
    for line, slots in zip(lines, expected):
        count = answer[at]
        given = answer[at + 1:at + 1 + count]
        if given != slots:
            wrong = sorted(set(given) ^ set(slots)) or ["the order"]
            complain("%s: %d slots instead of %d; %s", line.replace("\t", " "), count, len(slots),
                     wrong[:5])
        at += 1 + count
        compared += count
    if at != len(answer):
        complain("more slots than were asked for")
    if compared < 100000:
        complain("only %d slots were compared", compared)
    print("%d slots of %d schedules in %d zones compared" % (
        compared, len(expressions) + len(DENSE), len(zones)))


def shifts_of_file(path):
    """The moments of a TZif file's second part, or first when there is no other."""
    with open(path, "rb") as file:
        content = file.read()
    counts = struct.unpack(">6L", content[20:44])
    is_utc, is_std, leaps, shifts, kinds, text = counts
    if content[4:5] == b"\0":
        return struct.unpack(">%dl" % shifts, content[44:44 + shifts * 4])
    skipped = 44 + shifts * 5 + kinds * 6 + text + leaps * 8 + is_std + is_utc
    shifts = struct.unpack(">L", content[skipped + 32:skipped + 36])[0]
    return struct.unpack(">%dq" % shifts, content[skipped + 44:skipped + 44 + shifts * 8])


def year_begin(year):
    return seconds(dt.datetime(year, 1, 1, tzinfo=UTC))


def compare_offsets(program, folder):
    draw = random.Random(SEED)
    zoneinfo.reset_tzpath([folder])
    names = sorted(name for name in zoneinfo.available_timezones()
                   if not name.startswith(("posix/", "right/")) and name != "localtime"
                   and name != "posixrules")
    lines, moments_of, last_shifts = [], [], {}
    for name in names:
        moments = set()
        shifts = shifts_of_file(os.path.join(folder, name))
        for shift in shifts:
            if year_begin(1970) <= shift < year_begin(2038):
                moments.update((shift - 1, shift, shift + 1))
        moments.update(draw.randrange(year_begin(1970), year_begin(2101)) for _ in range(60))
        moments.update(draw.randrange(year_begin(1901), year_begin(1970)) for _ in range(10))
        # at the last shift itself Python goes by the shift, others by the footer: zic of before 2023
        # made slim files in which these are not the same
        last_shifts[name] = shifts[-1] if shifts else None
        moments.discard(last_shifts[name])
        moments_of.append(sorted(moments))
        lines.append("\t".join([name] + [str(moment) for moment in moments_of[-1]]))

    answers = ask(program, "offsets", lines).decode().splitlines()
    compared = 0
    for name, moments in zip(names, moments_of):
        zone = zoneinfo.ZoneInfo.no_cache(name)
        shifts = []
        for moment in moments:
            given, shift = answers[compared].rsplit(" ", 1)
            local = dt.datetime.fromtimestamp(moment, UTC).astimezone(zone)
            right = "%d %d %s" % (local.utcoffset().total_seconds(), bool(local.dst()),
                                  local.tzname())
            if given != right:
                complain("%s at %d: %s instead of %s", name, moment, given, right)
            shifts.append(int(shift))
            compared += 1
        # between two moments there is a shift when, and only when, the next one was told so
        for moment, after, shift in zip(moments, moments[1:], shifts):
            if shift > after and offset_at(zone, moment) != offset_at(zone, after):
                complain("%s: a shift between %d and %d is not told", name, moment, after)
            if (shift < year_begin(2100) and shift != last_shifts[name]
                    and offset_at(zone, shift - 1) == offset_at(zone, shift)):
                complain("%s: there is no shift at %d", name, shift)
    if compared != len(answers) or compared < 50000:
        complain("%d moments compared, %d answered", compared, len(answers))
    print("%d moments of %d zones compared" % (compared, len(names)))


def compare_slim(program):
    """The same with files that leave to their footer what it can say."""
    zic = shutil.which("zic", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    source = "/usr/share/zoneinfo/tzdata.zi"
    if zic is None or not os.path.exists(source):
        print("skipped: there is no zic, or no %s, to make slim files of zones" % source)
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([zic, "-b", "slim", "-d", folder, source], check=True,
                       stderr=subprocess.DEVNULL)
        os.environ["TZDIR"] = folder
        compare_offsets(program, folder)


def compare_croniter(program):
    """A second opinion, on plain expressions and without shifts."""
    try:
        import croniter
    except ImportError:
        print("skipped: there is no croniter for a second opinion")
        return
    draw = random.Random(SEED)
    plain = [text for text in EXPRESSIONS + DENSE
             if not set(text) & set("L#W?@") and " */" not in text.partition(" ")[2]]
    plain += ["%d %s %s %s *" % (draw.randint(0, 59), draw.choice(["*", "3-9/2", "22"]),
                                 draw.choice(["*", "1-7", "31", "5,6"]),
                                 draw.choice(["*", "1-6/2", "feb,aug"])) for _ in range(20)]
    first, compared = year_begin(2027), 0
    lines, expected = [], []
    for text in plain:
        slots = array.array("q")
        turns = croniter.croniter(text, dt.datetime.fromtimestamp(first - 1, UTC))
        for _ in range(400):
            slots.append(int(turns.get_next(float)))
        lines.append("\t".join(("UTC", str(first - 1), str(slots[-1]), text)))
        expected.append(slots)
    answer = array.array("q")
    answer.frombytes(ask(program, "slots", lines))
    at = 0
    for line, slots in zip(lines, expected):
        if answer[at + 1:at + 1 + answer[at]] != slots:
            complain("%s: croniter has %s ..", line, slots[:3].tolist())
        at += 1 + answer[at]
        compared += len(slots)
    print("%d slots of %d schedules compared with croniter's" % (compared, len(plain)))


def main():
    what, program = sys.argv[1:]
    folder = os.environ.get("TZDIR") or "/usr/share/zoneinfo"
    zoneinfo.reset_tzpath([folder])
    if what == "slots":
        compare_slots(program)
    elif what == "offsets":
        compare_offsets(program, folder)
    elif what == "slim":
        compare_slim(program)
    elif what == "croniter":
        compare_croniter(program)
    else:
        sys.exit(__doc__)


main()
