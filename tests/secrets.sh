#!/bin/sh
# Runs moongate with secrets of every kind, as talkative as it can be, through good and bad, and
# looks for the secrets in everything that it has written.
# usage: secrets.sh MOONGATE; ends with "N passed, N failed"
set -u
moongate=$(realpath "$1")
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

unset AZURE_CLIENT_SECRET AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_SUBSCRIPTION_ID AZURE_AUTHORITY_HOST \
    AZURE_FEDERATED_TOKEN_FILE AZURE_CLIENT_CERTIFICATE_PATH MOONGATE_ACCESS_TOKEN \
    MOONGATE_ENDPOINT MOONGATE_RESOURCE_GROUP MOONGATE_SERVICE IDENTITY_ENDPOINT IDENTITY_HEADER
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME

"$moongate" sim --listen 127.0.0.1:0 --clock 20000x \
    --faults throttle=0.05,error=0.05,reset=0.05,revoke=0.02,token-life=10m >profile 2>server.err &
server=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    grep -q ready profile && break
    sleep 0.1
done
sed /ready/d profile >environment
. ./environment
real_secret=$AZURE_CLIENT_SECRET

export NAMED_VALUE=named-value-of-this-test PRIMARY_KEY=primary-key-of-this-test
cat >onboard.lua <<'END'
local workspaces, rbac, entra = require "workspaces", require "rbac", require "entra"
local ws = workspaces.ensure("payments", {display_name = "Payments"})
rbac.grant {group = entra.ensure "api-team-payments", workspace = ws, as = "developer"}
for _, w in ipairs(workspaces.list()) do print(w) end
ws.named_values:ensure("key", {display_name = "key", secret = true,
                               value = os.getenv "NAMED_VALUE"})
ws.subscriptions:ensure("sub", {display_name = "sub", primary_key = os.getenv "PRIMARY_KEY"})
error "an error at the end"
END
printf 'federated-assertion-of-this-test\n' >assertion
mkdir bin
cat >bin/az <<'END'
#!/bin/sh
echo "{\"accessToken\": \"az-token-of-this-test\", \"expires_on\": $(($(date +%s) + 3600))}"
END
chmod +x bin/az

# say ARGUMENTS...: runs moongate; what it writes goes to one file
say() {
    "$moongate" "$@" >>written 2>&1 </dev/null
}

for format in text json; do
    # what works, and fails for other reasons
    say run --log-level debug --output $format onboard.lua
    say run --log-level debug --output $format --read-only -e 'require "workspaces".create "other"'
    say run --log-level debug --output $format -e 'require "arm".get("/nothing", {["api-version"] = "x"})'
    say doctor --output $format
    # what is refused at sign-in
    AZURE_CLIENT_SECRET=wrong-secret-of-this-test say run --log-level debug --output $format onboard.lua
    AZURE_CLIENT_SECRET=wrong-secret-of-this-test say doctor --output $format
    (
        unset AZURE_CLIENT_SECRET
        AZURE_FEDERATED_TOKEN_FILE=$work/assertion say run --log-level debug --output $format onboard.lua
        MOONGATE_ACCESS_TOKEN=ready-token-of-this-test say run --log-level debug --output $format onboard.lua
        MOONGATE_ACCESS_TOKEN=ready-token-of-this-test say doctor --output $format
        IDENTITY_ENDPOINT=$MOONGATE_ENDPOINT/nothing IDENTITY_HEADER=identity-header-of-this-test \
            say run --log-level debug --output $format onboard.lua
        AZURE_TOKEN_CREDENTIALS=AzureCliCredential PATH=$work/bin:$PATH \
            say run --log-level debug --output $format onboard.lua
    )
    # nobody there
    MOONGATE_ENDPOINT=http://127.0.0.1:1 say run --log-level debug --output $format onboard.lua
done

# check SECRET NAME
check() {
    if grep -aqF -e "$1" written server.err 2>/dev/null ||
        grep -arqF -e "$1" state; then
        failed=$((failed + 1))
        echo "$2 was written:"
        grep -arnF -e "$1" written server.err state | head -n 3
    else
        passed=$((passed + 1))
    fi
}

check "$real_secret" "the client secret"
check wrong-secret-of-this-test "a wrong client secret"
check federated-assertion-of-this-test "a federated assertion"
check ready-token-of-this-test "a ready token"
check identity-header-of-this-test "the header of a managed identity"
check az-token-of-this-test "a token of az"
check eyJ "a token of the simulator"
check "Bearer " "an Authorization field"
check client_assertion= "a token request"
check named-value-of-this-test "a secret named value"
check primary-key-of-this-test "a subscription key"

# and much was written: or nothing was looked at
if grep -arq '"do":"intent".*"kind":"named value"' state; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
    echo "no journal was written of the named value"
fi
for words in 'workspace.*payments' 'AuthenticationFailed' 'signed in: az' 'GuardRefused' 'ConnectionFailed' \
    '"event":"log"' 'GET http'; do
    if grep -aq "$words" written; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "nothing was written of $words"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
