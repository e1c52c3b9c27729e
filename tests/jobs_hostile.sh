#!/bin/sh
# Schedulers in a hostile world: processes that do not end, limits, broken configurations, stores that
# are full, gone or read-only; many slots at once; signals, pauses and runs by hand at bad times.
# usage: jobs_hostile.sh MOONGATE; ends with "N passed, N failed"
set -u
moongate=$(realpath "$1")
work=$(mktemp -d)
passed=0
failed=0
scheduler=
config=moongate.lua
trap 'kill -9 $scheduler 2>/dev/null; umount full 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1

is_sanitized() {
    grep -q __asan_init "$moongate"
}

# expect NAME COMMAND...
expect() {
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $name"
        tail -n 5 "$work"/*.log
    fi
}

# within SECONDS COMMAND...: until it succeeds
within() {
    left=$(($1 * 10))
    shift
    until "$@"; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
}

# start STORE [OPTION...]: a scheduler that is ready
start() {
    store=$1
    shift
    : >start.log # what the one before said is not what is waited for
    "$moongate" jobs start --store "$store" --config $config "$@" >start.log 2>&1 &
    scheduler=$!
    within 20 grep -q " jobs\{0,1\} of " start.log
}

# stop CODE: SIGTERM, and the exit code that is to come
stop() {
    kill -TERM $scheduler
    wait $scheduler
    [ $? -eq "$1" ]
}

run() {
    "$moongate" jobs run "$1" --store store --config moongate.lua >"run-$1.log" 2>&1
}

resident() {
    awk '/VmRSS/ {print $2}' "/proc/$scheduler/status"
}

# reload COUNT: so many times, each seen
reload() {
    seen=$(grep -c "read again" start.log)
    for _ in $(seq "$1"); do
        kill -HUP $scheduler
        seen=$((seen + 1))
        within 10 has_seen $seen || return 1
    done
}

has_seen() {
    [ "$(grep -c 'read again' start.log)" -ge "$1" ]
}

flat() {
    [ "$2" -le $(($1 + 1024)) ] || { echo "$1 KB became $2 KB"; return 1; }
}

echo 'while true do end' >loop.lua
echo 'local t = {} while true do t[#t + 1] = ("x"):rep(1000000) .. #t end' >memory.lua
: >nothing.lua
cat >moongate.lua <<'END'
job "second" {every = "1s", script = "nothing.lua", keep = 10}
job "often" {every = "1d", script = "nothing.lua"}
job "gone" {every = "365d", script = "gone.lua"}
job "memory" {every = "365d", script = "memory.lua", max_memory = "128M"}
job "cpu" {every = "365d", script = "loop.lua", max_cpu = "1s", retry_after = "1s"}
END

# --- limits
run gone
expect "a script that is not there is told" grep -q "gone.lua" run-gone.log
if is_sanitized; then
    echo "skipped: the sanitizer needs terabytes of addresses, and keeps what is freed"
else
    run memory
    expect "memory is limited" grep -q "failed in .*not enough memory" run-memory.log
fi
run cpu
code=$?
expect "CPU time is limited" grep -q "failed in .*of the processor" run-cpu.log
expect "and that is a failure" [ "$code" -eq 1 ]

# --- the configuration
start store
expect "it starts" within 10 grep -q "second: run .* succeeded" start.log
reload 20
before=$(resident)
reload 100
is_sanitized || expect "100 reloads keep no memory" flat "$before" "$(resident)"
cp moongate.lua good.lua
echo 'job "broken" {every = "0s"' >>moongate.lua
kill -HUP $scheduler
expect "a broken configuration is refused" within 10 grep -q "the configuration is as it was" start.log
mv good.lua moongate.lua
lines=$(grep -c succeeded start.log)
goes_on() { [ "$(grep -c succeeded start.log)" -gt "$lines" ]; }
expect "jobs go on" within 10 goes_on
expect "SIGTERM ends it" stop 0

# --- the end
echo 'job "loop" {every = "1s", script = "loop.lua", overlap = "skip"}' >>moongate.lua
start store --grace 2s --lease 5s
within 10 grep -q "loop: run .* began" start.log
began=$(date +%s)
expect "a script that does not end is handed over" stop 0
took=$(($(date +%s) - began))
expect "within the grace, and a little more" [ $took -le 10 ]
sed -i '/"loop"/d' moongate.lua

# --- the store
mkdir full
if mount -t tmpfs -o size=256k none full 2>/dev/null; then
    start full/store
    head -c 1000000 /dev/zero >full/filler 2>/dev/null
    expect "a store that is full is told" within 20 grep -qi "no space" start.log
    rm full/filler
    lines=$(grep -c succeeded start.log)
    expect "and used again when there is room" within 70 goes_on
    expect "SIGTERM ends that, too" stop 0
    umount full
fi
start lost/store
within 10 grep -q succeeded start.log
rm -rf lost
lines=$(grep -c succeeded start.log)
expect "a store that is removed is made anew" within 70 goes_on
expect "and SIGTERM ends it" stop 0

# --- many slots at once

# became_known STORE: a day ago, so that each daily slot was missed
became_known() {
    sed -i "s/\"at\":\"[^\"]*\"/\"at\":\"$(date -u -d '24 hours ago' +%FT%T.000Z)\"/" \
        "$1"/jobs/known/*.json
}

# missed STORE: what is in the configuration is known there, and was due since
missed() {
    start "$1" && stop 0 && became_known "$1"
}

# has COUNT TEXT: so many lines of what the scheduler said, or more
has() {
    [ "$(grep -c "$2" start.log)" -ge "$1" ]
}

# history_is JOB COUNTS: what became of all its slots in the store
history_is() {
    "$moongate" jobs history "$1" --store "$store" --config $config --limit 1000 >history.log
    grep -qx "$2" history.log
}

nothing_open() {
    [ -z "$(ls "$store/jobs/open")" ]
}

most_at_once() {
    awk '/ began, /{n++} / succeeded in /{n--} n > most {most = n} END {print most}' start.log
}

twice() {
    sed -n 's/.* run \(.*\) began, .*/\1/p' start.log | sort | uniq -d
}

