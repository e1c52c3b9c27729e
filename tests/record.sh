#!/bin/sh
# Records an estate as a world file: it is the same when it is recorded from its own copy, it
# holds no secret, nothing is written on the way, and what may not be read is left out.
# usage: record.sh MOONGATE; ends with "N passed, N failed"
set -u
. "$(dirname "$0")/verdict.sh"
moongate=$(realpath "$1")
estate=$(realpath scripts/worlds/contoso.lua)
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
unset AZURE_CLIENT_SECRET AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_SUBSCRIPTION_ID AZURE_AUTHORITY_HOST \
    MOONGATE_ENDPOINT MOONGATE_RESOURCE_GROUP MOONGATE_SERVICE MOONGATE_ACCESS_TOKEN

# has FILE WORDS...: each of them is there
has() {
    file=$1
    shift
    for words in "$@"; do
        grep -qF -e "$words" "$file"
        verdict $? "'$words' is in $file"
    done
}

# lacks FILE WORDS...
lacks() {
    file=$1
    shift
    for words in "$@"; do
        ! grep -qF -e "$words" "$file"
        verdict $? "'$words' is not in $file"
    done
}

# elsewhere: a server with a rich estate, and who may read next to nothing of it
cat "$estate" - >estate.lua <<'END'
table.insert(applications, {name = "auditor", app_id = "0a0a0a0a-1b1b-4c2c-8d3d-4e4e4e4e4e4e",
                            secret = "auditor-secret-of-this-test"})
table.insert(role_assignments, {principal = "auditor", scope = "resource_groups/rg-apim",
                                role = "API Management Service Reader Role"})
table.insert(gateways, {name = "gw-broken", state = "Failed"})
resources = {{id = "/resourceGroups/rg-apim/providers/Microsoft.ApiManagement/service/contoso-apim"
  .. "/workspaces/odd", body = {properties = {displayName = "A \"quoted\\\" name\nof two lines, \195\164"}}}}
END
"$moongate" sim --listen 127.0.0.1:0 --control --world estate.lua >profile 2>server.err &
server=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    grep -qs ready profile && break
    sleep 0.1
done
sed /ready/d profile >environment
. ./environment

"$moongate" sim --record first.lua >said 2>&1
verdict $? "an estate elsewhere is recorded"
has said "first.lua: 7 workspaces, 4 gateways, 21 role assignments"
"$moongate" run -e 'print(#require("arm").get(os.getenv("MOONGATE_ENDPOINT") .. "/_sim/ledger").body.resources)' \
    >ledger 2>/dev/null
grep -qx 0 ledger
verdict $? "recording writes nothing"

# what is in it
has first.lua 'name = "gw-broken"' 'state = "Failed"' 'name = "api-team-payments"' \
    'upn = "ada.king@contoso.example"' 'name = "rg-network"' 'name = "snet-shared"' \
    'created_at = "2025-02-11T10:00:00Z"' 'principal = "api-platform"' 'role = "Contributor"' \
    'name = "API Platform (production)"' 'name = "nsg-gateways"' 'tags = {pci = "yes"}' \
    'display_name = "A \"quoted\\\" name\nof two lines, '
lacks first.lua secret password owner~ eyJ

# the same again from a copy of it, by way of either language
for step in "first.lua second.lua" "second.lua third.json" "third.json fourth.lua" "first.lua fifth.json"; do
    set -- $step
    (
        unset AZURE_CLIENT_SECRET MOONGATE_ENDPOINT
        "$moongate" sim --record "$2" --sim-world "$1" >said 2>&1
    )
    verdict $? "$1 is loaded and recorded as $2"
done
cmp first.lua second.lua
verdict $? "a recording of a copy is the same"
cmp first.lua fourth.lua
verdict $? "and by way of JSON too"
cmp third.json fifth.json
verdict $? "and in JSON"

# a script runs on a copy
"$moongate" run --sim-world first.lua -e '
local gw = require("gateways").get("gw-shared")
assert(#gw:workspaces() == 3 and gw.units == 2 and gw.network == "integration")
require("workspaces").create("new-team", {display_name = "New"})
print "a copy"' >copy 2>&1
verdict $? "a script runs on the recorded estate"
has copy "a copy"

# who may not read everything
AZURE_CLIENT_ID=0a0a0a0a-1b1b-4c2c-8d3d-4e4e4e4e4e4e AZURE_CLIENT_SECRET=auditor-secret-of-this-test \
    "$moongate" sim --record part.lua >said 2>&1
verdict $? "what may not be read is no failure"
has part.lua "notes = {" "left out: AuthorizationFailed" 'name = "payments"'
has said "left out: AuthorizationFailed" "notes on what was left out"
"$moongate" run --sim-world part.lua -e 'return 1' >said 2>&1
verdict $? "and the rest is a world"

# what cannot be done
"$moongate" sim --record nowhere/x.lua >said 2>&1
test $? -eq 1
verdict $? "a file that cannot be written is a failure"
has said "nowhere/x.lua: No such file or directory"
"$moongate" sim --record x.lua --resource-group no-such-group >said 2>&1
test $? -eq 1 && ! test -e x.lua
verdict $? "a resource group that is not there is a failure, and no file is made"
has said ResourceGroupNotFound
"$moongate" sim --record >said 2>&1
test $? -eq 2
verdict $? "a file is needed"

verdict_end
