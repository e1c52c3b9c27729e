#!/bin/sh
# Conformance, on loopback: moongate's client against the Azure SDK team's test server (npm's
# @microsoft.azure/autorest.testserver), its store in Azure Blob Storage against Azurite, and the
# simulator against unmodified Azure clients: the SDKs for JavaScript and Python, and az. What is
# not installed is skipped, and said.
# Ends with "N passed, N failed".
# usage: run.sh MOONGATE FOLDER [record FILE]
set -u
moongate=$1
folder=$2
here=$(dirname "$0")
passed=0
failed=0
pids=""
trap 'for pid in $pids; do kill "$pid"; wait "$pid"; done 2>/dev/null' EXIT
mkdir -p "$folder"

# fetch PACKAGE...: from npm, unless it is there
fetch() {
    missing=""
    for package in "$@"; do
        [ -d "$folder/node_modules/${package%@[0-9]*}" ] || missing="$missing $package"
    done
    [ -z "$missing" ] && return
    echo "NPM$missing"
    # shellcheck disable=SC2086
    npm install --silent --no-audit --no-fund --prefix "$folder" $missing || exit 1
}

# await FILE WORD: until the word begins a line of the file, for 20 seconds
await() {
    for _ in $(seq 200); do
        grep -q "^$2" "$1" && return
        sleep 0.1
    done
    echo "no '$2' in $1" >&2
    exit 1
}

# count NAME PASSED FAILED
count() {
    passed=$((passed + ${2:-0}))
    failed=$((failed + ${3:-1}))
    printf '%-28s %4d passed, %d failed\n' "$1" "${2:-0}" "${3:-1}"
}

# sets `port` to a free one
choose_port() {
    port=$(node -e 'const s=require("net").createServer();s.listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
}

start_test_server() {
    fetch @microsoft.azure/autorest.testserver@3.3.51
    choose_port
    node "$folder/node_modules/@microsoft.azure/autorest.testserver/dist/cli/cli.js" \
        --port "$port" --coverageDirectory "$folder/coverage" >"$folder/server.log" 2>&1 &
    pids="$pids $!"
    for _ in $(seq 100); do
        curl -s -o /dev/null "http://localhost:$port" && return
        sleep 0.1
    done
}

run_test_server() {
    start_test_server
    CONFORMANCE_SERVER=http://localhost:$port "$moongate" test --jobs 1 \
        --allow-net "localhost:$port" tests/spec/conformance_*.lua >"$folder/log" 2>&1 ||
        cat "$folder/log"
    # shellcheck disable=SC2046
    count "the SDK team's test server" $(sed -n \
        's/^\([0-9]*\) passed, \([0-9]*\) failed.*$/\1 \2/p' "$folder/log" | tail -n 1)
}

# Over HTTPS, as it takes tokens only so; without telemetry, which it sends otherwise.
run_azurite() {
    fetch azurite@3.35.0
    choose_port
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=azurite \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$folder/azurite.key" \
        -out "$folder/azurite.pem" 2>/dev/null || exit 1
    node "$folder/node_modules/azurite/dist/src/blob/main.js" --silent --blobPort "$port" \
        --cert "$folder/azurite.pem" --key "$folder/azurite.key" --oauth basic \
        --inMemoryPersistence --disableTelemetry >"$folder/azurite.log" 2>&1 &
    pids="$pids $!"
    await "$folder/azurite.log" "Azurite Blob service successfully listens"
    AZURITE=https://127.0.0.1:$port/devstoreaccount1 AZURITE_CA=$folder/azurite.pem \
        "$(dirname "$moongate")/tests/conformance/azurite" >"$folder/log" 2>&1 || cat "$folder/log"
    # shellcheck disable=SC2046
    count "Azurite" $(awk -F '[:,] *' '/Checks:/ {print $3 - $5 - $7, $5 + $7}' "$folder/log")
}

# In virtual time: three hours pass as fast as a client polls.
start_simulator() {
    "$moongate" sim --tls --listen 127.0.0.1:0 --clock virtual >"$folder/sim.env" &
    pids="$pids $!"
    await "$folder/sim.env" ready
    eval "$(grep '^export ' "$folder/sim.env")"
}

run_javascript() {
    cp "$here/sdk_javascript.mjs" "$folder"
    node --test --test-reporter=tap "$folder/sdk_javascript.mjs" >"$folder/log" 2>&1 ||
        cat "$folder/log"
    count "Azure SDK for JavaScript" $(sed -n 's/^# \(pass\|fail\) \([0-9]*\)$/\2/p' "$folder/log")
}

run_python() {
    /usr/bin/python3 -W ignore "$here/sdk_python.py" >"$folder/log" 2>&1 || cat "$folder/log"
    all=$(sed -n 's/^Ran \([0-9]*\) tests.*/\1/p' "$folder/log")
    bad=$(grep -c '^\(ERROR\|FAIL\): ' "$folder/log")
    count "Azure SDK for Python" $((${all:-0} - bad)) "$([ "${all:-0}" -gt 0 ] && echo "$bad" || echo 1)"
}

run_az() {
    sh "$here/az.sh" "$folder" >"$folder/log" 2>&1 || cat "$folder/log"
    # shellcheck disable=SC2046
    count "azure-cli" $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$folder/log")
}

if [ "${3:-}" = record ]; then
    start_test_server
    node "$here/record.js" "http://localhost:$port" "$moongate" >"$4"
    exit
fi
if command -v npm >/dev/null; then
    run_test_server
    run_azurite
    fetch @azure/identity @azure/arm-apimanagement @azure/arm-authorization \
        @azure/arm-network @azure/arm-resources @azure/arm-resourcesdeployments \
        @microsoft/microsoft-graph-client jose
fi
start_simulator # from here on, all that is asked believes in its CA alone
if command -v npm >/dev/null; then
    run_javascript
else
    echo "skipped: the test server, Azurite and the SDK for JavaScript, as npm is not installed"
fi
if /usr/bin/python3 -c 'import azure.mgmt.resource, azure.identity' 2>/dev/null; then
    run_python
else
    echo "skipped: the SDK for Python, as python3-azure is not installed"
fi
if command -v az >/dev/null; then
    run_az
else
    echo "skipped: az, as azure-cli is not installed"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
