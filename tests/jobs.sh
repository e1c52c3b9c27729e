#!/bin/sh
# moongate jobs: what is told of jobs and their slots, and what one does with them by hand. Slots are
# those of a January long ago, so that they have been due, whatever day it is.
# usage: jobs.sh MOONGATE; ends with "N passed, N failed"
set -u
. "$(dirname "$0")/verdict.sh"
moongate=$(realpath "$1")
work=$(mktemp -d)
running=
trap 'kill -9 $running 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
MOONGATE_STORE=$work/store
export MOONGATE_STORE
jobs=$MOONGATE_STORE/jobs

# is CODE WHAT COMMAND...: it ends with this code; what it said is in the files `out` and `err`
is() {
    code=$1 what=$2
    shift 2
    "$@" >out 2>err
    got=$?
    [ $got -eq "$code" ] || cat out err
    verdict $((got != code)) "$what: exit code $got"
}

# What changes from run to run has a name.
mask() {
    sed -E -e "s|$work|WORK|g" -e 's/in [0-9.]+ (ms|s)\b/in TIME/' -e 's/20[0-9]{6}-[0-9]{6}-m[0-9a-f]{4}/KEY/' \
        -e "s/[^ ]+@[^ :]+/WHO/" -e 's/ on [^ ]+:[0-9]+/ on HOST/' -e 's/to [^ ]+:[0-9]+/to HOST/' \
        -e 's/host [^ ]+:[0-9]+/host HOST/' -e 's/since [-0-9]+ [:0-9]+/since NOW/' "$1"
}

# told WHAT FILE: exactly what is on stdin
told() {
    cat >wanted
    mask "$2" | diff wanted - >difference
    code=$?
    [ $code -eq 0 ] || cat difference
    verdict $code "$1"
}

# Lines of runs are not of interest here.
by_hand() {
    grep -E '^(20|[0-9]+ slots?:|moongate|run )' "${1:-err}" >said
}

cat >moongate.lua <<'END'
job "daily" {schedule = "30 2 * * *", timezone = "Europe/Berlin", script = "daily.lua"}
job "odd" {every = "1h", script = "odd.lua", retries = 1, retry_after = "10ms", late_after = "5s"}
job "slow" {every = "1h", script = "slow.lua"}
job "off" {schedule = "@daily", script = "daily.lua", enabled = false}
END
echo 'print("for", require "clock".utc(require "run".slot))' >daily.lua
echo 'if require "run".slot // 3600 % 2 == 1 then error "an odd hour" end' >odd.lua
echo 'require "tasks".sleep(require "env".get("NAP", "60"))' >slow.lua

# an empty store, and words that are wrong
is 0 "list" "$moongate" jobs
[ "$(wc -l <out)" -eq 5 ] && grep -q '^daily  -         20.* +0[12]:00, in .*  30 2 \* \* \* Europe/Berlin$' out &&
    grep -qx 'off    -         disabled  *  @daily UTC                disabled' out
verdict $? "list has a row for each job"
is 2 "history of a job that nobody knows" "$moongate" jobs history dialy
told "history names a near one" err <<'END'
moongate jobs history: no job 'dialy' in moongate.lua, did you mean 'daily'?
END
is 0 "history of a job without slots" "$moongate" jobs history off
told "history says that there is none" out <<'END'
nothing has become of 'off' so far
next slot: none, it is disabled
END
is 2 "pause of one that is not there" "$moongate" jobs pause daily nope
[ ! -e "$jobs" ]
verdict $? "then nothing is done"
is 2 "run of one that is not there" "$moongate" jobs run nope

# now, by hand
is 0 "run" "$moongate" jobs run daily
grep -q '^for	20..-.*Z$' out
verdict $? "the script has the time as its slot"
by_hand
sed -i -E 's/^20[-0-9]+ [:0-9]+ \+0[12]:00/NOW/' said
told "run says what it does" said <<'END'
NOW: run KEY-daily begins
NOW: succeeded in TIME
END
[ "$(ls "$jobs/open" | wc -l)" -eq 0 ] && ls "$jobs/slots/daily" | grep -q -- '-m....\.end\.json$'
verdict $? "it is in the store"
"$moongate" runs | grep -q -- '-daily *succeeded'
verdict $? "its run is one of the journal"

