"""Subscriptions, providers, features, resource groups and resource lists (azure.md 1.5, 7, 12)."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from migrator.simulator import providers
from migrator.simulator import scope as scopes
from migrator.simulator.arm.routing import GROUP, SUBSCRIPTION, Answer, Call, Router, number, page
from migrator.simulator.errors import ArmError
from migrator.simulator.records import when
from migrator.simulator.store import Document, group_in

routes = Router()
RESOURCES = "Microsoft.Resources/resources"
FEATURES = r"/providers/microsoft\.features"
# Extension resources are not listed among the resources of a group or subscription.
UNLISTED = ("microsoft.authorization/", "microsoft.resources/", *scopes.HIDDEN)


@routes.route("GET", r"/subscriptions/?")
def list_subscriptions(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/subscriptions")
    call.platform.tick()
    return page(call, (_subscription(call.platform.subscriptions[key]) for key in call.sees))


@routes.route("GET", SUBSCRIPTION)
def get_subscription(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/subscriptions")
    return Answer(body=_subscription(call.platform.subscriptions[call.subscription]))


def _subscription(row: dict[str, Any]) -> Document:
    key = row["subscriptionId"]
    return {
        "id": f"/subscriptions/{key}",
        "subscriptionId": key,
        "displayName": row["displayName"],
        "state": row.get("state") or "Enabled",
        "tenantId": row.get("tenantId") or "",
        "authorizationSource": "RoleBased",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
    }


@routes.route("GET", SUBSCRIPTION + r"/providers/?")
def list_providers(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/providers")
    call.platform.tick()
    return page(call, [_provider(call, name) for name in providers.namespaces()], top=number(call, "$top"))


def _provider(call: Call, name: str) -> Document:
    state = call.platform.registration(call.subscription, name)
    return providers.document(call.subscription, name, state)


@routes.route("GET", SUBSCRIPTION + r"/providers/(?P<namespace>[^/]+)")
def get_provider(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/providers")
    call.platform.tick()
    return Answer(body=_provider(call, _namespace(call)))


@routes.route("POST", SUBSCRIPTION + r"/providers/(?P<namespace>[^/]+)/register")
def register_provider(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/providers")
    call.platform.tick()
    call.platform.register(call.subscription, _namespace(call))
    return Answer(body=_provider(call, _namespace(call)))


def _namespace(call: Call) -> str:
    found = providers.namespace(call.parts["namespace"])
    if found is None:
        text = f"The resource namespace '{call.parts['namespace']}' is invalid."
        raise ArmError(404, "InvalidResourceNamespace", text)
    return found


@routes.route("GET", SUBSCRIPTION + FEATURES + r"/features")
def list_features(call: Call) -> Answer:
    call.check_version("Microsoft.Features/features")
    call.platform.tick()
    return page(call, [_feature(call, name) for name in providers.FEATURES])


@routes.route("GET", SUBSCRIPTION + FEATURES + r"/providers/(?P<namespace>[^/]+)/features")
def list_provider_features(call: Call) -> Answer:
    call.check_version("Microsoft.Features/features")
    call.platform.tick()
    wanted = call.parts["namespace"].lower()
    return page(call, [_feature(call, name) for name in providers.FEATURES if name.lower().startswith(wanted + "/")])


@routes.route("GET", SUBSCRIPTION + FEATURES + r"/providers/(?P<namespace>[^/]+)/features/(?P<feature>[^/]+)")
def get_feature(call: Call) -> Answer:
    call.check_version("Microsoft.Features/features")
    call.platform.tick()
    return Answer(body=_feature(call, _feature_name(call)))


@routes.route("POST", SUBSCRIPTION + FEATURES + r"/providers/(?P<namespace>[^/]+)/features/(?P<feature>[^/]+)/register")
def register_feature(call: Call) -> Answer:
    call.check_version("Microsoft.Features/features")
    call.platform.tick()
    call.platform.register(call.subscription, _feature_name(call))
    return Answer(body=_feature(call, _feature_name(call)))


def _feature_name(call: Call) -> str:
    asked = f"{call.parts['namespace']}/{call.parts['feature']}"
    for name in providers.FEATURES:
        if name.lower() == asked.lower():
            return name
    raise ArmError(404, "FeatureNotFound", f"The feature '{asked}' could not be found.")


def _feature(call: Call, name: str) -> Document:
    namespace, _, feature = name.partition("/")
    place = f"/subscriptions/{call.subscription}/providers/Microsoft.Features/providers/{namespace}/features/{feature}"
    return {
        "id": place,
        "name": name,
        "type": "Microsoft.Features/providers/features",
        "properties": {"state": call.platform.registration(call.subscription, name)},
    }


@routes.route("GET", SUBSCRIPTION + r"/resourcegroups/?")
def list_groups(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/resourceGroups")
    tagged = _tagged(call.query.get("$filter", ""))
    groups = call.platform.groups(call.subscription, call.view())
    return page(call, [group for group in groups if tagged(group)], top=number(call, "$top"))


@routes.route("GET HEAD", GROUP)
def get_group(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/resourceGroups")
    found = call.check_group()
    return Answer(status=204) if call.method == "HEAD" else Answer(body=found)  # what the SDK's check_existence accepts


@routes.route("PUT", GROUP)
def put_group(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/resourceGroups")
    platform, subscription = call.platform, call.subscription
    location = call.object().get("location")
    if not isinstance(location, str) or not location:
        raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
    group_id = f"/subscriptions/{subscription}/resourceGroups/{call.parts['group']}"
    known = platform.store.get(group_id)
    platform.check_write(group_id)
    platform.ensure_group(f"{group_id}/", location)
    tags = dict(call.object().get("tags") or {})
    platform.put({**(platform.store.get(group_id) or {}), "tags": tags})
    return Answer(status=200 if known else 201, body=platform.store.get(group_id))


@routes.route("GET", GROUP + r"/resources")
def list_group_resources(call: Call) -> Answer:
    call.check_version(RESOURCES)
    group = call.check_group()
    return _resources(call, (d for d in call.view().children(group["id"])))


@routes.route("GET", SUBSCRIPTION + r"/resources")
def list_resources(call: Call) -> Answer:
    call.check_version(RESOURCES)
    view, subscription = call.view(), call.subscription
    kinds = [kind for kind in view.kinds(subscription) if kind.count("/") == 1]
    return _resources(call, (d for kind in kinds for d in view.of_type(subscription, kind)))


def _resources(call: Call, documents: Iterable[Document]) -> Answer:
    """Envelopes only, as the real list: no properties (azure.md 1.5)."""
    chosen = _filter(call.query.get("$filter", ""))
    expand = {part.strip().lower() for part in call.query.get("$expand", "").split(",")}
    rows = []
    for document in documents:
        if document["type"].lower().startswith(UNLISTED) or document["type"].count("/") != 1 or not chosen(document):
            continue
        row = {key: value for key, value in document.items() if key not in ("properties", "etag")}
        if "provisioningstate" in expand:
            row["provisioningState"] = "Succeeded"
        for name in ("createdTime", "changedTime"):
            if name.lower() in expand:
                row[name] = when(call.platform.now)
        rows.append(row)
    return page(call, rows, top=number(call, "$top"))


_CLAUSE = re.compile(r"\s*(resourceType|resourceGroup|location|name)\s+(eq|ne)\s+'((?:[^']|'')*)'\s*", re.IGNORECASE)
_TAGGED = re.compile(r"\s*tagName\s+eq\s+'([^']*)'\s*(?:and\s+tagValue\s+eq\s+'([^']*)'\s*)?", re.IGNORECASE)
_SUBSTRING = re.compile(r"\s*substringof\(\s*'([^']*)'\s*,\s*(name|resourceGroup)\s*\)\s*", re.IGNORECASE)


def _tagged(text: str) -> Callable[[Document], bool]:
    """`tagName eq 'a'`, with or without `and tagValue eq 'b'`; 400 for anything else."""
    found = _TAGGED.fullmatch(text)
    if text.strip() and not found:
        raise ArmError(400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string.")
    if not found:
        return lambda document: True
    name, value = found[1].lower(), found[2]

    def holds(document: Document) -> bool:
        tags = {key.lower(): held for key, held in (document.get("tags") or {}).items()}
        return name in tags and value in (None, tags[name])

    return holds


def _filter(text: str) -> Callable[[Document], bool]:
    """`field eq 'value'` or `ne`, joined with `or` or with `and`; `substringof('text', name)`; a tag; 400 for anything
    else."""
    if not text.strip():
        return lambda document: True
    if _TAGGED.fullmatch(text):
        return _tagged(text)
    if inside := _SUBSTRING.fullmatch(text):
        return lambda document: inside[1].lower() in _field(document, inside[2].lower())
    joined = [
        re.split(r"\s+and\s+", part, flags=re.IGNORECASE) for part in re.split(r"\s+or\s+", text, flags=re.IGNORECASE)
    ]
    choices = []
    for part in joined:
        clauses = [_CLAUSE.fullmatch(clause) for clause in part]
        if not all(clauses):
            raise ArmError(
                400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string."
            )
        choices.append([(c[1].lower(), c[2].lower() == "eq", c[3].replace("''", "'").lower()) for c in clauses if c])
    return lambda document: any(
        all((_field(document, name) == value) is same for name, same, value in clauses) for clauses in choices
    )


def _field(document: Document, name: str) -> str:
    if name == "resourcegroup":
        return group_in(document["id"]).lower()
    key = {"resourcetype": "type"}.get(name, name)
    return str(document.get(key, "")).lower()
