#!/bin/sh
# Unmodified azure-cli against `moongate sim --tls`. The environment is what the simulator
# prints. Debian's `az network` and `az role` do not start by themselves; what they would ask
# goes through `az rest`.
# usage: az.sh FOLDER
set -u
AZURE_CONFIG_DIR=$1/az
export AZURE_CONFIG_DIR AZURE_CORE_COLLECT_TELEMETRY=no AZURE_CORE_ONLY_SHOW_ERRORS=yes
rm -rf "$AZURE_CONFIG_DIR"
mkdir -p "$AZURE_CONFIG_DIR"
passed=0
failed=0
said=$AZURE_CONFIG_DIR/said

# expect WORDS COMMAND...: the command succeeds and says WORDS somewhere; '' if nothing
expect() {
    words=$1
    shift
    if "$@" >"$said" 2>&1 && { [ -z "$words" ] || grep -qi -- "$words" "$said"; }; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $*: no '$words' in:"
        tail -n 5 "$said"
    fi
}

# refuse WORDS COMMAND...: the command fails and says WORDS somewhere
refuse() {
    words=$1
    shift
    if ! "$@" >"$said" 2>&1 && grep -qi -- "$words" "$said"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $*: no refusal with '$words' in:"
        tail -n 5 "$said"
    fi
}

cat >"$AZURE_CONFIG_DIR/cloud.json" <<END
{"endpoints": {"activeDirectory": "$AZURE_AUTHORITY_HOST/adfs",
  "activeDirectoryResourceId": "https://management.azure.com/",
  "activeDirectoryGraphResourceId": "https://graph.windows.net/",
  "microsoftGraphResourceId": "$MOONGATE_ENDPOINT/",
  "management": "$MOONGATE_ENDPOINT/", "resourceManager": "$MOONGATE_ENDPOINT/",
  "gallery": "$MOONGATE_ENDPOINT/"}, "suffixes": {}}
END
subscription=/subscriptions/$AZURE_SUBSCRIPTION_ID
apim=$subscription/resourceGroups/$MOONGATE_RESOURCE_GROUP/providers/Microsoft.ApiManagement
workspace="$MOONGATE_ENDPOINT$apim/service/$MOONGATE_SERVICE/workspaces/az?api-version=2024-05-01"

expect '' az cloud register -n moongate --cloud-config "@$AZURE_CONFIG_DIR/cloud.json"
expect '' az cloud set -n moongate
expect "$AZURE_SUBSCRIPTION_ID" az login --service-principal -u "$AZURE_CLIENT_ID" \
    -p "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"
expect "$AZURE_SUBSCRIPTION_ID" az account show
expect Succeeded az group create -n rg-az -l westeurope
expect true az group exists -n rg-az
expect rg-az az group list
expect "$MOONGATE_SERVICE" az apim list
expect "$MOONGATE_SERVICE" az apim show -n "$MOONGATE_SERVICE" -g "$MOONGATE_RESOURCE_GROUP"
expect Succeeded az apim create -n apim-az -g rg-az -l westeurope --publisher-email a@contoso.example \
    --publisher-name Team --sku-name Premium
expect '' az apim delete -n apim-az -g rg-az --yes
expect team-az az ad group create --display-name team-az --mail-nickname team-az
expect team-az az ad group list --filter "displayName eq 'team-az'"
member=$(az ad user list --query '[0].id' -o tsv)
expect '' az ad group member add -g team-az --member-id "$member"
expect "$member" az ad group member list -g team-az
expect "$AZURE_CLIENT_ID" az ad sp show --id "$AZURE_CLIENT_ID"
expect '' az ad group delete -g team-az
expect '"az"' az rest --method put --url "$workspace" --body '{"properties":{"displayName":"az"}}'
refuse PreconditionFailed az rest --method patch --url "$workspace" --headers 'If-Match="stale"' \
    --body '{"properties":{"displayName":"b"}}'
expect changed az rest --method patch --url "$workspace" --headers 'If-Match=*' \
    --body '{"properties":{"displayName":"changed"}}'
expect '' az rest --method delete --url "$workspace" --headers 'If-Match=*'
refuse ResourceNotFound az rest --method get --url "$workspace"
expect Succeeded az resource create --id "$subscription/resourceGroups/rg-az/providers/Microsoft.Network/virtualNetworks/vnet-az" \
    --api-version 2022-07-01 --properties '{"addressSpace":{"addressPrefixes":["10.92.0.0/16"]}}' \
    -l westeurope
expect vnet-az az resource list -g rg-az
cat >"$AZURE_CONFIG_DIR/template.json" <<END
{"\$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0", "parameters": {"name": {"type": "string"}},
  "resources": [{"type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2022-07-01",
    "name": "[parameters('name')]", "location": "[resourceGroup().location]", "properties": {}}]}
END
expect Succeeded az deployment group create -g rg-az -n deployed \
    --template-file "$AZURE_CONFIG_DIR/template.json" --parameters name=nsg-az
expect nsg-az az deployment operation group list -g rg-az -n deployed
guest=$(az ad sp show --id "$MOONGATE_SIM_GUEST_ID" --query id -o tsv)
reader=$subscription/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7
assignment="$MOONGATE_ENDPOINT$subscription/resourceGroups/rg-az/providers/Microsoft.Authorization/roleAssignments/7c9e6679-7425-40de-944b-e07fc1f90ae7?api-version=2022-04-01"
expect "$guest" az rest --method put --url "$assignment" --body "{\"properties\":{
    \"roleDefinitionId\":\"$reader\",\"principalId\":\"$guest\",
    \"principalType\":\"ServicePrincipal\"}}"
expect '' az logout
expect "$AZURE_SUBSCRIPTION_ID" az login --service-principal -u "$MOONGATE_SIM_GUEST_ID" \
    -p "$MOONGATE_SIM_GUEST_SECRET" --tenant "$AZURE_TENANT_ID"
expect rg-az az group show -n rg-az
refuse AuthorizationFailed az rest --method get --url "$workspace"
refuse AuthorizationFailed az group delete -n rg-az --yes
expect '' az logout
expect '' az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" \
    --tenant "$AZURE_TENANT_ID"
expect '' az group delete -n rg-az --yes
expect false az group exists -n rg-az
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
