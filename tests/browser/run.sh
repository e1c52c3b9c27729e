#!/bin/sh
# The status page in Chromium: against a stand-in whose texts are all hostile, and against the real
# scheduler on the simulator. Pictures of each view are left in FOLDER/pictures.
# usage: run.sh MOONGATE HOST FOLDER
set -eu
moongate=$(realpath "$1")
host=$(realpath "$2")
mkdir -p "$3/pictures"
folder=$(realpath "$3")
here=$(realpath "$(dirname "$0")")

# The versions that this was seen with.
if [ ! -d "$folder/node_modules/puppeteer-core" ] || [ ! -d "$folder/node_modules/axe-core" ]; then
    PUPPETEER_SKIP_DOWNLOAD=1 npm install --prefix "$folder" --no-audit --no-fund --silent \
        puppeteer-core@24 axe-core@4
fi
NODE_PATH="$folder/node_modules" exec node "$here/check.mjs" "$moongate" "$host" "$folder"
