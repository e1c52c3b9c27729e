#!/bin/sh
# Prints a C file that holds the files named, for engine/run/source.h. NAME=FILE embeds FILE
# under another name.
set -eu
echo '#include "run/source.h"'
n=0
for file in "$@"; do
    n=$((n + 1))
    printf 'static const unsigned char file_%d[] = {' "$n"
    od -An -v -tu1 "${file#*=}" | sed 's/[0-9][0-9]*/&,/g'
    echo '0};'
done
echo 'const struct embedded_file embedded_files[] = {'
n=0
for file in "$@"; do
    n=$((n + 1))
    printf '{"%s", file_%d, sizeof file_%d - 1},\n' "${file%%=*}" "$n" "$n"
done
echo '{0}};'