# child: the process of the only run
child() {
    cat /proc/$scheduler/task/$scheduler/children
}

config=many.lua
for i in $(seq 200); do
    echo "job 'many-$i' {every = '1d', script = 'nothing.lua', catch_up = '3d'}"
done >many.lua
expect "200 jobs miss a slot each" missed many
start many --max-runs 4
expect "200 slots at once are run" within 120 has 200 " succeeded in "
expect "each once" [ -z "$(twice)" ]
expect "four at a time" [ "$(most_at_once)" -eq 4 ]
expect "and nothing is left" within 10 nothing_open
expect "SIGTERM ends that scheduler" stop 0

config=hours.lua
echo 'require "tasks".sleep(0.2)' >short.lua
echo 'job "hours" {every = "1h", script = "short.lua", catch_up = "3d"}' >hours.lua
expect "a day of slots is missed" missed hours
for i in 1 2 3; do
    start hours --lease 3s
    within 20 has 6 " succeeded in "
    expect "SIGTERM ends catching up, time $i" stop 0
done
start hours --lease 3s
expect "the rest is caught up" within 30 history_is hours "2[45] succeeded"
expect "and no slot is open" within 10 nothing_open
stop 0

# --- bad times
config=retried.lua
echo 'error "no"' >fail.lua
cat >retried.lua <<'END'
job "retried" {every = "1d", script = "fail.lua", retries = 1, retry_after = "4s", catch_up = "3d"}
END
missed retried
start retried --lease 3s
expect "an attempt fails" within 20 has 1 "attempt 1 failed"
began=$(date +%s)
expect "SIGTERM ends the wait for the next one" stop 0
expect "at once" [ $(($(date +%s) - began)) -le 3 ]
start retried --lease 3s
expect "which another scheduler begins" within 30 has 1 "began, attempt 2"
expect "and no more than that" within 30 history_is retried "1 failed"
stop 0

config=paused.lua
cat >paused.lua <<'END'
job "paused" {every = "3s", script = "fail.lua", overlap = "skip", retries = 2, retry_after = "2s"}
job "second" {every = "1s", script = "nothing.lua"}
END
start paused
within 20 has 1 "paused: .* attempt 1 failed"
"$moongate" jobs pause paused --store paused --config paused.lua >pause.log
expect "a run of a job that is paused is retried" within 20 has 1 "paused failed in"
expect "while others go on" within 20 has 10 "second: .* succeeded"
expect "no other begins" history_is paused "1 failed"
stop 0

config=stopped.lua
echo 'require "tasks".sleep(60)' >long.lua
echo 'job "stopped" {every = "2s", script = "long.lua", overlap = "skip"}' >stopped.lua
start stopped --grace 60s
within 20 has 1 " began"
stopped=$(child)
kill -STOP $stopped
kill -TERM $scheduler
expect "SIGTERM waits for a process that is stopped" within 10 has 1 "handing over 1 run"
began=$(date +%s)
expect "a second one does not" stop 0
expect "but ends at once" [ $(($(date +%s) - began)) -le 10 ]
is_gone() { ! kill -0 $stopped 2>/dev/null; }
expect "with the process" within 10 is_gone

config=here.lua
echo 'require "tasks".sleep(4)' >four.lua
echo 'job "here" {every = "2s", script = "four.lua", overlap = "skip"}' >here.lua
echo 'job "there" {every = "365d", script = "four.lua"}' >there.lua
start gone --lease 3s
within 20 has 1 " began"
kill -9 $scheduler $(child)
wait $scheduler 2>/dev/null
config=there.lua
start gone --lease 3s
expect "a run is taken up where its job is not declared" within 30 has 1 "here: run .* is taken up"
expect "and brought to its end" within 30 has 1 "here: run .* succeeded in"
stop 0
config=here.lua
expect "as its history says" history_is here "1 succeeded"

# --- by hand
config=hand.lua
cat >hand.lua <<'END'
job "skip" {every = "2s", script = "four.lua", overlap = "skip"}
job "allow" {every = "2s", script = "four.lua", overlap = "allow"}
END
for job in skip allow; do
    "$moongate" jobs run $job --store hand --config hand.lua >$job.log 2>&1 &
    within 20 grep -q begins $job.log
done
start hand
expect "a slot is left out while a run by hand goes on" \
    within 10 has 1 "skip: slot .* is left out: run .*-m[0-9a-f]*-skip goes on"
expect "unless runs may overlap" within 10 has 1 "allow: run .* began"
expect "the run by hand ends well" within 20 grep -q ": succeeded in" skip.log
expect "and the other one" within 20 grep -q ": succeeded in" allow.log
within 20 has 1 "skip: run .* began"
expect "by hand one begins in any case" "$moongate" jobs run skip --store hand --config hand.lua
stop 0
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
