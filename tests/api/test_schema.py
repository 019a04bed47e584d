"""The OpenAPI document is valid, names every address, and is true: every answer of a whole programme fits it."""

from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from django.test import Client

from migrator.configuration import Kind
from migrator.lifecycle.outside import Drift
from tests.api.conftest import Api
from tests.tracker.readiness.files import CANARY, cscfg
from tests.tracker.runs.programme import Programme
from tracker.api.urls import urlpatterns
from tracker.audit.actions import sign_checkpoint
from tracker.fixes import actions as fixes
from tracker.followups.models import FollowUp
from tracker.inventory.models import Sync
from tracker.quota.models import QuotaRequest
from tracker.readiness import actions as readiness
from tracker.readiness.actions import Upload, give_files
from tracker.readiness.models import Finding
from tracker.runs import actions as runs
from tracker.runs.actions import outside
from tracker.runs.queries import database_now
from tracker.runs.validation_models import Validation
from tracker.runs.validations import Scope


def test_the_document_passes_validation_without_a_warning(tmp_path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "openapi.yaml"))
    assert "Unit" in (tmp_path / "openapi.yaml").read_text()


def plain(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema: `nullable` becomes a second choice."""
    if isinstance(schema, list):
        return [plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: plain(value) for key, value in schema.items() if key not in ("nullable", "description")}
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") and made else made


class Checked:
    """Asks, and holds every answer against the document."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.document = api.get("schema/").json()
        self.components = {"components": plain_components(self.document)}
        self.seen: set[str] = set()

    def get(self, path: str, status: int = 200, **query: object) -> Any:
        answer = self.api.get(path.format(**{k: v for k, v in query.items() if k == "id"}))
        return self.check(path, answer, status)

    def check(self, template: str, answer: Any, status: int, method: str = "get") -> Any:
        operation = self.document["paths"][f"/api/v1/{template}"][method]
        assert answer.status_code == status, answer.content.decode()[:2000]
        kind = answer["Content-Type"].partition(";")[0]
        schema = operation["responses"][str(status)]["content"][kind]["schema"]
        body = answer.json()
        jsonschema.validate(body, plain(schema) | self.components)
        self.seen.add(f"/api/v1/{template}")
        return body


def plain_components(document: dict) -> dict:
    """Descriptions are cut where they are texts; a property may be called `description`, none is here."""
    return {"schemas": {name: plain(schema) for name, schema in document["components"]["schemas"].items()}}


@pytest.fixture
def far(programme: Programme) -> Programme:
    """A programme with something of everything: a committed run, follow-ups, a quota request, checkpoints."""
    run = programme.committing()
    programme.until(run, lambda: run.state in ("committed", "verified"))
    programme.run = run
    QuotaRequest.objects.create(
        subscription=programme.subscription, region="westeurope", provider="Microsoft.Compute", name="cores",
        limit_before=10, limit_wanted=20, requested_by="user:p-maya", requested_at=database_now(),
    )  # fmt: skip
    QuotaRequest.objects.create(
        subscription=programme.subscription, region="westeurope", provider="Microsoft.Compute", name="cores",
        limit_before=5, limit_wanted=10, requested_by="user:p-maya", requested_at=database_now(), state="granted",
        sent_at=database_now() - timedelta(hours=2), decided_at=database_now(),
    )  # fmt: skip
    finding = Finding.objects.get(unit__name="legacy-net", rule="VNET-PEERING")
    fixes.ask(
        finding.unit, rule=finding.rule, resource_key=finding.resource_key, reason="It blocks us.",
        by=programme.tomas, now=database_now(),
    )  # fmt: skip
    now = database_now()
    readiness.ask_waiver(
        finding.unit, rule=finding.rule, resource_key=finding.resource_key, reason="It goes away.",
        until=now + timedelta(days=9), by=programme.tomas, now=now,
    )  # fmt: skip
    told = Finding.objects.get(unit__name="legacy-net", rule="VNET-BATCH")
    readiness.attest(
        told.unit, rule=told.rule, resource_key=told.resource_key, reach="unit", applies=False, why="I asked.",
        by=programme.tomas, now=now,
    )  # fmt: skip
    key = finding.unit.members.get(key__endswith="/legacy-erp/slots/production").key
    erp = Upload(Kind.CONFIGURATION, "Erp.cscfg", cscfg("legacy-erp", "Other"))
    give_files(finding.unit, key, [erp], by=programme.tomas.actor, now=database_now())
    elsewhere = programme.unit("legacy-net")
    outside.tell(elsewhere, None, Drift.LOCKED, "Somebody prepared it.", "Ask who.", database_now(), source="sync")
    runs.validate_many(Scope(subscription=programme.subscription), by=programme.tomas, now=database_now())
    sign_checkpoint(database_now(), "test")
    return programme


def test_every_answer_of_a_whole_programme_fits_the_document(far: Programme) -> None:
    ask = Checked(Api(far.noor))
    asked = {
        "": {}, "subscriptions/": {}, "resources/": {}, "units/": {}, "rules/": {}, "waves/": {}, "approvals/": {},
        "runs/": {}, "quota/usages/": {}, "quota/matrix/": {}, "quota/requests/": {}, "quota/lead-times/": {},
        "followups/": {}, "fixes/": {},
        "audit/events/": {}, "audit/checkpoints/": {}, "waivers/": {}, "attestations/": {}, "runs/outside/": {},
        "locks/": {}, "validations/": {},
    }  # fmt: skip
    lists = {address: ask.get(address) for address in asked}
    for address, body in lists.items():
        assert not address or body["results"], f"{address} is empty; the test would prove nothing"

    def first(address: str, kind: str = "id") -> Any:
        return lists[address]["results"][0][kind]

    shop = far.unit("shop-net")
    for template, identity in (
        ("subscriptions/{id}/", first("subscriptions/")),
        ("subscriptions/{id}/sync/", first("subscriptions/")),
        ("resources/{id}/", first("resources/")),
        ("units/{id}/", shop.pk),
        ("units/{id}/findings/", shop.pk),
        ("units/{id}/verdicts/", shop.pk),
        ("units/{id}/captured/", shop.pk),
        ("units/{id}/files/", far.unit("legacy-net").pk),
        ("rules/{id}/", first("rules/")),
        ("waves/{id}/", first("waves/")),
        ("approvals/{id}/", first("approvals/")),
        ("runs/{id}/", far.run.pk),
        ("runs/{id}/differences/", far.run.pk),
        ("validations/{id}/", first("validations/")),
        ("validations/{id}/units/", first("validations/")),
        ("followups/{id}/", first("followups/")),
        ("fixes/{id}/", first("fixes/")),
        ("waivers/{id}/", first("waivers/")),
        ("attestations/{id}/", first("attestations/")),
        ("audit/events/{id}/", first("audit/events/")),
    ):
        body = ask.get(template, id=identity)
        assert body.get("results", body), template
    for follow_up in FollowUp.objects.all():
        ask.get("followups/{id}/", id=follow_up.pk)
        ask.get("followups/{id}/snippets/", id=follow_up.pk)
    for one in lists["units/"]["results"]:
        ask.get("units/{id}/", id=one["id"])
        ask.get("units/{id}/findings/", id=one["id"])
    kept = ask.get("units/{id}/captured/", id=shop.pk)
    assert kept["complete"] and kept["settings"] and any(one["follow_ups"] for one in kept["settings"])
    (file,) = ask.get("units/{id}/files/", id=far.unit("legacy-net").pk)["results"]
    assert (file["settles"], file["why_not"]) == (False, "its roles are not those Azure shows")
    assert "***removed***" in file["text"] and CANARY not in file["text"]
    assert ask.get("readiness/unblock/")["blockers"]
    assert ask.get("rules/catalogue/")["waiting"] is None
    ask.get("rules/catalogue/units/")
    ask.get("units/{id}/", status=404, id=10**12)
    ask.check("units/", ask.api.get("units/", color="red"), 400)
    engineer = Api(far.tomas)
    posted = engineer.post(f"subscriptions/{far.subscription.pk}/sync/")
    ask.check("subscriptions/{id}/sync/", posted, 202, method="post")
    runs.stop_validation(Validation.objects.get(), by=far.tomas, now=database_now())
    posted = engineer.post("validations/", {"subscription": far.subscription.pk, "which": "all"})
    assert ask.check("validations/", posted, 202, method="post")["units"] > 0
    ask.check("validations/", engineer.post("validations/", {"subscription": far.subscription.pk}), 409, method="post")
    for wrong in ({"wave": "1"}, {"colour": "red"}, {"wave": 1, "subscription": "x"}, [], {"which": "some"}):
        ask.check("validations/", engineer.post("validations/", wrong), 400, method="post")
    assert ask.seen | {"/api/v1/audit/export/", "/api/v1/followups/export/"} == set(ask.document["paths"])


def test_what_a_unit_and_a_finding_carry_is_as_promised(far: Programme) -> None:
    api = Api(far.noor)
    unit = next(one for one in api.get("units/").json()["results"] if one["name"] == "shop-net")
    promised = {"key", "kind", "name", "subscription", "region", "verdict", "score", "progress", "health", "wave"}
    assert promised | {"members"} <= set(unit)
    row = far.unit("shop-net")
    assert unit["key"] == row.key and unit["progress"] == row.progress and unit["wave"]["name"] == "Wave of shop-net"
    listed = api.get("resources/", unit=row.pk, gone="show").json()["results"]
    assert set(unit["members"]) <= {one["key"] for one in listed}
    finding = api.get(f"units/{row.pk}/findings/", outcome="yes").json()["results"][0]
    assert {"rule", "effect", "outcome", "resource", "evidence", "remedy", "sources"} <= set(finding)
    run = api.get(f"runs/{far.run.pk}/").json()
    assert [one["verb"] for one in run["operations"]] == ["validate", "prepare", "commit"]
    assert all(one["attempts"] for one in run["operations"])
    assert run["transitions"][-1]["to"] == run["state"]


def test_every_address_stands_in_the_document_with_its_permission(auditor: Api) -> None:
    paths = auditor.get("schema/").json()["paths"]
    hidden = {"api_schema", "api_nowhere"}
    assert len(paths) == len([one for one in urlpatterns if one.name not in hidden])
    for path, operations in paths.items():
        for method, operation in operations.items():
            assert "It takes the permission `" in operation["description"], (path, method)
            assert "401" in operation["responses"] and "403" in operation["responses"]
    names = [operation["operationId"] for each in paths.values() for operation in each.values()]
    assert len(names) == len(set(names))


def test_the_document_needs_a_sign_in_too(client: Client, db: None) -> None:
    assert client.get("/api/v1/schema/").status_code == 401


def test_a_resource_and_a_unit_carry_source_and_age(far: Programme) -> None:
    ask = Checked(Api(far.noor))
    first = next(row for row in ask.get("resources/")["results"] if row["unit"] and row["sources"][""] == "graph")
    one = ask.get("resources/{id}/", id=first["id"])
    assert {name: one[name] for name in first} == first, "list and page say the same"
    assert one["sources"] and one["seen_at"] and one["old"] is False
    assert [(fact["source"], fact["fields"], fact["old"]) for fact in one["facts"]] == [("graph", [], False)]
    assert one["facts"][0]["seen_at"] == one["seen_at"]
    unit = ask.get("units/{id}/", id=one["unit"])
    assert sum(fact["members"] for fact in unit["facts"]) >= unit["member_count"] > 0
    action = "Microsoft.ClassicCompute/domainNames/slots/read"
    Sync.objects.update(
        started_at=database_now() - timedelta(hours=25),
        unreadable=[{"resource": one["azure_id"], "action": action, "sentence": "Not allowed."}],
    )
    for address, identity in (("resources/{id}/", one["id"]), ("units/{id}/", one["unit"])):
        told = ask.get(address, id=identity)
        assert {"sentence": "Not allowed.", "action": action, "resource": one["azure_id"]} in told["gaps"]
        assert all(fact["old"] for fact in told["facts"])
    assert {row["old"] for row in ask.get("resources/")["results"]} == {True}
