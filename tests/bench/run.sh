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
    measure answer "$moongate" sim --listen 127.0.0.1:0
    report "moongate sim, from start to first answer" "$(compute "$cpu_us / 1000")" 20 ms
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

requests
waiting
sleeping
start_up
onboarding
exit $over
