#!/bin/sh
# Runs of moongate that are killed, stopped and starved, then carried on: see torture/torture.h.
# This is the short form; `make torture` has the long one.
# usage: torture.sh MOONGATE [OPTIONS AND SCENARIOS of tests/torture/main.c]
set -u
moongate=$1
shift
tools=$(dirname "$moongate")/tests/torture
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# A run finds nothing in the environment but what the torture sets.
unset AZURE_AUTHORITY_HOST MOONGATE_STORE MOONGATE_CLOUD MOONGATE_CA_FILE
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

if [ $# -eq 0 ]; then
    set -- --every 40 sweep rivals paused mishaps
fi
options=
while [ $# -gt 0 ] && [ "${1#--}" != "$1" ]; do
    options="$options $1 $2"
    shift 2
done
# shellcheck disable=SC2086
"$tools/torture" $options "$moongate" "$tools/kill.so" "$folder" "$@"
