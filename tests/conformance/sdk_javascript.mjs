// Unmodified Azure clients for JavaScript against `moongate sim --tls`: each completes its
// part of a platform team's work. The environment is what the simulator prints.
// usage: node --test sdk_javascript.mjs
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { ApiManagementClient } from "@azure/arm-apimanagement";
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { NetworkManagementClient } from "@azure/arm-network";
import { ResourceManagementClient } from "@azure/arm-resources";
import { DeploymentsClient } from "@azure/arm-resourcesdeployments";
import { ClientSecretCredential } from "@azure/identity";
import { Client as GraphClient } from "@microsoft/microsoft-graph-client";
import { TokenCredentialAuthenticationProvider } from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";
import { createRemoteJWKSet, jwtVerify } from "jose";

const env = process.env;
const endpoint = env.MOONGATE_ENDPOINT, subscription = env.AZURE_SUBSCRIPTION_ID;
const group = env.MOONGATE_RESOURCE_GROUP, service = env.MOONGATE_SERVICE;
const location = "westeurope";

const signIn = (id, secret) =>
  new ClientSecretCredential(env.AZURE_TENANT_ID, id, secret, {
    authorityHost: env.AZURE_AUTHORITY_HOST,
    disableInstanceDiscovery: true,
  });
const owner = signIn(env.AZURE_CLIENT_ID, env.AZURE_CLIENT_SECRET);
const guest = signIn(env.MOONGATE_SIM_GUEST_ID, env.MOONGATE_SIM_GUEST_SECRET);

const options = {
  endpoint,
  credentialScopes: ["https://management.azure.com/.default"],
};
const apim = new ApiManagementClient(owner, subscription, options);
const network = new NetworkManagementClient(owner, subscription, options);
const resources = new ResourceManagementClient(owner, subscription, options);
const deployments = new DeploymentsClient(owner, subscription, options);
const authorization = new AuthorizationManagementClient(owner, subscription, options);
const graph = GraphClient.initWithMiddleware({
  baseUrl: endpoint,
  defaultVersion: "v1.0",
  customHosts: new Set([new URL(endpoint).hostname]),
  authProvider: new TokenCredentialAuthenticationProvider(owner, {
    scopes: ["https://graph.microsoft.com/.default"],
  }),
});

async function gather(pages) {
  const all = [];
  for await (const one of pages) all.push(one);
  return all;
}

// A new group takes a while to be known everywhere: what every script against Azure waits for.
async function patiently(code, ask) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (error.code !== code || attempt === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

const refused = (status, code) => (error) => {
  assert.equal(error.statusCode, status, error.message);
  assert.equal(error.code, code, error.message);
  return true;
};

test("identity: a token that its JWKS verifies, and a refusal", async () => {
  const { token } = await owner.getToken("https://management.azure.com/.default");
  const metadata = await (
    await fetch(`${endpoint}/${env.AZURE_TENANT_ID}/v2.0/.well-known/openid-configuration`)
  ).json();
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(metadata.jwks_uri)), {
    algorithms: ["RS256"],
  });
  assert.equal(payload.tid, env.AZURE_TENANT_ID);
  assert.equal(payload.appid ?? payload.azp, env.AZURE_CLIENT_ID);
  await assert.rejects(
    signIn(env.AZURE_CLIENT_ID, "not-the-secret").getToken("https://management.azure.com/.default"),
    /AADSTS7000215/,
  );
});

test("arm-resources: a group from its creation to its end", async () => {
  const name = "rg-javascript";
  assert.equal((await resources.resourceGroups.checkExistence(name)).body, false);
  const made = await resources.resourceGroups.createOrUpdate(name, { location, tags: { team: "a" } });
  assert.equal(made.properties.provisioningState, "Succeeded");
  assert.equal((await resources.resourceGroups.checkExistence(name)).body, true);
  const patched = await resources.resourceGroups.update(name, { tags: { team: "b" } });
  assert.equal(patched.tags.team, "b");
  assert.ok((await gather(resources.resourceGroups.list())).some((one) => one.name === name));
  const tagged = await gather(
    resources.resourceGroups.list({ filter: "tagName eq 'team' and tagValue eq 'b'" }),
  );
  assert.deepEqual(tagged.map((one) => one.name), [name]);
  const provider = await resources.providers.get("Microsoft.ApiManagement");
  assert.equal(provider.registrationState, "Registered");
  await resources.resourceGroups.beginDeleteAndWait(name);
  await assert.rejects(resources.resourceGroups.get(name), refused(404, "ResourceGroupNotFound"));
  await assert.rejects(
    new ResourceManagementClient(guest, subscription, options).resourceGroups.get(group),
    refused(403, "AuthorizationFailed"),
  );
});

