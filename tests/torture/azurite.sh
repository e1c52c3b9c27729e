#!/bin/sh
# The torture with stores in Azurite, the emulator of Azure Storage (npm), and two processes that
# compete for each resume. A lease in Blob Storage lasts 15 s or more, also that of a process
# that is dead; so most of the time is waiting, and many wait at once.
# usage: azurite.sh MOONGATE FOLDER [OPTIONS AND SCENARIOS of main.c]
set -u
moongate=$1
folder=$2
shift 2
here=$(dirname "$0")

skip() {
    echo "skipped: the torture of stores in Azure Blob Storage, as $1"
    exit 0
}

command -v npm >/dev/null || skip "npm is not installed"
mkdir -p "$folder"
[ -d "$folder/node_modules/azurite" ] ||
    npm install --silent --no-audit --no-fund --prefix "$folder" azurite@3.35.0 ||
    skip "npm cannot install Azurite"
port=$(node -e 'const s=require("net").createServer();s.listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
node "$folder/node_modules/azurite/dist/src/blob/main.js" --silent --blobPort "$port" \
    --inMemoryPersistence --disableTelemetry >"$folder/azurite.log" 2>&1 &
server=$!
trap 'kill $server' EXIT
for _ in $(seq 200); do
    grep -q "successfully listens" "$folder/azurite.log" && break
    sleep 0.1
done

# without a path: the account is the first part of it
AZURITE=http://127.0.0.1:$port
AZURE_STORAGE_SERVICE_ENDPOINT=$AZURITE/devstoreaccount1
# the one that Azurite publishes
AZURE_STORAGE_KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
export AZURITE AZURE_STORAGE_SERVICE_ENDPOINT AZURE_STORAGE_KEY
[ $# -gt 0 ] || set -- --every 20 --jobs 12 --haste 10 sweep rivals paused
sh "$here/../torture.sh" "$moongate" "$@"
