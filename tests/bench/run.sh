#!/bin/sh
# Measures moongate and compares it with its limits; ends with 1 when one is exceeded.
# usage: run.sh BUILD
set -u
build=$1
bench=$build/tests/bench
moongate=$build/moongate
here=$(dirname "$0")
work=$(mktemp -d)
servers=""
over=0
trap 'kill $servers 2>/dev/null; rm -rf "$work"' EXIT

# A run finds nothing in the environment but what is set here.
unset AZURE_AUTHORITY_HOST MOONGATE_ENDPOINT MOONGATE_RESOURCE_GROUP MOONGATE_SERVICE no_proxy NO_PROXY
export AZURE_TENANT_ID=bench AZURE_CLIENT_ID=bench AZURE_CLIENT_SECRET=bench
export AZURE_SUBSCRIPTION_ID=00000000-0000-0000-0000-000000000001

# report NAME VALUE LIMIT UNIT; without a limit it only tells
report() {
    verdict=ok
    if [ "$3" = - ]; then
        verdict=""
    elif ! awk "BEGIN {exit !($2 <= $3)}"; then
        verdict=OVER
        over=1
    fi
    printf '%-52s %10s %8s %-6s %s\n' "$1" "$2" "$3" "$4" "$verdict"
}

# compute EXPRESSION [FORMAT]
compute() {
    awk "BEGIN {printf \"${2:-%.2f}\", $1}"
}

# measure RUNS COMMAND... sets cpu_us, wall_us and peak_kb; its output is in $work/output
measure() {
    if ! "$bench/measure" "$work/result" "$@" >"$work/output" 2>"$work/errors"; then
        tail -n 3 "$work/errors" >&2
        exit 1
    fi
    read -r cpu_us wall_us peak_kb <"$work/result"
}

# wait_for FILE WORD: until a server that writes there has said it
wait_for() {
    tries=0
    until grep -qs "$2" "$1"; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || exit 1
        sleep 0.05
    done
}

# median COLUMN FILE of five lines
median() {
    cut -d ' ' -f "$1" "$2" | sort -n | sed -n 3p
}

# Five runs each, in turn, so that a machine that is faster now and slower then favours none.
requests() {
    count=10000
    "$bench/server" >"$work/url" &
    servers="$servers $!"
    wait_for "$work/url" http
    url=$(cat "$work/url")
    for _ in 1 2 3 4 5; do
        measure 1 "$bench/bare_curl" "$url" $count
        bare_us=$cpu_us
        measure 1 "$moongate" run --quiet --endpoint "$url" --resource-group bench \
            --service bench "$here/requests.lua" $count
        echo "$(compute "$bare_us / (2 * $count)") $(compute "$cpu_us / (2 * $count)")" \
            "$(compute "$cpu_us / $bare_us")" >>"$work/requests"
    done
    report "bare libcurl, a request" "$(median 1 "$work/requests")" - CPU-us
    report "moongate, a request" "$(median 2 "$work/requests")" - CPU-us
    report "moongate / bare libcurl" "$(median 3 "$work/requests")" 1.5 ""
}

# writes NAME STORE: the median of five runs of 64 tasks that write
writes() {
    rm -f "$work/$1"
    for i in 1 2 3 4 5; do
        store=$2
        [ "$store" = none ] || store=$store$i
        "$moongate" run --quiet --store "$store" --endpoint "$url" --resource-group bench \
            --service bench "$here/writing.lua" 5000 >>"$work/$1" 2>"$work/errors" ||
            { tail -n 3 "$work/errors" >&2; exit 1; }
    done
    median 1 "$work/$1"
}

# What it costs that a run can be carried on: two records and more for each write, each safe before
# the run goes on. Where answers come at once, what is measured is the CPU time of both.
journal() {
    dd if=/dev/zero of="$work/synced" bs=512 count=500 oflag=dsync 2>"$work/dd"
    report "writes of 512 bytes that the disk makes safe, one by one" \
        "$(awk '/ copied/ {for (i = 1; i < NF; i++) if ($(i + 1) ~ /^s,/) print int(500 / $i)}' \
            "$work/dd")" - /s
    for latency in 50 0; do
        rm -f "$work/url"
        "$bench/server" $latency >"$work/url" &
        servers="$servers $!"
        wait_for "$work/url" http
        url=$(cat "$work/url")
        bare=$(writes "bare$latency" none) kept=$(writes "kept$latency" "$work/store$latency.")
        report "64 tasks write, no journal, answers in $latency ms" "$bare" - /s
        report "64 tasks write, with a journal" "$kept" - /s
        limit=-
        [ $latency = 0 ] || limit=1.11 # 90 % of the throughput
        report "without / with" "$(compute "$bare / $kept")" $limit ""
    done
}