# a slot of the schedule
is 0 "a slot" "$moongate" jobs run daily --slot 2024-01-31T01:30Z
by_hand
told "a slot by the clocks of its zone" said <<'END'
2024-01-31 02:30:00 +01:00: run 20240131-013000-daily begins
2024-01-31 02:30:00 +01:00: succeeded in TIME
END
echo "for	2024-01-31T01:30:00.000Z" | diff - out
verdict $? "the script has the slot's time"
is 0 "the same again" "$moongate" jobs run daily --slot 2024-01-31T01:30Z
by_hand
told "it is left out" said <<'END'
2024-01-31 02:30:00 +01:00: left out: it has succeeded; --again runs it again
END
is 0 "again, when that is wanted" "$moongate" jobs run daily --slot 2024-01-31T01:30Z --again
by_hand
told "under a key of its own" said <<'END'
2024-01-31 02:30:00 +01:00: run KEY-daily begins
2024-01-31 02:30:00 +01:00: succeeded in TIME
END
echo "for	2024-01-31T01:30:00.000Z" | diff - out
verdict $? "with the slot's time"
is 2 "a time that is no slot" "$moongate" jobs run daily --slot 2024-03-31T01:30Z
told "the nearest are named; one is at the shift of the clocks" err <<'END'
moongate jobs run: 2024-03-31 03:30:00 +02:00 is no slot of 'daily'; the nearest: 2024-03-31 03:00:00 +02:00, 2024-04-01 02:30:00 +02:00
END
is 2 "a slot in the future" "$moongate" jobs run odd --slot 2199-01-01T00:00Z
told "it is not due" err <<'END'
moongate jobs run: slot 2199-01-01 00:00:00 +00:00 of 'odd' is in the future
END

is 0 "options of where to work are the run's" "$moongate" jobs run daily --output json \
    --slot 2024-02-01T01:30Z
[ "$(grep -c '"event":"run.started"' out)" -eq 1 ] && grep -q '"text":"for\\t2024-02-01' out
verdict $? "its events are on stdout, and nothing else"
is 2 "a profile that there is not" "$moongate" jobs run daily --profile nope

# many
mkdir -p "$jobs/slots/odd"
echo '{"kind":"scheduled","status":"skipped","at":"2024-01-31T12:00:00Z","reason":"run x goes on"}' \
    >"$jobs/slots/odd/20240131-120000.json"
is 1 "a span" "$moongate" jobs run odd --from 2024-01-31T10:00Z --to 2024-01-31T12:30Z
by_hand
told "the slots of a span, the oldest first" said <<'END'
2024-01-31 10:00:00 +00:00: run 20240131-100000-odd begins
2024-01-31 10:00:00 +00:00: succeeded in TIME
2024-01-31 11:00:00 +00:00: run 20240131-110000-odd begins
2024-01-31 11:00:00 +00:00: attempt 1 failed: WORK/odd.lua:1: an odd hour; again in TIME
2024-01-31 11:00:00 +00:00: run 20240131-110000-odd begins, attempt 2
2024-01-31 11:00:00 +00:00: failed in TIME: WORK/odd.lua:1: an odd hour
2024-01-31 12:00:00 +00:00: run KEY-odd begins
2024-01-31 12:00:00 +00:00: succeeded in TIME
3 slots: 2 succeeded, 1 failed
END
is 0 "a span that is done" "$moongate" jobs run odd --from 2024-01-31T10:00Z --to 2024-01-31T12:30Z
by_hand
told "what has ended is left out" said <<'END'
2024-01-31 10:00:00 +00:00: left out: it has succeeded; --again runs it again
2024-01-31 11:00:00 +00:00: left out: it has failed; --again runs it again
2024-01-31 12:00:00 +00:00: left out: it has succeeded; --again runs it again
3 slots: 3 left out
END
is 2 "too many" "$moongate" jobs run odd --from 2020-01-01 --to 2024-01-01
told "the limit is named" err <<'END'
moongate jobs run: the span has more than 10000 slots of 'odd'
END
is 0 "a span without a slot" "$moongate" jobs run odd --from 2024-01-31T10:10Z --to 2024-01-31T10:20Z
told "that is said" err <<'END'
0 slots
END

