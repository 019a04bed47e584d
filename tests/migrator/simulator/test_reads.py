"""Lists, paging, single reads, Resource Graph, errors: what every client relies on (azure.md 1.5, 12)."""

import pytest

GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01"
EVERYTHING = (
    "resources\n| where type startswith 'microsoft.classic'\n"
    "| project id, name, type, location, resourceGroup, subscriptionId, tags, properties\n| order by id asc"
)


def graph(azure, query, subscriptions=None, **options):
    body = {"query": query, "options": {"resultFormat": "objectArray", "$top": 1000, **options}}
    if subscriptions is not None:
        body["subscriptions"] = subscriptions
    return azure.ask("POST", GRAPH, body)


def follow(azure, url):
    """All rows of a paged list, and the number of pages."""
    rows, pages = [], 0
    while url:
        reply = azure.ask("GET", url)
        assert reply.status == 200, reply.body
        rows += reply.body["value"]
        pages += 1
        url = reply.body.get("nextLink")
    return rows, pages


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_every_page_size_gives_every_row_once(demo, size):
    demo.control("settings", {"page_size": size})
    rows, pages = follow(
        demo, f"/subscriptions/{demo.subscription}/resources?api-version=2025-04-01&$expand=createdTime"
    )
    ids = [row["id"].lower() for row in rows]
    assert len(ids) == len(set(ids)) > 40
    assert pages == -(-len(ids) // size)
    assert all("properties" not in row for row in rows)
    assert all("createdTime" in row for row in rows)


def test_a_list_survives_what_is_removed_between_two_pages(demo):
    demo.control("settings", {"page_size": 5})
    chosen = "resourceType eq 'Microsoft.ClassicCompute/domainNames'"
    url = f"/subscriptions/{demo.subscription}/resources?api-version=2025-04-01&$filter={chosen}"
    whole, _ = follow(demo, url.replace(" ", "%20"))
    first = demo.ask("GET", url.replace(" ", "%20")).body
    demo.platform.remove(first["value"][-1]["id"])
    rest, _ = follow(demo, first["nextLink"])
    assert [row["id"] for row in first["value"] + rest] == [row["id"] for row in whole]


def test_the_filter_of_resource_lists(demo):
    base = f"/subscriptions/{demo.subscription}/resources?api-version=2025-04-01&$filter="

    def kinds(text):
        return {row["type"] for row in follow(demo, base + text.replace(" ", "%20"))[0]}

    one = "resourceType eq 'microsoft.classicnetwork/virtualnetworks'"
    two = "resourceType eq 'Microsoft.ClassicStorage/storageAccounts'"
    assert kinds(one) == {"Microsoft.ClassicNetwork/virtualNetworks"}
    assert len(kinds(f"{one} or {two}")) == 2
    named = follow(demo, base + "substringof('-net',name)")[0]
    assert named and all("-net" in row["name"].lower() for row in named)
    wrong = demo.ask("GET", base + "startswith(name,'x')")
    assert (wrong.status, wrong.code) == (400, "InvalidFilterInQueryString")


def test_graph_gives_the_classic_resources_it_knows_and_pages_with_a_token(demo):
    demo.control("settings", {"throttle": 0})
    rows, token, pages = [], None, 0
    while token or not pages:
        answer = graph(demo, EVERYTHING, **({"$top": 7, "$skipToken": token} if token else {"$top": 7})).body
        assert answer["resultTruncated"] == "false"
        rows, token, pages = rows + answer["data"], answer.get("$skipToken"), pages + 1
    whole = graph(demo, EVERYTHING).body
    assert whole["totalRecords"] == len(rows) and pages > 3
    assert rows == whole["data"]
    assert {row["type"] for row in rows} == {
        "microsoft.classiccompute/domainnames",
        "microsoft.classiccompute/virtualmachines",
        "microsoft.classicnetwork/virtualnetworks",
        "microsoft.classicnetwork/networksecuritygroups",
        "microsoft.classicnetwork/reservedips",
        "microsoft.classicstorage/storageaccounts",
    }
    assert all(row["resourceGroup"] == row["resourceGroup"].lower() for row in rows)


def test_graph_finds_what_pins_a_classic_network(demo):
    query = (
        "resources | where type !startswith 'microsoft.classic' "
        "| where tostring(properties) contains '/providers/microsoft.classicnetwork/virtualnetworks/' "
        "| project id, name, type, subscriptionId, props = tostring(properties) | order by id asc"
    )
    found = {row["name"]: row for row in graph(demo, query).body["data"]}
    assert set(found) >= {"booking-ase", "hub-net"}
    assert isinstance(found["booking-ase"]["props"], str)


def test_graph_reads_a_list_of_types_in_one_subscription(demo):
    kinds = "'Microsoft.Insights/autoscaleSettings', 'microsoft.insights/alertrules'"
    query = f"resources | where type in~ ({kinds}) | order by id asc"
    rows = graph(demo, query, [demo.subscription]).body["data"]
    assert {row["type"] for row in rows} == {"microsoft.insights/autoscalesettings", "microsoft.insights/alertrules"}
    assert {row["subscriptionId"] for row in rows} == {demo.subscription}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "foo",
        "resources | summarize count()",
        "resources | where type matches regex 'x'",
        "resources | where properties.a == 'b'",
        "resources | project id | join x",
        "resources | order by name desc",
        "resources | where type startswith 'a' or type startswith 'b'",
    ],
)
def test_a_query_that_is_not_understood_is_refused_never_empty(demo, query):
    reply = graph(demo, query)
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert [detail["code"] for detail in reply.body["error"]["details"]] == ["InvalidQuery", "ParserFailure"]


