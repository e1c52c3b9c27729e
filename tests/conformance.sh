#!/bin/sh
# Drives moongate against the Azure SDK team's test server (npm's
# @microsoft.azure/autorest.testserver), on loopback. Without npm it says so and does nothing.
# usage: conformance.sh MOONGATE FOLDER [record FILE]
set -u
moongate=$1
folder=$2
package=@microsoft.azure/autorest.testserver

if ! command -v npm >/dev/null; then
    echo "skipped: npm is not installed, so there is no test server to measure against"
    exit 0
fi
mkdir -p "$folder"
if [ ! -d "$folder/node_modules/$package" ]; then
    echo "NPM $package"
    npm install --silent --no-audit --no-fund --prefix "$folder" "$package@3.3.51" || exit 1
fi

port=$(node -e 'const s=require("net").createServer();s.listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
node "$folder/node_modules/$package/dist/cli/cli.js" --port "$port" \
    --coverageDirectory "$folder/coverage" >"$folder/server.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null' EXIT
base=http://localhost:$port
for _ in $(seq 100); do
    curl -s -o /dev/null "$base" 2>/dev/null && break
    node -e 'setTimeout(()=>{}, 100)'
done

if [ "${3:-}" = record ]; then
    node tests/record.js "$base" "$moongate" >"$4"
    exit
fi
CONFORMANCE_SERVER=$base "$moongate" test --jobs 1 --allow-net "localhost:$port" tests/spec/conformance_*.lua
