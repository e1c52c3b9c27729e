#!/bin/sh
# Runs moongate against a simulator that tells all its long operations in one form, for each
# form that there is: what is made, changed and deleted must be so when moongate says it is.
# usage: forms.sh MOONGATE; ends with "N passed, N failed"
set -u
. "$(dirname "$0")/verdict.sh"
moongate=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

cat >operations.lua <<'END'
local gateways, networks, arm = require "gateways", require "networks", require "arm"

local function state(path)
  local ok, answer = pcall(arm.get, path .. "?api-version=2024-05-01")
  return ok and answer.body.properties.provisioningState or answer.code
end

local function expect(what, have, want)
  assert(have == want, ("%s is %s, not %s"):format(what, tostring(have), want))
end

local gw = gateways.ensure("gw", {network = "none"})
expect("a new gateway", state(gw.id), "Succeeded")
gw:scale(3)
expect("a scaled gateway", state(gw.id), "Succeeded")
expect("its units", gateways.get("gw").units, 3)
local id = gw.id
gw:delete()
expect("a deleted gateway", state(id), "ResourceNotFound")
local nsg = networks.security_groups.ensure("nsg")
expect("a new security group", state(nsg.id), "Succeeded")
END

for form in both async location body accepted-both accepted-async accepted-location accepted self; do
    {
        printf '{"operation_forms":{'
        for kind in gateway network_security_group; do
            for verb in create update scale delete; do
                printf '"%s.%s":"%s",' "$kind" "$verb" "$form"
            done
        done
        printf '"subnet.create":"%s"}}\n' "$form"
    } >world.json
    "$moongate" run --sim --world world.json operations.lua >log 2>&1
    code=$?
    verdict $code "operations told as $form are what moongate says of them"
    [ $code -eq 0 ] || sed 's/^/    /' log
done
verdict_end