def test_ids_are_compared_without_regard_to_case(journey, shop):
    assert journey.get(shop.upper().replace("/SUBSCRIPTIONS", "/subscriptions")).body["id"] == shop


def test_every_document_of_the_estate_can_be_read_by_its_id_and_found_in_its_collection(demo):
    from migrator.simulator import providers

    demo.control("settings", {"throttle": 0, "page_size": 1000})
    for document in list(demo.platform.store.all()):
        if document["type"] == "Microsoft.Resources/resourceGroups":
            continue
        if document["type"] == "Microsoft.ClassicNetwork/routeTables":  # not of Resource Manager (azure.md 1.1)
            reply = demo.get(document["id"], "2016-11-01")
            assert (reply.status, reply.code) == (404, "InvalidResourceType")
            continue
        version = providers.newest(document["type"])
        if document["type"] == "Microsoft.KeyVault/vaults/secrets":  # only the vault itself tells a value
            assert document["properties"]["value"]
            document = document | {"properties": {}}
        read = demo.get(document["id"], version)
        assert (read.status, read.body) == (200, document), document["id"]
        if document["type"].count("/") > 1 and "roleassignments" not in document["type"].lower():
            vault, protected, _ = document["id"].partition("/backupFabrics/")
            vault, replicated, _ = (vault if protected else document["id"]).partition("/replicationFabrics/")
            above = document["id"].rpartition("/")[0]
            if protected or replicated:  # the vault lists them
                above = f"{vault}/{'backup' if protected else 'replication'}ProtectedItems"
            assert document in demo.get(above, version).body["value"]


def test_unknown_things_are_told_apart(journey, shop):
    group = f"/subscriptions/{journey.subscription}/resourceGroups"
    assert journey.get(shop + "x").code == "ResourceNotFound"
    assert journey.get(f"{group}/nowhere", "2025-04-01").code == "ResourceGroupNotFound"
    assert journey.get(f"{group}/shop/providers/Microsoft.Nothing/things/a").code == "InvalidResourceNamespace"
    assert journey.get(f"{group}/shop/providers/Microsoft.Compute/things/a").code == "InvalidResourceType"
    other = "/subscriptions/11111111-1111-1111-1111-111111111111"
    assert journey.get(f"{other}/resourcegroups", "2025-04-01").code == "SubscriptionNotFound"
    assert journey.ask("DELETE", "/subscriptions?api-version=2022-12-01").status == 405


def test_an_unknown_or_missing_api_version_is_refused_and_the_known_ones_are_named(journey, shop):
    reply = journey.get(shop, "2099-01-01")
    assert (reply.status, reply.code) == (400, "NoRegisteredProviderFound")
    assert "2016-11-01" in reply.message and "westeurope" in reply.message
    assert journey.ask("GET", shop).code == "MissingApiVersionParameter"
    assert journey.ask("POST", f"{shop}/validateMigration?api-version=1999-01-01").code == "NoRegisteredProviderFound"