# what is over without a record
touch "$jobs/slots/daily/pruned-20240102-013000" "$jobs/slots/daily/floor-20240104-013000"
is 0 "slots that were removed, or passed in a pause" "$moongate" jobs run daily --from 2024-01-02 \
    --to 2024-01-04
by_hand
told "those that may have run are left out" said <<'END'
2024-01-02 02:30:00 +01:00: left out: it is over, and its record is removed; --again runs it again
2024-01-03 02:30:00 +01:00: run 20240103-013000-daily begins
2024-01-03 02:30:00 +01:00: succeeded in TIME
2 slots: 1 succeeded, 1 left out
END

# many at once
begun=
for i in 1 2 3 4; do
    "$moongate" jobs run daily --slot 2024-01-20T01:30Z >"out.$i" 2>"err.$i" &
    begun="$begun $!"
done
for pid in $begun; do
    wait "$pid"
done
[ "$(cat out.? | grep -c '^for')" -eq 1 ]
verdict $? "of four who want a slot one runs it"
[ "$(cat err.? | grep -c 'left to \|left out')" -eq 3 ]
verdict $? "the others are told"

# signals, and hosts that die: begin SLOT
begin() {
    : >theirs
    setsid "$moongate" jobs run slow --slot "$1" >/dev/null 2>theirs &
    running=$!
    for _ in $(seq 100); do
        grep -q ' begins' theirs && "$moongate" runs 2>/dev/null | grep -q 'slow.*running\|running.*slow.lua' && break
        sleep 0.1
    done
}

begin 2024-01-31T01:00Z
is 7 "a slot that somebody carries" "$moongate" jobs run slow --slot 2024-01-31T01:00Z
by_hand
told "it is left to its host" said <<'END'
2024-01-31 01:00:00 +00:00: left to HOST, which carries it
END
kill -INT -$running
wait $running
verdict $(($? != 6)) "Ctrl-C ends it"
by_hand theirs
told "for good, unless somebody carries it on" said <<'END'
2024-01-31 01:00:00 +00:00: run 20240131-010000-slow begins
2024-01-31 01:00:00 +00:00: interrupted; `moongate resume 20240131-010000-slow` carries it on
END
[ -z "$(ls "$jobs/open")" ]
verdict $? "nobody takes it up"

begin 2024-01-31T02:00Z
kill -TERM $running
wait $running
verdict $(($? != 6)) "SIGTERM ends it, and is passed on"
by_hand theirs
told "the run is handed over" said <<'END'
2024-01-31 02:00:00 +00:00: run 20240131-020000-slow begins
2024-01-31 02:00:00 +00:00: run 20240131-020000-slow is handed over: whoever shares the store takes it up
END
[ "$(ls "$jobs/open")" = 20240131-020000.slow.json ]
verdict $? "the slot is marked"
is 0 "whoever asks for it" env NAP=0 "$moongate" jobs run slow --slot 2024-01-31T02:00Z
by_hand
told "takes it up" said <<'END'
2024-01-31 02:00:00 +00:00: taken up: its host HOST is gone
2024-01-31 02:00:00 +00:00: run 20240131-020000-slow begins
2024-01-31 02:00:00 +00:00: succeeded in TIME
END

begin 2024-01-31T03:00Z
kill -KILL -$running
wait $running 2>/dev/null
running=
is 0 "a slot whose host was killed, with its run" env NAP=0 "$moongate" jobs run slow \
    --slot 2024-01-31T03:00Z
by_hand
told "is taken up" said <<'END'
2024-01-31 03:00:00 +00:00: taken up: its host HOST is gone
2024-01-31 03:00:00 +00:00: run 20240131-030000-slow begins
2024-01-31 03:00:00 +00:00: succeeded in TIME
END
echo 'job "patient" {every = "1h", script = "odd.lua", retries = 1, retry_after = "1h"}' >>moongate.lua
: >theirs
setsid "$moongate" jobs run patient --slot 2024-01-31T05:00Z >/dev/null 2>theirs &
running=$!
for _ in $(seq 100); do
    grep -q 'again in' theirs && break
    sleep 0.1
