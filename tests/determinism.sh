#!/bin/sh
# The same seed and script on the virtual clock write the same event log, byte for byte.
# usage: determinism.sh MOONGATE; ends with "N passed, N failed"
set -u
. "$(dirname "$0")/verdict.sh"
moongate=$(realpath "$1")
teams=$(realpath scripts/teams.csv)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME

# log FILE OPTIONS...: the events of a run that must succeed and write something
log() {
    to=$1
    shift
    "$moongate" run --sim --output json "$@" >"$to" 2>errors
    if ! tail -n 1 "$to" | grep -q '"status":"succeeded","created":[1-9]'; then
        verdict 1 "a run that succeeds: $*"
        tail -n 1 "$to"
        head -n 3 errors
    fi
}

# twice NAME OPTIONS...
twice() {
    name=$1
    shift
    log first "$@"
    log second "$@"
    cmp first second
    verdict $? "$name, twice the same"
}

{
    echo team,display_name,description,group,role,gateway,units,network,subnet_prefix
    for i in $(seq -f %04g 1 200); do
        echo "team-$i,Team $i,,api-team-$i,,,,,"
    done
} >many.csv
cat >many.json <<'END'
{"groups": {"prefix": "api-team-", "count": 200, "members": 3},
 "limits": {"workspaces_per_service": 300},
 "virtual_networks": [{"name": "vnet-apim", "address_prefixes": ["10.0.0.0/8"]}]}
END
many="bulk_onboard --teams many.csv --network integration --subnet-space 10.0.0.0/8"
faults=throttle=0.05,error=0.02

twice "12 teams" bulk_onboard --teams "$teams" --network integration
head -n 1 first | grep -q '"time":"2026-01-05T09:00:00.000Z"'
verdict $? "a virtual clock begins at 2026-01-05T09:00:00Z"
twice "12 teams with faults, talkative" --sim-faults $faults,reset-after=0.02,error-after=0.02 --seed 7 \
    --log-level debug bulk_onboard --teams "$teams" --network integration
log other --sim-faults $faults,reset-after=0.02,error-after=0.02 --seed 8 \
    --log-level debug bulk_onboard --teams "$teams" --network integration
! cmp -s first other
verdict $? "another seed, another log"
twice "200 teams" --world many.json $many
twice "200 teams with faults" --world many.json --sim-faults $faults $many
twice "what a script draws" -e 'require("workspaces").create("w" .. math.random(1000000))'

verdict_end