# As many as the budget of requests lets out in a minute or two.
waiting() {
    cat >"$work/waiting.json" <<END
{"durations": {"gateway.create": ["1h", "1h"]},
 "limits": {"reads": null, "writes": null, "deletes": null}}
END
    for who in operations tasks; do
        rm -f "$work/profile"
        "$moongate" sim --listen 127.0.0.1:0 --world "$work/waiting.json" >"$work/profile" 2>/dev/null &
        servers="$servers $!"
        wait_for "$work/profile" ready
        sed /ready/d "$work/profile" >"$work/environment"
        kb=$(. "$work/environment" && "$moongate" run --quiet "$here/waiting.lua" 10000 $who 2>/dev/null)
        if [ $who = operations ]; then
            report "one of 10,000 waiting operations" "${kb:-999}" 4 KB
        else
            report "the same with a task of its own that waits" "${kb:-999}" 8 KB
        fi
    done
}

sleeping() {
    measure 1 "$moongate" run --quiet "$here/sleeping.lua" 100000
    report "100,000 sleeping tasks, peak" "$(compute "$peak_kb / 1024" %.0f)" 200 MB
    report "100,000 sleeping tasks, from due to all awake" "$(cat "$work/output")" 500 ms
}

start_up() {
    measure 200 "$moongate" run -e ''
    report "start of a run, mean of 200" "$(compute "$wall_us / 1000")" 5 ms
    report "an empty run, peak" "$(compute "$peak_kb / 1024")" 6 MB
}

# Seen from the keyboard of a pseudo terminal. CPU time counts, too, as others may be at work here.
prompt() {
    cat >"$work/names.json" <<END
{"workspaces": {"prefix": "ws-", "count": 5000},
 "limits": {"workspaces_per_service": 100000, "reads": null, "writes": null, "deletes": null}}
END
    mkdir -p "$work/user"
    HOME=$work/user "$bench/prompt" start "$moongate" 41 >"$work/prompt" || exit 1
    report "repl --sim, from exec to the prompt, median of 41" "$(cut -d ' ' -f 1 "$work/prompt")" 30 ms
    report "the same" "$(cut -d ' ' -f 2 "$work/prompt")" 30 CPU-ms
    HOME=$work/user "$bench/prompt" echo "$moongate" 600 "$work/names.json" 1000 >"$work/prompt" || exit 1
    report "a key to its echo, 1,000 tasks polling, median" "$(cut -d ' ' -f 1 "$work/prompt")" - ms
    report "the same, 99th percentile" "$(cut -d ' ' -f 2 "$work/prompt")" 20 ms
    HOME=$work/user "$bench/prompt" complete "$moongate" 50 "$work/names.json" >"$work/prompt" || exit 1
    report "Tab to 5,000 live names, median" "$(cut -d ' ' -f 1 "$work/prompt")" - ms
    report "the same, slowest of 50" "$(cut -d ' ' -f 2 "$work/prompt")" 50 ms
}

# first_answer NAME [OPTION...]: the median of five starts
first_answer() {
    name=$1
    shift
    rm -f "$work/starts"
    for _ in 1 2 3 4 5; do
        measure answer "$moongate" sim --listen 127.0.0.1:0 "$@"
        echo "$cpu_us" >>"$work/starts"
    done
    report "moongate sim$name, start to first answer" \
        "$(compute "$(median 1 "$work/starts") / 1000")" 50 ms
}

first_answers() {
    export XDG_STATE_HOME="$work/home"
    first_answer ""
    first_answer " --tls" --tls
    first_answer " --state" --state "$work/state"
    first_answer " --tls --state" --tls --state "$work/state"
}

# Starts a simulator without limits on requests, with these options, as $sim; signs in.
start_simulator() {
    cat >"$work/unlimited.json" <<END
{"limits": {"workspaces_per_service": 100000, "reads": null, "writes": null, "deletes": null}}
END
    rm -f "$work/profile"
    "$moongate" sim --listen 127.0.0.1:0 --world "$work/unlimited.json" "$@" \
        >"$work/profile" 2>/dev/null &
    sim=$!
    servers="$servers $sim"
    wait_for "$work/profile" ready
    value() { sed -n "s/^export $1=//p" "$work/profile"; }
    SIM_URL=$(value MOONGATE_ENDPOINT)
    export SIM_URL SIM_PATH="/subscriptions/$(value AZURE_SUBSCRIPTION_ID)/resourceGroups/$(
        value MOONGATE_RESOURCE_GROUP)/providers/Microsoft.ApiManagement/service/$(
        value MOONGATE_SERVICE)"
    SIM_TENANT=$(value AZURE_TENANT_ID) SIM_ID=$(value AZURE_CLIENT_ID)
    SIM_SECRET=$(value AZURE_CLIENT_SECRET)
    export SIM_TENANT SIM_ID SIM_SECRET
}

# ticks: CPU time of the simulator so far, in hundredths of a second
ticks() {
    awk '{print $14 + $15}' "/proc/$sim/stat"
}

