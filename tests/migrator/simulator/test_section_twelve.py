"""Every row of azure.md section 12: method, path, the api-version the SDK sends, the codes it accepts; and that another
api-version is refused in Resource Manager's words and written down."""

from typing import Any
from urllib.parse import quote

import pytest

S = "/subscriptions/{s}"
WEB = S + "/resourceGroups/web"
SLOT = WEB + "/providers/Microsoft.ClassicCompute/domainNames/small-web/slots/Production"
FEATURE = S + "/providers/Microsoft.Features/providers/Microsoft.Compute/features/CloudServices"
COMPUTE = S + "/providers/Microsoft.Compute/locations/westeurope"
ENCODED = "/%2Fsubscriptions%2F{s}%2FresourceGroups%2Fweb/providers/Microsoft.Authorization"
RIGHTS = S + "/providers/Microsoft.Authorization"
TOOL = SLOT.replace("small-web", "small-tool").replace("/web/", "/tools/")
NETWORK = S + "/providers/Microsoft.Network/locations/westeurope"
GUID = "11111111-2222-4333-8444-555555555555"
LB = WEB + "/providers/Microsoft.Network"
QUOTA = {"properties": {"limit": {"limitObjectType": "LimitValue", "value": 400}, "name": {"value": "cores"}}}
TICKET = {
    "properties": {
        "serviceId": "/providers/Microsoft.Support/services/06bfd9d3-516b-d5c6-5802-169c800dec89",
        "problemClassificationId": "/providers/Microsoft.Support/services/x/problemClassifications/y",
        "title": "More cores",
        "description": "For the migration",
        "severity": "moderate",
        "contactDetails": {"firstName": "Ina"},
    }
}
ROLE = {"properties": {"roleName": "Mover", "assignableScopes": [S], "permissions": [{"actions": ["*/read"]}]}}
GRAPH = {"query": "resources | project id", "options": {"resultFormat": "objectArray"}}

# method, path (with query), api-version, accepted codes, body
ROWS: list[tuple[str, str, str, set[int], Any]] = [
    ("GET", S + "/resources?$filter=location eq 'westeurope'&$expand=createdTime&$top=2", "2025-04-01", {200}, None),
    ("GET", SLOT, "2016-11-01", {200}, None),
    ("GET", S + "/providers/Microsoft.Compute", "2025-04-01", {200}, None),
    ("POST", S + "/providers/Microsoft.Batch/register", "2025-04-01", {200}, {}),
    ("POST", S + "/providers/Microsoft.Batch/register", "2016-02-01", {200}, {}),
    ("GET", S + "/resourcegroups", "2025-04-01", {200}, None),
    ("GET", S + "/resourcegroups/web", "2025-04-01", {200}, None),
    ("POST", S + "/resourcegroups/web/exportTemplate", "2025-04-01", {200, 202}, {"resources": ["*"]}),
    ("GET", "/subscriptions", "2022-12-01", {200}, None),
    ("GET", S + "/providers/Microsoft.Features/features", "2021-07-01", {200}, None),
    ("GET", FEATURE, "2021-07-01", {200}, None),
    ("POST", FEATURE + "/register", "2021-07-01", {200}, {}),
    ("GET", S + "/providers/Microsoft.Authorization/locks", "2020-05-01", {200}, None),
    ("GET", ENCODED + "/locks", "2020-05-01", {200}, None),
    ("GET", COMPUTE + "/usages", "2026-04-01", {200}, None),
    ("GET", S + "/providers/Microsoft.Compute/skus?$filter=location eq 'westeurope'", "2021-07-01", {200}, None),
    ("GET", NETWORK + "/usages", "2026-03-01", {200}, None),
    ("GET", LB + "/virtualNetworkGateways", "2026-03-01", {200}, None),
    ("GET", LB + "/connections", "2026-03-01", {200}, None),
    ("PUT", LB + "/virtualNetworks/new", "2026-03-01", {200, 201, 202}, {"location": "westeurope", "properties": {}}),
    ("POST", "/providers/Microsoft.ResourceGraph/resources", "2021-03-01", {200}, GRAPH),
    ("GET", WEB + "/providers/Microsoft.Insights/autoscaleSettings", "2022-10-01", {200}, None),
    ("GET", WEB + "/providers/Microsoft.Insights/metricAlerts", "2018-03-01", {200}, None),
    ("GET", S + "/providers/Microsoft.Insights/activityLogAlerts", "2020-10-01", {200}, None),
    ("GET", SLOT + "/roles/Web/providers/Microsoft.Insights/metricDefinitions", "2024-02-01", {200}, None),
    ("GET", WEB + "/providers/Microsoft.Insights/alertRules", "2016-03-01", {200}, None),
    ("GET", COMPUTE + "/providers/Microsoft.Quota/quotas", "2025-09-01", {200}, None),
    ("GET", COMPUTE + "/providers/Microsoft.Quota/usages", "2025-09-01", {200}, None),
    ("GET", COMPUTE + "/providers/Microsoft.Quota/quotaRequests", "2025-09-01", {200}, None),
    ("PUT", COMPUTE + "/providers/Microsoft.Quota/quotas/cores", "2025-09-01", {200, 202}, QUOTA),
    ("GET", "/providers/Microsoft.Support/services", "2024-04-01", {200}, None),
    ("PUT", S + "/providers/Microsoft.Support/supportTickets/more-cores", "2024-04-01", {200, 202}, TICKET),
    ("GET", S + "/providers/Microsoft.Support/supportTickets", "2024-04-01", {200}, None),
    ("GET", RIGHTS + "/roleAssignments", "2022-04-01", {200}, None),
    ("GET", RIGHTS + "/roleDefinitions?$filter=roleName eq 'Contributor'", "2022-04-01", {200}, None),
    ("PUT", RIGHTS + f"/roleDefinitions/{GUID}", "2022-04-01", {201}, ROLE),
    ("GET", S + "/providers/Microsoft.Authorization/classicAdministrators", "2015-07-01", {200}, None),
    ("GET", S + "/providers/Microsoft.Security/jitNetworkAccessPolicies", "2020-01-01", {200}, None),
    ("GET", WEB + "/providers/Microsoft.Compute/cloudServices", "2024-11-04", {200}, None),
    ("POST", TOOL + "/validateMigration", "2016-11-01", {200}, {"destinationVirtualNetwork": "New"}),
]  # fmt: skip


