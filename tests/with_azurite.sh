#!/bin/sh
# Runs a command with Azurite, the emulator of Azure Storage (npm): moongate's stores in blobs of the
# account devstoreaccount1 are there. Where there is no Azurite, says what is skipped.
# usage: with_azurite.sh WHAT FOLDER COMMAND...; Azurite is installed in FOLDER
set -u
what=$1
folder=$2
shift 2

skip() {
    echo "skipped: $what, as $1"
    exit 0
}

command -v npm >/dev/null || skip "npm is not installed"
mkdir -p "$folder"
[ -d "$folder/node_modules/azurite" ] ||
    npm install --silent --no-audit --no-fund --prefix "$folder" azurite@3.35.0 ||
    skip "npm cannot install Azurite"
port=$(node -e 'const s=require("net").createServer();s.listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
log=$folder/azurite-$port.log
node "$folder/node_modules/azurite/dist/src/blob/main.js" --silent --blobPort "$port" \
    --inMemoryPersistence --disableTelemetry >"$log" 2>&1 &
server=$!
trap 'kill $server; rm -f "$log"' EXIT
for _ in $(seq 200); do
    grep -q "successfully listens" "$log" && break
    sleep 0.1
done

# without a path: the account is the first part of it
AZURITE=http://127.0.0.1:$port
AZURE_STORAGE_SERVICE_ENDPOINT=$AZURITE/devstoreaccount1
# the one that Azurite publishes
AZURE_STORAGE_KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
export AZURITE AZURE_STORAGE_SERVICE_ENDPOINT AZURE_STORAGE_KEY
"$@"