def test_provider_metadata_lists_the_recorded_versions(journey):
    listed = journey.get(f"/subscriptions/{journey.subscription}/providers", "2025-04-01").body["value"]
    classic = next(row for row in listed if row["namespace"] == "Microsoft.ClassicCompute")
    slots = next(row for row in classic["resourceTypes"] if row["resourceType"] == "domainNames/slots")
    assert slots["apiVersions"][0] == "2016-11-01"
    assert "West Europe" in slots["locations"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff\xfe", b"null"])
def test_a_body_that_is_no_object_is_refused(journey, body):
    reply = journey.ask("POST", GRAPH, body)
    assert (reply.status, reply.code) == (400, "InvalidRequestContent")


def test_a_body_that_is_too_large_is_refused(journey):
    assert journey.ask("POST", GRAPH, b" " * (4 * 1024 * 1024 + 1)).status == 413


def test_a_token_is_required_and_an_expired_one_named(journey):
    none = journey.ask("GET", "/subscriptions?api-version=2022-12-01", token="")
    assert (none.status, none.code) == (401, "AuthenticationFailed")
    assert none.headers["www-authenticate"].startswith("Bearer authorization_uri=")
    old = journey.ask("GET", "/subscriptions?api-version=2022-12-01", token="expired-token")
    assert (old.status, old.code) == (401, "ExpiredAuthenticationToken")
    assert 'error="invalid_token"' in old.headers["www-authenticate"]


def test_a_reader_reads_and_is_told_the_missing_action_when_it_writes(journey, shop):
    assert journey.get(shop, token="reader-token").status == 200
    assert (
        journey.ask(
            "POST", GRAPH, {"query": "resources", "options": {"resultFormat": "objectArray"}}, token="reader-token"
        ).status
        == 200
    )
    slot = f"{journey.id('domainNames', 'shop-web')}/slots/Production"
    expected = {
        ("POST", f"{shop}/commitMigration"): "Microsoft.ClassicNetwork/virtualNetworks/commitMigration/action",
        ("POST", f"{slot}/prepareMigration"): "Microsoft.ClassicCompute/domainNames/slots/prepareMigration/action",
        ("DELETE", shop): "Microsoft.ClassicNetwork/virtualNetworks/delete",
        (
            "PUT",
            f"{shop}/virtualNetworkPeerings/p",
        ): "Microsoft.ClassicNetwork/virtualNetworks/virtualNetworkPeerings/write",
        (
            "POST",
            f"/subscriptions/{journey.subscription}/providers/Microsoft.Quota/register",
        ): "Microsoft.Quota/register/action",
    }
    for (method, path), action in expected.items():
        reply = journey.ask(method, f"{path}?api-version=2016-11-01", {}, token="reader-token")
        assert (reply.status, reply.code) == (403, "AuthorizationFailed")
        assert f"perform action '{action}' over scope" in reply.message


def test_answers_carry_the_headers_clients_count_on(journey, shop):
    reply = journey.get(shop, x_ms_client_request_id="me-1")
    assert reply.headers["x-ms-client-request-id"] == "me-1"
    for name in ("x-ms-request-id", "x-ms-correlation-request-id", "x-ms-ratelimit-remaining-subscription-reads"):
        assert reply.headers[name]
    assert "x-ms-ratelimit-remaining-subscription-writes" in journey.verb("validate", shop).headers


def test_the_buckets_empty_refill_and_say_when(journey, shop):
    now = [0.0]
    journey.simulator.throttle._clock = lambda: now[0]
    for _ in range(200):
        assert journey.verb("validate", shop).status == 200
    reply = journey.verb("validate", shop)
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (429, "SubscriptionRequestsThrottled", "1")
    assert journey.get(shop).status == 200  # reads have a bucket of their own
    assert journey.verb("validate", shop, token="somebody-else").status == 200  # and so has each principal
    assert journey.verb("validate", shop).status == 429  # too early: the wait begins again
    assert journey.control("state")["throttled_early"] == 1
    now[0] += 1.0
    assert [journey.verb("validate", shop).status for _ in range(11)] == [200] * 10 + [429]


def test_graph_has_its_own_quota(journey):
    now = [0.0]
    journey.simulator.throttle._clock = lambda: now[0]
    replies = [graph(journey, EVERYTHING) for _ in range(16)]
    assert [reply.status for reply in replies] == [200] * 15 + [429]
    assert [reply.headers["x-ms-user-quota-remaining"] for reply in replies[-3:]] == ["1", "0", "0"]
    assert replies[-1].headers["x-ms-user-quota-resets-after"] == "00:00:05"
    now[0] += 5.0
    assert graph(journey, EVERYTHING).status == 200


def test_throttling_can_be_turned_off(journey, shop):
    journey.control("settings", {"throttle": 0})
    assert {journey.verb("validate", shop).status for _ in range(230)} == {200}
