#!/bin/sh
# Runs each fuzz target for a while, two side by side, from its seeds and what earlier runs have
# found. Ends with what was found; a crash stays as a file in the folder. Leaks are looked for
# at the end alone: a simulator keeps memory from input to input, and to search for leaks after
# each of them would take most of the time.
# usage: run.sh FOLDER SECONDS TARGET...
set -u
folder=$1
seconds=$2
shift 2
code=0
while [ $# -gt 0 ]; do
    running=""
    for target in "$1" ${2:-}; do
        name=$(basename "$target" | sed 's/^fuzz_//')
        mkdir -p "$folder/found/$name"
        "$target" -max_total_time="$seconds" -timeout=10 -max_len=4096 -detect_leaks=0 \
            -print_final_stats=1 \
            -artifact_prefix="$folder/$name-" "$folder/found/$name" "tests/fuzz/seeds/$name" \
            >"$folder/$name.log" 2>&1 &
        running="$running $!:$name"
    done
    for one in $running; do
        if wait "${one%%:*}"; then
            runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/${one#*:}.log")
            echo "${one#*:}: $runs inputs, no finding"
        else
            echo "${one#*:}: see $folder/${one#*:}.log"
            code=1
        fi
    done
    shift
    [ $# -gt 0 ] && shift
done
exit $code
