#!/bin/sh
# Slots and offsets against Python's zoneinfo, which knows nothing of ours: see schedule_oracle.py.
# usage: schedule.sh MOONGATE; ends with "N passed, N failed"
set -u
. "$(dirname "$0")/verdict.sh"
asked=$(dirname "$1")/tests/check_schedule

# Debian's own first: it has croniter
for python in /usr/bin/python3 python3; do
    "$python" -c 'import zoneinfo' 2>/dev/null && break
    python=
done
if [ -z "$python" ]; then
    verdict 1 "a python3 with zoneinfo is there"
    verdict_end
    exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
running=
for what in slots offsets slim croniter; do
    "$python" "$(dirname "$0")/schedule_oracle.py" $what "$asked" >"$work/$what" 2>&1 &
    running="$running $!:$what"
done
for one in $running; do
    wait "${one%%:*}"
    code=$?
    cat "$work/${one#*:}"
    verdict $code "${one#*:} as Python reckons them"
done
verdict_end
