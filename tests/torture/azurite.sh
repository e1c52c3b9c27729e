#!/bin/sh
# The torture with stores in Azurite, and two processes that compete for each resume. A lease in
# Blob Storage lasts 15 s or more, also that of a process that is dead; so most of the time is
# waiting, and many wait at once.
# usage: azurite.sh MOONGATE FOLDER [OPTIONS AND SCENARIOS of main.c]
set -u
moongate=$1
folder=$2
shift 2
tests=$(dirname "$0")/..
[ $# -gt 0 ] || set -- --every 20 --jobs 12 --haste 10 sweep rivals paused
sh "$tests/with_azurite.sh" "the torture of stores in Azure Blob Storage" "$folder" \
    sh "$tests/torture.sh" "$moongate" "$@"