# load NAME METHOD RATE: RATE requests a second on one core are wanted (-: it only tells). CPU
# time is what counts, as wrk takes a core, too, and others may be at work here.
load() {
    before=$(ticks)
    wrk -t 1 -c 32 -d 5 -s "$here/simulator.lua" "$SIM_URL" -- "$2" >"$work/wrk" 2>&1 ||
        { cat "$work/wrk" >&2; exit 1; }
    if grep -q 'Non-2xx' "$work/wrk"; then
        cat "$work/wrk" >&2
        exit 1
    fi
    after=$(ticks)
    count=$(awk '/requests in/ {print $1}' "$work/wrk")
    each_us=$(compute "($after - $before) * 10000 / $count")
    limit=$3
    [ "$limit" = - ] || limit=$(compute "1000000 / $limit" %.0f)
    report "$1, a request" "$each_us" "$limit" CPU-us
    report "$1" "$(awk '/Requests\/sec/ {print int($2)}' "$work/wrk")" - /s
}

simulator() {
    start_simulator
    load "simulator, GETs" GET 20000
    get_us=$each_us
    load "simulator, PUTs of 1 KB in memory" PUT 8000
    kill "$sim"
    start_simulator --state "$work/puts"
    load "simulator, PUTs of 1 KB in a state file" PUT 2000
    kill "$sim"
    start_simulator --tls
    load "simulator, GETs over TLS" GET 10000
    kill "$sim"
    "$bench/server" >"$work/peer" &
    sim=$!
    servers="$servers $sim"
    wait_for "$work/peer" http
    SIM_URL=$(cat "$work/peer")
    load "raw epoll server of fixed answers, GETs" GET -
    report "simulator / raw epoll server" "$(compute "$get_us / $each_us")" - ""
    for _ in 1 2 3 4 5; do
        "$bench/gateways" 1000 "$work/unlimited.json" || exit 1
    done >"$work/gateways"
    report "simulator, 1,000 gateways of 3 h, $(median 2 "$work/gateways") requests" \
        "$(compute "$(median 1 "$work/gateways") / 1000")" 2 s
}

# It ends with the first write that is lost.
kills() {
    MOONGATE=$moongate MOONGATE_KILLS=200 "$build/tests/check_sim_kill" >"$work/kills" ||
        { cat "$work/kills" >&2; exit 1; }
    report "simulator killed: $(grep kills, "$work/kills"), lost" 0 0 writes
}

# onboard TEAMS
onboard() {
    cat >"$work/teams.json" <<END
{"groups": {"prefix": "team-", "count": $1, "members": 3},
 "limits": {"workspaces_per_service": $1, "role_assignments": 100000,
            "reads": null, "writes": null, "deletes": null}}
END
    measure 1 "$moongate" run --quiet --sim --world "$work/teams.json" bulk_onboard \
        --groups-prefix team-
    team_ms=$(compute "$wall_us / 1000 / $1")
    report "onboarding $1 teams" "$(compute "$wall_us / 1000000")" - s
    report "onboarding $1 teams, peak" "$(compute "$peak_kb / 1024" %.0f)" - MB
    report "onboarding $1 teams, a team" "$team_ms" - ms
}

onboarding() {
    onboard 100
    few_ms=$team_ms
    onboard 1000
    report "a team of 1,000 / a team of 100" "$(compute "$team_ms / $few_ms")" 1.5 ""
}

completing() {
    cat >"$work/names.json" <<END
{"limits": {"workspaces_per_service": 5000, "reads": null, "writes": null, "deletes": null}}
END
    measure 1 "$moongate" run --quiet --sim --world "$work/names.json" "$here/completion.lua" 5000
    read -r names_ms first_ms key_ms <"$work/output"
    report "completion of 5,000 live names, the slowest" "$names_ms" 50 CPU-ms
    report "the first hint, with all that it loads" "$first_ms" 20 CPU-ms
    report "a hint, at each key" "$key_ms" 1 CPU-ms
}

# What a run has done is known again before its script begins.
replay() {
    "$bench/journal_replay" "$work/journal.jsonl" 1000000 >"$work/replay" || exit 1
    rm "$work/journal.jsonl"
    report "journal of 1,000,000 records, reading" "$(cut -d ' ' -f 1 "$work/replay")" 5 CPU-s
    report "journal of 1,000,000 records, peak" "$(cut -d ' ' -f 2 "$work/replay")" 200 MB
}

# 10,000 jobs. CPU time is no measure of lateness; on a machine that others use it is larger.
scheduler() {
    jobs() { python3 "$here/jobs.py" "$moongate" "$work/jobs" "$1" >"$work/figures" || exit 1; }
    figure() { cut -d ' ' -f "$1" "$work/figures"; }
    jobs start
    report "10,000 jobs, from exec to ready" "$(figure 1)" 1000 ms
    report "10,000 jobs, peak" "$(figure 2)" 100 MB
    jobs idle
    report "10,000 jobs, nothing due for a minute" "$(figure 1)" 0.5 %CPU
    jobs spread
    report "170 jobs due within 45 s, a run begins late by, 99 of 100" "$(figure 1)" 1 s
    report "the latest of them" "$(figure 2)" 1 s
    jobs restart
    report "10,000 jobs, again, from exec to ready" "$(figure 1)" 1000 ms
    report "until all that they missed is written down" "$(figure 2)" - s
    report "a job due each second is late meanwhile by at most" "$(figure 3)" - s
}

requests
journal
waiting
scheduler
sleeping
replay
start_up
prompt
first_answers
completing
simulator
kills
onboarding
exit $over
