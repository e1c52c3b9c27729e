#!/bin/sh
# Tortures runs; without more words the short form of `make torture`: some of the points at which a
# run can be killed, and the rest of what can happen to it.
# usage: torture.sh MOONGATE [OPTIONS AND SCENARIOS of torture/main.c]; ends with "N passed, N failed"
set -eu
moongate=$1
shift
build=$(dirname "$moongate")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- --every 60 sweep rivals paused mishaps
options=
while [ $# -gt 1 ] && [ "${1#--}" != "$1" ]; do
    options="$options $1 $2"
    shift 2
done
# shellcheck disable=SC2086
"$build/tests/torture/torture" $options "$moongate" "$build/tests/torture/kill.so" "$work" "$@"
