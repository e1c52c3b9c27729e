#!/bin/sh
# Tortures schedulers on one store; without more words the short form of `make torture-jobs`.
# usage: torture_jobs.sh MOONGATE [OPTIONS of torture_jobs.py]; ends with "N passed, N failed"
set -eu
moongate=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- --slots 24
python3 "$(dirname "$0")/torture_jobs.py" "$moongate" "$work" "$@"