done
is 7 "a slot whose host waits to try it again" "$moongate" jobs run patient --slot 2024-01-31T05:00Z
kill -INT -$running
wait $running
verdict $(($? != 6)) "Ctrl-C ends the waiting, too"
by_hand theirs
told "at once" said <<'END'
2024-01-31 05:00:00 +00:00: run 20240131-050000-patient begins
2024-01-31 05:00:00 +00:00: attempt 1 failed: WORK/odd.lua:1: an odd hour; again in 1:00:00
2024-01-31 05:00:00 +00:00: interrupted; `moongate resume 20240131-050000-patient` carries it on
END

sed -i /patient/d moongate.lua

begin 2024-01-31T04:00Z
is 0 "run, while another goes on" env NAP=0 "$moongate" jobs run slow
grep -qx 'run 20240131-040000-slow of the job goes on, too' err
verdict $? "that is said"
kill -KILL -$running
wait $running 2>/dev/null
running=
rm daily.lua
is 2 "a script that is not there ends with the run's exit code" "$moongate" jobs run daily

# pauses
is 0 "pause" "$moongate" jobs pause odd daily --reason "the move"
told "each is told" out <<'END'
odd is paused
daily is paused
END
is 0 "pause again" "$moongate" jobs pause odd
told "who did it stays" out <<'END'
odd was paused already by WHO since NOW +00:00: the move
END
is 0 "resume" "$moongate" jobs resume odd odd off
told "each once, and what was not paused" out <<'END'
odd goes on
off was not paused
END
ls "$jobs/slots/odd" | grep -q '^floor-20'
verdict $? "what passed meanwhile is over"

# a store as others may have left it
rm -rf "$MOONGATE_STORE"
mkdir -p "$jobs/paused" "$jobs/open" "$jobs/slots/odd" "$jobs/slots/gone"
for name in daily odd slow; do
    echo '{"at":"2024-02-01T00:00:00Z","by":"ann@h","reason":"red \u001b[31m"}' >"$jobs/paused/$name.json"
done
# slot TIME STATUS LATE REST: one that ended two minutes behind its time
slot() {
    key=20240131-$(echo "$1" | tr -d :)
    echo '{"kind":"scheduled","status":"claimed","at":"2024-01-31T'"$1"'.000Z","run":"'"$key"'-odd","host":"h:1","late":'"$3}" \
        >"$jobs/slots/odd/$key.json"
    echo '{"status":"'"$2"'","began":"2024-01-31T'"$1"'.000Z","at":"2024-01-31T'"${1%%:*}"':02:00.000Z","host":"h:1","attempts":2,'"$4}" \
        >"$jobs/slots/odd/$key.end.json"
}
slot 01:00:00 succeeded 0.01 '"exit_code":0'
slot 02:00:00 failed 61 '"exit_code":1,"error":"first\nsecond"'
slot 03:00:00 "timed out" 0.01 '"exit_code":6,"error":"it took longer than 2:00:00 \u001b[2J"'
echo '{"kind":"scheduled","status":"skipped","at":"2024-01-31T04:00:00Z","reason":"run x goes on"}' \
    >"$jobs/slots/odd/20240131-040000.json"
echo '{"kind":"scheduled","status":"missed","at":"2024-01-31T08:00:00Z","count":3,"first":"20240131-050000"}' \
    >"$jobs/slots/odd/20240131-070000.missed.json"
echo '{"kind":"by hand","status":"claimed","at":"2024-01-31T08:00:00Z","host":"h:2","by":"ann@h"}' \
    >"$jobs/slots/odd/20240131-080000-m1f3a.json"
echo nonsense >"$jobs/slots/odd/20240131-090000.json"
echo '{}' >"$jobs/open/20240131-080000-m1f3a.odd.json"
echo nonsense >"$jobs/slots/odd/20240131-090000.end.json"
cp "$jobs/slots/odd/20240131-0400"* "$jobs/slots/gone"