def url(azure, path: str, version: str) -> str:
    path, _, query = path.replace("{s}", azure.subscription).partition("?")
    more = "&" + quote(query, safe="=&$") if query else ""
    return f"{path if path.startswith('/') else '/' + path}?api-version={version}{more}"


@pytest.fixture
def azure(small):
    small.platform._register(small.subscription, "Microsoft.Quota", "Registered", None)
    return small


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]} {row[1].rpartition('/')[2][:30]} {row[2]}" for row in ROWS])
def test_it_answers_as_the_sdk_expects(azure, row) -> None:
    method, path, version, codes, body = row
    reply = azure.ask(method, url(azure, path, version), body)
    assert reply.status in codes, reply.body
    assert reply.body is not None
    if method == "GET" and reply.body.get("value") is not None:
        assert isinstance(reply.body["value"], list)
    remaining = [name for name in reply.headers if "remaining" in name]
    assert remaining, reply.headers


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]} {row[1].rpartition('/')[2][:30]} {row[2]}" for row in ROWS])
def test_another_version_is_refused_and_written_down(azure, row) -> None:
    method, path, _, _, body = row
    reply = azure.ask(method, url(azure, path, "2009-01-01"), body)
    assert (reply.status, reply.code) == (400, "NoRegisteredProviderFound")
    assert "2009-01-01" in reply.message and "supported api-versions are" in reply.message
    (line,) = azure.control("log")["value"]
    assert (line["status"], line["code"]) == (400, "NoRegisteredProviderFound")


def test_sizes_tell_their_cores_and_the_usages_row_they_draw_on(azure) -> None:
    rows = azure.ask("GET", url(azure, S + "/providers/Microsoft.Compute/skus", "2021-07-01")).body["value"]
    size = next(row for row in rows if row["name"] == "Standard_D2_v2")
    assert size["family"] == "standardDv2Family"
    assert {"name": "vCPUs", "value": "2"} in size["capabilities"]


def test_a_ticket_can_be_read_back_and_not_made_twice(azure) -> None:
    path = S + "/providers/Microsoft.Support/supportTickets/more-cores"
    assert azure.ask("PUT", url(azure, path, "2024-04-01"), TICKET).status == 200
    assert azure.ask("GET", url(azure, path, "2024-04-01")).body["properties"]["status"] == "Open"
    assert azure.ask("PUT", url(azure, path, "2024-04-01"), TICKET).status == 409
    bare = azure.ask("PUT", url(azure, path + "2", "2024-04-01"), {"properties": {"title": "x"}})
    assert bare.status == 400 and "serviceId" in bare.message


def test_a_role_of_ones_own_is_listed(azure) -> None:
    place = RIGHTS + "/roleDefinitions"
    azure.ask("PUT", url(azure, f"{place}/{GUID}", "2022-04-01"), ROLE)
    found = azure.ask("GET", url(azure, f"{place}?$filter=roleName eq 'Mover'", "2022-04-01")).body["value"]
    assert [row["name"] for row in found] == [GUID]


def test_a_template_names_what_it_leaves_out(azure) -> None:
    made = azure.ask(
        "POST", url(azure, S + "/resourcegroups/web/exportTemplate", "2025-04-01"), {"resources": ["*"]}
    ).body
    assert {row["type"] for row in made["template"]["resources"]} == {
        "Microsoft.Insights/autoscaleSettings",
        "Microsoft.Insights/alertRules",
    }
    assert "small-net" in str(made["error"]["details"])


def test_the_page_for_people_shows_every_switch_and_setting(azure) -> None:
    azure.fault("stuck", verb="prepare", unit="<b>")
    reply = azure.ask("GET", "/_simulator/", token="")
    text = reply.body.decode()
    assert reply.status == 200 and reply.headers["content-type"].startswith("text/html")
    for word in (
        *azure.control("faults")["kinds"],
        *azure.control("state")["settings"],
        "Switch off stuck",
        "&lt;b&gt;",
    ):
        assert word in text, word
    assert "<b>" not in text and "unsafe-inline" not in reply.headers["content-security-policy"]
