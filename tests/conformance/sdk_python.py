"""Unmodified Azure clients for Python (Debian's python3-azure) against `moongate sim --tls`.

The environment is what the simulator prints. Workspaces and gateways go through the generic
resource client, as this version of azure-mgmt-apimanagement does not know them.
"""
import base64
import json
import os
import unittest
import uuid

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource import ResourceManagementClient, SubscriptionClient

ENDPOINT = os.environ["MOONGATE_ENDPOINT"]
SUBSCRIPTION = os.environ["AZURE_SUBSCRIPTION_ID"]
GROUP = os.environ["MOONGATE_RESOURCE_GROUP"]
SERVICE = os.environ["MOONGATE_SERVICE"]
LOCATION = "westeurope"
VERSION = "2024-05-01"


def sign_in(client_id, secret):
    return ClientSecretCredential(
        os.environ["AZURE_TENANT_ID"], client_id, secret,
        authority=os.environ["AZURE_AUTHORITY_HOST"].removeprefix("https://"),
        instance_discovery=False)


OWNER = sign_in(os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"])
GUEST = sign_in(os.environ["MOONGATE_SIM_GUEST_ID"], os.environ["MOONGATE_SIM_GUEST_SECRET"])


def object_id(credential):
    """The principal that a token is about, as MSAL and az read it."""
    claims = credential.get_token("https://management.azure.com/.default").token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["oid"]


def client(kind, credential=OWNER, *arguments):
    return kind(credential, *arguments, base_url=ENDPOINT,
                credential_scopes=["https://management.azure.com/.default"])


RESOURCES = client(ResourceManagementClient, OWNER, SUBSCRIPTION)
NETWORK = client(NetworkManagementClient, OWNER, SUBSCRIPTION)
APIM = client(ApiManagementClient, OWNER, SUBSCRIPTION)
AUTHORIZATION = client(AuthorizationManagementClient, OWNER, SUBSCRIPTION)


def etag(by_id, resource_id):
    """The entity tag of a resource, which this client does not show by itself."""
    answers = []
    by_id.get_by_id(resource_id, VERSION,
                    cls=lambda answer, _, __: answers.append(answer.http_response.headers["ETag"]))
    return answers[0]


class Story(unittest.TestCase):
    def refused(self, status, code, function, *arguments):
        with self.assertRaises(HttpResponseError) as caught:
            function(*arguments)
        self.assertEqual(caught.exception.status_code, status, caught.exception)
        self.assertEqual(caught.exception.error.code, code, caught.exception)

    def test_subscriptions(self):
        found = [one.subscription_id for one in client(SubscriptionClient).subscriptions.list()]
        self.assertEqual(found, [SUBSCRIPTION])

    def test_resource_group(self):
        groups = RESOURCES.resource_groups
        self.assertFalse(groups.check_existence("rg-python"))
        groups.create_or_update("rg-python", {"location": LOCATION})
        self.assertTrue(groups.check_existence("rg-python"))
        self.assertIn("rg-python", [one.name for one in groups.list()])
        groups.begin_delete("rg-python").result()
        with self.assertRaises(ResourceNotFoundError):
            groups.get("rg-python")
        guest = client(ResourceManagementClient, GUEST, SUBSCRIPTION)
        self.refused(403, "AuthorizationFailed", guest.resource_groups.get, GROUP)

    def test_gateway(self):
        nsg = NETWORK.network_security_groups.begin_create_or_update(
            GROUP, "nsg-python", {"location": LOCATION}).result()
        NETWORK.virtual_networks.begin_create_or_update(
            GROUP, "vnet-python",
            {"location": LOCATION, "address_space": {"address_prefixes": ["10.91.0.0/16"]}}).result()
        subnet = NETWORK.subnets.begin_create_or_update(
            GROUP, "vnet-python", "snet-gateway",
            {"address_prefix": "10.91.1.0/24", "network_security_group": {"id": nsg.id},
             "delegations": [{"name": "gateway", "service_name": "Microsoft.Web/serverFarms"}]}).result()
        scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.ApiManagement"
        workspace = f"{scope}/service/{SERVICE}/workspaces/python"
        gateway = f"{scope}/gateways/gw-python"
        by_id = RESOURCES.resources
        made = by_id.begin_create_or_update_by_id(
            workspace, VERSION, {"properties": {"displayName": "Python"}}).result()
        self.assertEqual(made.properties["displayName"], "Python")
        tag = etag(by_id, workspace)
        patched = by_id.begin_update_by_id(
            workspace, VERSION, {"properties": {"displayName": "Changed"}},
            headers={"If-Match": tag}).result()
        self.assertEqual(patched.properties["displayName"], "Changed")
        self.refused(412, "PreconditionFailed", lambda: by_id.begin_update_by_id(
            workspace, VERSION, {"properties": {"displayName": "Stale"}},
            headers={"If-Match": tag}).result())
        made = by_id.begin_create_or_update_by_id(
            gateway, VERSION,
            {"location": LOCATION, "sku": {"name": "WorkspaceGatewayPremium", "capacity": 1},
             "properties": {"virtualNetworkType": "External",
                            "backend": {"subnet": {"id": subnet.id}}}}).result()
        self.assertEqual(made.properties["provisioningState"], "Succeeded")
        connection = f"{gateway}/configConnections/python"
        by_id.begin_create_or_update_by_id(
            connection, VERSION, {"properties": {"sourceId": workspace}}).result()
        self.refused(409, "GatewayHasConnections",
                     lambda: by_id.begin_delete_by_id(gateway, VERSION).result())
        by_id.begin_delete_by_id(connection, VERSION, headers={"If-Match": "*"}).result()
        by_id.begin_delete_by_id(gateway, VERSION).result()
        by_id.begin_delete_by_id(workspace, VERSION, headers={"If-Match": "*"}).result()
        with self.assertRaises(ResourceNotFoundError):
            by_id.get_by_id(gateway, VERSION)

    def test_service(self):
        service = APIM.api_management_service.get(GROUP, SERVICE)
        self.assertEqual(service.name, SERVICE)
        self.assertEqual([one.name for one in APIM.api_management_service.list_by_resource_group(GROUP)],
                         [SERVICE])
        made = APIM.api_management_service.begin_create_or_update(
            GROUP, "apim-python",
            {"location": LOCATION, "publisher_email": "team@contoso.example", "publisher_name": "Team",
             "sku": {"name": "Premium", "capacity": 1}}).result()
        self.assertEqual(made.provisioning_state, "Succeeded")
        APIM.api_management_service.begin_delete(GROUP, "apim-python").result()
        with self.assertRaises(ResourceNotFoundError):
            APIM.api_management_service.get(GROUP, "apim-python")

    def test_role_assignment(self):
        scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
        role = next(iter(AUTHORIZATION.role_definitions.list(scope, filter="roleName eq 'Reader'")))
        guest = object_id(GUEST)
        name = str(uuid.uuid4())
        body = {"role_definition_id": role.id, "principal_id": guest,
                "principal_type": "ServicePrincipal"}
        made = AUTHORIZATION.role_assignments.create(scope, name, body)
        self.assertEqual(made.principal_id, guest)
        self.refused(409, "RoleAssignmentExists", AUTHORIZATION.role_assignments.create, scope,
                     str(uuid.uuid4()), body)
        AUTHORIZATION.role_assignments.delete(scope, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