is 0 "history" "$moongate" jobs history odd
cat >history <<'END'
SLOT                        LATE   STATUS            TOOK   RUN                        EXIT  ATTEMPTS  HOST  NOTES
2024-01-31 09:00:00 +00:00         failed                   20240131-090000-odd              1               the record of its end is damaged
2024-01-31 08:00:00 +00:00         left by its host         20240131-080000-m1f3a-odd        1         h:2   by hand, by ann@h
2024-01-31 07:00:00 +00:00         missed                                                                    3 slots, from 2024-01-31 05:00:00 +00:00 on
2024-01-31 04:00:00 +00:00         skipped                                                                   run x goes on
2024-01-31 03:00:00 +00:00         timed out         02:00  20240131-030000-odd        6     2         h:1   it took longer than 2:00:00 \x1b[2J
2024-01-31 02:00:00 +00:00  01:01  failed            02:00  20240131-020000-odd        1     2         h:1   first
2024-01-31 01:00:00 +00:00         succeeded         02:00  20240131-010000-odd        0     2         h:1
1 succeeded, 2 failed, 1 timed out, 1 running, 1 skipped, 3 missed
next slot: none while it is paused
END
diff history out
verdict $? "history, exactly"
grep -c 'is not what moongate writes there' err | grep -qx 2 || { cat err; false; }
verdict $? "what is damaged is told"
is 0 "the newest" "$moongate" jobs history odd --limit 2
cat >newest <<'END'
SLOT                        LATE  STATUS            TOOK  RUN                        EXIT  ATTEMPTS  HOST  NOTES
2024-01-31 09:00:00 +00:00        failed                  20240131-090000-odd              1               the record of its end is damaged
2024-01-31 08:00:00 +00:00        left by its host        20240131-080000-m1f3a-odd        1         h:2   by hand, by ann@h
2 of 7 records: 1 failed, 1 running
next slot: none while it is paused
END
diff newest out
verdict $? "how many there are"
is 0 "history of a job that is not declared any more" "$moongate" jobs history gone
told "it is told" out <<'END'
SLOT                        LATE  STATUS   TOOK  RUN  EXIT  ATTEMPTS  HOST  NOTES
2024-01-31 04:00:00 +00:00        skipped                                   run x goes on
1 skipped
the job is not declared any more
END

rm "$jobs/slots/odd/20240131-0900"*
is 0 "list" "$moongate" jobs list
cat >list <<'END'
JOB    LAST RUN                                          NEXT SLOT  SCHEDULE                  REMARKS
daily  -                                                 paused     30 2 * * * Europe/Berlin  paused by ann@h since 2024-02-01 01:00:00 +01:00: red \x1b[31m
odd    timed out 2024-01-31 03:02:00 +00:00, took 02:00  paused     every 1h                  paused by ann@h since 2024-02-01 00:00:00 +00:00: red \x1b[31m; left by its host since 2024-01-31 08:00:00 +00:00 on h:2; 2 failures in a row; missed 3 slots up to 2024-01-31 07:00:00 +00:00
slow   -                                                 paused     every 1h                  paused by ann@h since 2024-02-01 00:00:00 +00:00: red \x1b[31m
off    -                                                 disabled   @daily UTC                disabled
END
diff list out
verdict $? "list, exactly"
told "what is not declared is told" err <<'END'
1 job not declared any more: gone
END
is 0 "list as JSON" "$moongate" jobs list --output json
is 0 "it is JSON" "$moongate" run --store none -e '
    local list = require "json".decode(arg[1]).jobs
    assert(#list == 4 and list[2].name == "odd" and list[2].failures == 2)
    assert(list[2].last.status == "timed out" and list[2].last.duration == 120)
    assert(list[2].last.slot == "2024-01-31T03:00:00.000Z" and list[2].paused.by == "ann@h")
    assert(list[2].running[1].key == "20240131-080000-m1f3a" and list[2].passed.count == 3)
    assert(list[2].running[1].carried == false)
    assert(list[4].enabled == false and list[4].last == nil)' "$(cat out)"
is 0 "history as JSON" "$moongate" jobs history odd --output json
is 0 "it is JSON, too" "$moongate" run --store none -e '
    local told = require "json".decode(arg[1])
    assert(told.name == "odd" and told.declared and told.total == 6 and #told.slots == 6)
    assert(told.counts.missed == 3 and told.slots[2].first == "2024-01-31T05:00:00.000Z")
    assert(told.slots[5].error == "first\nsecond" and told.slots[5].late == 61)' "$(cat out)"

# what cannot be looked at
rm -rf "$jobs/slots/odd"
touch "$jobs/slots/odd"
is 1 "a store that is damaged" "$moongate" jobs history odd
grep -q "^moongate jobs: .*slots/odd" err
verdict $? "names the place"

verdict_end
