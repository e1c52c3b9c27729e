#!/bin/sh
# Schedulers in a hostile world: processes that do not end, limits, broken configurations, stores that
# are full, gone or read-only.
# usage: jobs_hostile.sh MOONGATE; ends with "N passed, N failed"
set -u
moongate=$(realpath "$1")
work=$(mktemp -d)
passed=0
failed=0
scheduler=
trap 'kill -9 $scheduler 2>/dev/null; umount full 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1

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
    "$moongate" jobs start --store "$store" --config moongate.lua "$@" >start.log 2>&1 &
    scheduler=$!
    within 20 grep -q " jobs of " start.log
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
run memory
expect "memory is limited" grep -q "failed in .*not enough memory" run-memory.log
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
expect "100 reloads keep no memory" flat "$before" "$(resident)"
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
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