test("arm-resourcesdeployments: a deployment that is tracked", async () => {
  const deployment = await deployments.deployments.beginCreateOrUpdateAndWait(group, "javascript", {
    properties: {
      mode: "Incremental",
      parameters: { name: { value: "nsg-deployed" } },
      template: {
        $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        contentVersion: "1.0.0.0",
        parameters: { name: { type: "string" } },
        resources: [
          {
            type: "Microsoft.Network/networkSecurityGroups",
            apiVersion: "2024-10-01",
            name: "[parameters('name')]",
            location: "[resourceGroup().location]",
            properties: {},
          },
        ],
      },
    },
  });
  assert.equal(deployment.properties.provisioningState, "Succeeded");
  const operations = await gather(deployments.deploymentOperations.list(group, "javascript"));
  assert.ok(
    operations.some((one) => one.properties.targetResource?.resourceName === "nsg-deployed"),
    JSON.stringify(operations),
  );
  assert.equal((await network.networkSecurityGroups.get(group, "nsg-deployed")).name, "nsg-deployed");
});

test("arm-network: a network, its subnet and their order", async () => {
  const nsg = await network.networkSecurityGroups.beginCreateOrUpdateAndWait(group, "nsg-javascript", {
    location,
  });
  const vnet = await network.virtualNetworks.beginCreateOrUpdateAndWait(group, "vnet-javascript", {
    location,
    addressSpace: { addressPrefixes: ["10.90.0.0/16"] },
  });
  assert.equal(vnet.provisioningState, "Succeeded");
  const subnet = await network.subnets.beginCreateOrUpdateAndWait(group, "vnet-javascript", "snet-gateway", {
    addressPrefix: "10.90.1.0/24",
    networkSecurityGroup: { id: nsg.id },
    delegations: [{ name: "gateway", serviceName: "Microsoft.Web/serverFarms" }],
  });
  assert.equal(subnet.delegations[0].serviceName, "Microsoft.Web/serverFarms");
  await assert.rejects(
    network.subnets.beginCreateOrUpdateAndWait(group, "vnet-javascript", "snet-overlap", {
      addressPrefix: "10.90.1.128/25",
    }),
    refused(400, "NetcfgSubnetRangesOverlap"),
  );
  assert.equal((await gather(network.subnets.list(group, "vnet-javascript"))).length, 1);
  await assert.rejects(
    network.networkSecurityGroups.beginDeleteAndWait(group, "nsg-javascript"),
    refused(400, "InUseNetworkSecurityGroupCannotBeDeleted"),
  );
});

test("arm-apimanagement: a workspace, conditionally", async () => {
  const name = "javascript";
  const made = await apim.workspace.createOrUpdate(group, service, name, { displayName: "JavaScript" });
  assert.equal(made.displayName, "JavaScript");
  assert.ok(made.eTag);
  const head = await apim.workspace.getEntityTag(group, service, name);
  assert.equal(head.eTag, made.eTag);
  const patched = await apim.workspace.update(group, service, name, head.eTag, { displayName: "Changed" });
  assert.equal(patched.displayName, "Changed");
  await assert.rejects(
    apim.workspace.update(group, service, name, head.eTag, { displayName: "Stale" }),
    refused(412, "PreconditionFailed"),
  );
  await assert.rejects(
    apim.workspace.createOrUpdate(group, service, "nameless", { displayName: "" }),
    refused(400, "ValidationError"),
  );
  for (let i = 0; i < 12; i++)
    await apim.workspace.createOrUpdate(group, service, `page-${i}`, { displayName: `Page ${i}` });
  const all = await gather(apim.workspace.listByService(group, service, { top: 5 }));
  assert.ok(all.length >= 5);
  const found = await gather(apim.workspace.listByService(group, service, { filter: "name eq 'page-3'" }));
  assert.deepEqual(found.map((one) => one.name), ["page-3"]);
  for (let i = 0; i < 12; i++) await apim.workspace.delete(group, service, `page-${i}`, "*");
});

test("arm-apimanagement: a gateway of three hours, its connection, their end", async () => {
  const subnet = await network.subnets.get(group, "vnet-javascript", "snet-gateway");
  const gateway = await apim.apiGateway.beginCreateOrUpdateAndWait(group, "gw-javascript", {
    location,
    sku: { name: "WorkspaceGatewayPremium", capacity: 1 },
    virtualNetworkType: "External",
    backend: { subnet: { id: subnet.id } },
  });
  assert.equal(gateway.provisioningState, "Succeeded");
  const workspace = await apim.workspace.get(group, service, "javascript");
  const connection = await apim.apiGatewayConfigConnection.beginCreateOrUpdateAndWait(
    group,
    "gw-javascript",
    "javascript",
    { sourceId: workspace.id },
  );
  assert.equal(connection.sourceId.toLowerCase(), workspace.id.toLowerCase());
  const links = await gather(apim.apiManagementWorkspaceLinks.listByService(group, service));
  assert.ok(links.some((one) => one.workspaceId?.toLowerCase() === workspace.id.toLowerCase()));
  await assert.rejects(
    apim.apiGateway.beginDeleteAndWait(group, "gw-javascript"),
    (error) => error.statusCode === 409,
  );
  await assert.rejects(
    new ApiManagementClient(guest, subscription, options).apiGateway.get(group, "gw-javascript"),
    refused(403, "AuthorizationFailed"),
  );
  const scaled = await apim.apiGateway.beginUpdateAndWait(group, "gw-javascript", {
    sku: { name: "WorkspaceGatewayPremium", capacity: 2 },
  });
  assert.equal(scaled.sku.capacity, 2);
  await apim.apiGatewayConfigConnection.beginDeleteAndWait(group, "gw-javascript", "javascript", "*");
  await apim.apiGateway.beginDeleteAndWait(group, "gw-javascript");
  await assert.rejects(apim.apiGateway.get(group, "gw-javascript"), refused(404, "ResourceNotFound"));
  await apim.workspace.delete(group, service, "javascript", "*");
});

test("microsoft-graph-client: groups, members, queries, a batch", async () => {
  const made = await graph.api("/groups").post({
    displayName: "team-javascript",
    mailEnabled: false,
    mailNickname: "team-javascript",
    securityEnabled: true,
  });
  const users = await graph.api("/users").top(2).select("id,displayName").get();
  assert.equal(users.value.length, 2);
  for (const user of users.value)
    await graph.api(`/groups/${made.id}/members/$ref`).post({
      "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${user.id}`,
    });
  const members = await graph.api(`/groups/${made.id}/members`).get();
  assert.equal(members.value.length, 2);
  const filtered = await graph.api("/groups").filter("startswith(displayName,'team-javascript')").get();
  assert.deepEqual(filtered.value.map((one) => one.id), [made.id]);
  const searched = await graph
    .api("/groups")
    .header("ConsistencyLevel", "eventual")
    .search('"displayName:javascript"')
    .count(true)
    .get();
  assert.equal(searched["@odata.count"], 1);
  const batch = await graph.api("/$batch").post({
    requests: [
      { id: "1", method: "GET", url: `/groups/${made.id}` },
      { id: "2", method: "GET", url: `/groups/${randomUUID()}`, dependsOn: ["1"] },
    ],
  });
  assert.deepEqual(batch.responses.map((one) => one.status).sort(), [200, 404]);
  await assert.rejects(
    graph.api(`/groups/${made.id}/members/$ref`).post({
      "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${users.value[0].id}`,
    }),
    (error) => error.statusCode === 400,
  );
  const all = await graph.api("/users").top(1).get();
  assert.ok(all["@odata.nextLink"].startsWith(endpoint), all["@odata.nextLink"]);
});

test("arm-authorization: a group's role, twice, refused and removed", async () => {
  const [team] = (await graph.api("/groups").filter("displayName eq 'team-javascript'").get()).value;
  const scope = `/subscriptions/${subscription}/resourceGroups/${group}`;
  const [role] = await gather(
    authorization.roleDefinitions.list(scope, { filter: "roleName eq 'Reader'" }),
  );
  const parameters = { roleDefinitionId: role.id, principalId: team.id, principalType: "Group" };
  const name = randomUUID();
  const made = await patiently("PrincipalNotFound", () =>
    authorization.roleAssignments.create(scope, name, parameters),
  );
  assert.equal(made.principalId, team.id);
  await assert.rejects(
    authorization.roleAssignments.create(scope, randomUUID(), parameters),
    refused(409, "RoleAssignmentExists"),
  );
  const listed = await gather(
    authorization.roleAssignments.listForScope(scope, { filter: `principalId eq '${team.id}'` }),
  );
  assert.deepEqual(listed.map((one) => one.name), [name]);
  await assert.rejects(
    new AuthorizationManagementClient(guest, subscription, options).roleAssignments.create(
      scope,
      randomUUID(),
      parameters,
    ),
    refused(403, "AuthorizationFailed"),
  );
  await authorization.roleAssignments.delete(scope, name);
  const permissions = await gather(authorization.permissions.listForResourceGroup(group));
  assert.ok(permissions.some((one) => one.actions.includes("*")));
  await graph.api(`/groups/${team.id}`).delete();
  await assert.rejects(graph.api(`/groups/${team.id}`).get(), (error) => error.statusCode === 404);
});
