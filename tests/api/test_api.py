"""Reading through the API: pages, filters, tags, roles, and every sort of bad input."""

import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.api.conftest import Api, unit
from tests.tracker.followups.test_followups import SECRET_ANSWER, with_a_secret
from tests.tracker.runs.programme import Programme
from tests.web.conftest import person
from tracker.accounts import actions as accounts
from tracker.accounts.permissions import ROLE_PERMISSIONS, Permission, Role
from tracker.api.endpoint import Endpoint
from tracker.api.permissions import Requires
from tracker.api.urls import urlpatterns
from tracker.audit.actions import Fact, record, record_many
from tracker.audit.models import Event
from tracker.inventory.models import Subscription, Unit
from tracker.readiness.models import Finding

NOWHERE = "018f0000-0000-7000-8000-000000000000"
LISTS = (
    "subscriptions/", "resources/", "units/", "rules/", "waves/", "approvals/", "runs/", "runs/outside/",
    "quota/usages/", "quota/matrix/", "quota/lead-times/", "quota/requests/", "followups/",
    "audit/events/", "audit/checkpoints/",
)  # fmt: skip
ONES = (
    "subscriptions/{}/", "subscriptions/{}/sync/", "resources/{}/", "units/{}/", "units/{}/findings/",
    "units/{}/files/", "units/{}/captured/", "units/{}/verdicts/", "rules/{}/", "waves/{}/", "approvals/{}/",
    "runs/{}/", "runs/{}/differences/", "followups/{}/", "followups/{}/snippets/", "audit/events/{}/",
)  # fmt: skip


def problem(answer, status: int) -> dict:
    """The problem in an answer; it always says what, and what to do."""
    assert answer.status_code == status, answer.content.decode()[:2000]
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "what_to_do", "instance"}
    assert body["status"] == status and body["type"].startswith("urn:classic-migration-tracker:problem:")
    assert all(body.values())
    return body


# --- who --------------------------------------------------------------------------------------------------------------
def endpoints() -> list[tuple[str, type[Endpoint]]]:
    return [(one.name, one.callback.view_class) for one in urlpatterns]


def test_every_address_declares_its_permission() -> None:
    for name, view in endpoints():
        assert issubclass(view, Endpoint) and isinstance(view.permission, Requires), name
        assert view().get_permissions() == [view.permission], name


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_its_permissions_say_on_every_address(api: Callable[..., Api], role: Role) -> None:
    mine, theirs = api(role), ROLE_PERMISSIONS[role]
    for address in (*LISTS, "", "schema/"):
        assert mine.get(address).status_code == 200, address
    Subscription.objects.create(id="s1", name="Shop")
    posted = mine.post("subscriptions/s1/sync/")
    exported = mine.get("audit/export/")
    for answer, permission in ((posted, Permission.SYNC), (exported, Permission.EXPORT_AUDIT)):
        if permission in theirs:
            assert answer.status_code in (200, 202)
        else:
            said = problem(answer, 403)
            assert said["type"].endswith(":denied") and "Nothing was changed" in said["detail"]
            assert "It takes the role" in said["what_to_do"]
    denied = {permission.value for permission in (Permission.SYNC, Permission.EXPORT_AUDIT) if permission not in theirs}
    told = [
        json.loads(body)["detail"]["permission"]
        for body in Event.objects.filter(type="access.denied").values_list("body", flat=True)
    ]
    assert set(told) == denied and len(told) == len(denied)


def test_nobody_and_people_without_a_role_get_a_problem_everywhere(client: Client, api: Callable[..., Api]) -> None:
    roleless = api()
    for address in (*LISTS, "", "schema/", "audit/export/", "nowhere/"):
        answer = client.get(f"/api/v1/{address}")
        assert problem(answer, 401)["type"].endswith("not-authenticated")
        assert answer["WWW-Authenticate"].startswith("Bearer")
        problem(roleless.get(address), 403)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer nonsense",
        "Bearer",
        "Bearer a b",
        "Bearer " + "x" * 6000,
        "Bearer \xff\xfe",
        "Basic YTpi",
        "Bearer cmt_'; --",
    ],
)
def test_a_wrong_token_is_401(client: Client, db: None, header: str) -> None:
    problem(client.get("/api/v1/units/", headers={"Authorization": header}), 401)


def test_a_revoked_token_and_one_of_somebody_who_left_sign_nobody_in(engineer: Api) -> None:
    assert engineer.get("units/").status_code == 200
    boss = person("boss", Role.ADMINISTRATOR)
    accounts.deactivate(engineer.user, reason="left", by=boss.actor, now=timezone.now())
    problem(engineer.get("units/"), 401)


def test_a_session_reads_but_needs_its_csrf_token_to_post(db: None) -> None:
    user = person("sam", Role.ENGINEER)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    Subscription.objects.create(id="s1", name="Shop")
    assert client.get("/api/v1/units/").status_code == 200
    problem(client.post("/api/v1/subscriptions/s1/sync/"), 403)
    assert Subscription.objects.get().sync_wanted_at is None


# --- lists ------------------------------------------------------------------------------------------------------------
def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.content.decode()[:2000]
    return [one["name"] for one in answer.json()["results"]]


def test_units_are_filtered_as_on_the_page(engineer: Api, estate: list[Unit]) -> None:
    assert len(names(engineer.get("units/"))) == 7
    assert names(engineer.get("units/", verdict="blocked")) == ["v003"]
    assert names(engineer.get("units/", verdict=["blocked", "ready"], region="eastus")) == ["v003"]
    assert names(engineer.get("units/", subscription=estate[6].subscription_id)) == ["v005", "v006"]
    assert names(engineer.get("units/", q="V00", sort="-score", limit=2)) == ["v006", "v005"]
    assert names(engineer.get("units/", q=estate[2].key)) == ["v002"]
    Finding.objects.create(
        unit=estate[1], rule="CS-01", effect="blocks", outcome="yes", resource_key=estate[1].key, resource_name="v001",
        sentence="It is so.", since=timezone.now(),
    )  # fmt: skip
    Unit.objects.filter(pk=estate[1].pk).update(open_rules=["blocks CS-01", "only CS-01", "yes CS-01"])
    assert names(engineer.get("units/", rule="CS-01")) == ["v001"]
    assert names(engineer.get("units/", rule="CS-01", outcome="no")) == []
    assert names(engineer.get("units/", wave="none", owner="none", kind="network"))[0] == "v000"


@pytest.mark.parametrize("sort", ["name", "-name", "-score", "changed", "verdict"])
def test_pages_walk_through_every_unit_once(engineer: Api, estate: list[Unit], sort: str) -> None:
    seen, address = [], f"/api/v1/units/?sort={sort}&limit=3"
    while address:
        answer = engineer.client.get(address, headers=engineer.headers).json()
        assert len(answer["results"]) <= 3
        seen += [one["name"] for one in answer["results"]]
        address = answer["next"]
    assert len(seen) == len(set(seen)) == 7
    if sort in ("name", "-name"):
        assert seen == sorted(seen, reverse=sort == "-name")


@pytest.mark.parametrize(("address", "many"), [("resources/", 7), ("subscriptions/", 2), ("audit/events/", 31)])
def test_pages_of_other_lists_walk_too(auditor: Api, estate: list[Unit], address: str, many: int) -> None:
    with transaction.atomic():
        record_many([Fact("wave.created", ("wave", n)) for n in range(30)], by=auditor.user.actor, now=timezone.now())
    seen, following = [], f"/api/v1/{address}?limit=2"
    while following:
        answer = auditor.client.get(following, headers=auditor.headers).json()
        seen += [one["id"] for one in answer["results"]]
        following = answer["next"]
    assert len(seen) == len(set(seen)) == many


def test_members_of_the_list_cost_no_query_more(engineer: Api, estate: list[Unit]) -> None:
    def queries(address: str, **query: object) -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert engineer.get(address, **query).status_code == 200
        return len(caught)

    few = {
        address: queries(address) for address in (*LISTS, f"units/{estate[0].pk}/", f"units/{estate[0].pk}/findings/")
    }
    for number in range(100, 140):
        unit(number, estate[0].subscription)
    with transaction.atomic():
        record_many([Fact("wave.created", ("wave", n)) for n in range(60)], by=engineer.user.actor, now=timezone.now())
    many = {address: queries(address) for address in few}
    assert many == few
    assert max(few.values()) <= 9, few  # token and grants are two of them


def test_what_did_not_change_is_304(engineer: Api, estate: list[Unit]) -> None:
    first = engineer.get("units/")
    assert first["ETag"] and "private" in first["Cache-Control"]
    again = engineer.get("units/", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304 and not again.content
    assert engineer.get("units/", headers={"If-None-Match": f"W/{first['ETag']}"}).status_code == 304
    estate[0].score = 1
    estate[0].save()
    assert engineer.get("units/", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_asking_for_a_sync_notes_the_wish_once(engineer: Api, estate: list[Unit]) -> None:
    pk = estate[0].subscription_id
    answer = engineer.post(f"subscriptions/{pk}/sync/")
    assert answer.status_code == 202 and answer.json()["sync_wanted_at"]
    assert engineer.post(f"subscriptions/{pk}/sync/", "{}").status_code == 202
    assert Event.objects.filter(type="inventory.sync_wanted").count() == 1


def test_events_are_filtered_and_addresses_are_for_auditors(auditor: Api, engineer: Api) -> None:
    now = timezone.now()
    with transaction.atomic():
        failed = record(
            "account.sign_in_failed", by=auditor.user.actor, object=("account", "p-x"), now=now, result="failed",
            detail={"cause": "wrong credentials"}, private={"address": "192.0.2.9"},
        )  # fmt: skip
    mine = auditor.get("audit/events/", type="account.sign_in_failed", result="failed", since=now.isoformat()).json()
    assert [one["id"] for one in mine["results"]] == [str(failed.id)]
    assert mine["results"][0]["private"] == {"address": "192.0.2.9"} and mine["results"][0]["body"] == failed.body
    theirs = engineer.get(f"audit/events/{failed.id}/")
    assert theirs.json()["private"] == {} and theirs.json()["missing"] == ["address"]
    assert "192.0.2.9" not in theirs.content.decode()


@pytest.mark.parametrize("kind", ["jsonl", "csv", "bundle"])
def test_the_export_streams_and_is_history(auditor: Api, kind: str) -> None:
    answer = auditor.get("audit/export/", format=kind, type="account")
    content = b"".join(answer.streaming_content)
    assert answer.streaming and content and "attachment" in answer["Content-Disposition"]
    if kind == "jsonl":
        assert [json.loads(line)["type"] for line in content.splitlines()] == ["account.token_issued"]
    if kind == "bundle":
        assert content.startswith(b"PK")
    told = list(Event.objects.filter(type__startswith="export.").order_by("id").values_list("type", flat=True))
    assert told == ["export.started", "export.finished"]


def test_a_second_export_at_once_is_a_conflict(auditor: Api) -> None:
    first = auditor.get("audit/export/")
    said = problem(auditor.get("audit/export/"), 409)
    assert "still running" in said["detail"]
    assert b"".join(first.streaming_content)


# --- bad input --------------------------------------------------------------------------------------------------------
BAD = [
    {"color": "red"}, {"state__in": "x"}, {"owner__password__startswith": "a"}, {"order": "password"},
    {"limit": "0"}, {"limit": "201"}, {"limit": "-1"}, {"limit": "1e9"}, {"limit": "9223372036854775808"},
    {"limit": "NaN"}, {"limit": "\u0661\u0662"}, {"limit": ["1", "2"]}, {"limit": "0x10"},
    {"cursor": "nonsense"}, {"cursor": "\x00"}, {"cursor": "W10"}, {"cursor": "x" * 5000}, {"cursor": ["a", "b"]},
    {"cursor": "WyJ1bml0cyIsIHsiYSI6IDF9XQ"}, {"page": "-1"}, {"offset": "10"}, {"format": "xml"},
]  # fmt: skip


@pytest.mark.parametrize(
    "query", BAD, ids=lambda query: next(iter(query.items()))[0] + "-" + str(next(iter(query.values())))[:12]
)
def test_bad_parameters_are_refused_by_every_list(auditor: Api, estate: list[Unit], query: dict) -> None:
    for address in LISTS:
        said = problem(auditor.get(address, **query), 400)
        assert "Nothing was changed." in said["detail"]


@pytest.mark.parametrize(
    ("address", "query", "said"),
    [
        ("units/", {"verdict": "perhaps"}, "it is one of: ready"),
        ("units/", {"gone": "maybe"}, "hide, show, only"),
        ("units/", {"sort": "(select 1)"}, "it is one of"),
        ("units/", {"q": "a\x00b"}, "control characters"),
        ("units/", {"q": "x" * 1_000_0}, "at most 400"),
        ("units/", {"owner": ["a"] * 101}, "at most 100"),
        ("resources/", {"unit": "seven"}, "plain digits"),
        ("runs/", {"live": "true"}, "yes or no"),
        ("audit/events/", {"type": "nonsense"}, "There is no event type"),
        ("audit/events/", {"since": "2026-02-31"}, "write a time with its zone"),
        ("audit/events/", {"since": "2026-03-01T00:00:00"}, "write a time with its zone"),
        ("audit/events/", {"until": "0001-01-01T00:00:00Z"}, "write a time with its zone"),
        ("audit/events/", {"text": "\ud83d\ude00" * 201}, "at most"),
        ("audit/export/", {"format": "pdf"}, "jsonl, csv, bundle"),
        ("audit/export/", {"columns": "at"}, "is for csv"),
        ("audit/export/", {"format": "csv", "columns": "password"}, "it is one of"),
    ],
)
def test_bad_values_are_named(auditor: Api, address: str, query: dict, said: str) -> None:
    query = {
        k: v.encode("utf-16", "surrogatepass").decode("utf-16") if isinstance(v, str) else v for k, v in query.items()
    }
    assert said in problem(auditor.get(address, **query), 400)["detail"]


def test_an_unknown_parameter_is_named_with_those_there_are(engineer: Api) -> None:
    said = problem(engineer.get("units/", color="red", size="9"), 400)
    assert "`color`, `size`" in said["detail"] and "`verdict`" in said["what_to_do"]


def test_a_cursor_of_another_list_is_refused(auditor: Api, estate: list[Unit]) -> None:
    cursors = {}
    for address in ("units/", "resources/", "subscriptions/"):
        following = auditor.get(address, limit=1).json()["next"]
        cursors[address] = following.partition("cursor=")[2].partition("&")[0]
    for address in cursors:
        for other, cursor in cursors.items():
            if other != address:
                assert problem(auditor.get(address, cursor=cursor), 400)["type"].endswith("bad-cursor")


@pytest.mark.parametrize("template", ONES)
def test_other_ids_are_not_found(engineer: Api, estate: list[Unit], template: str) -> None:
    for identity in (
        "0",
        "99999999999999999999999999",
        NOWHERE,
        NOWHERE.upper(),
        f"urn:uuid:{NOWHERE}",
        "%00",
        "..",
        "a b",
        "é" * 50,
        "-1",
    ):
        problem(engineer.get(template.format(identity)), 404)


def test_addresses_that_are_none_are_problems_and_a_missing_slash_is_forgiven(engineer: Api) -> None:
    for address in ("nowhere/", "units/1/2/3/", "%00/", "units/../../etc/passwd", "a" * 5000):
        problem(engineer.get(address), 404)
    assert engineer.get("units", limit=3)["Location"] == "/api/v1/units/?limit=3"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "trace", "generic"])
def test_other_methods_are_refused(engineer: Api, method: str) -> None:
    for address in LISTS:
        path = f"/api/v1/{address}"
        send = engineer.client.generic if method == "generic" else getattr(engineer.client, method)
        answer = (
            send("PROPFIND", path, headers=engineer.headers)
            if method == "generic"
            else send(path, headers=engineer.headers)
        )
        said = problem(answer, 405)
        assert "GET" in answer["Allow"] and said["what_to_do"]


def test_a_method_cannot_be_smuggled_in(engineer: Api, estate: list[Unit]) -> None:
    assert engineer.get("units/", headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 200
    assert Unit.objects.count() == 7
    assert engineer.get("units/", headers={"Accept": "text/html;q=NaN"}).status_code == 200
    assert "evil" not in (
        engineer.get("units/", headers={"X-Forwarded-Host": "evil.example"}, limit=1).json()["next"] or ""
    )


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("x", "application/json", 400),
        ('{"a": 1, "a": 2}', "application/json", 400),
        ('{"state": "COMMITTED"}', "application/json", 400),
        ("[]", "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ("1" * 100_000, "application/json", 400),
        ("{} trailing", "application/json", 400),
        (b"\xef\xbb\xbf{}", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        ("{}", "text/plain", 415),
        ("a=b", "application/x-www-form-urlencoded", 415),
        ("<a/>", "application/xml", 415),
        ("{}", "nonsense", 415),
    ],
)
def test_bodies_that_are_no_empty_object_are_refused_and_nothing_is_wished(
    engineer: Api, estate: list[Unit], body: str | bytes, kind: str, status: int
) -> None:
    problem(engineer.post(f"subscriptions/{estate[0].subscription_id}/sync/", body, kind), status)
    assert not Subscription.objects.filter(sync_wanted_at__isnull=False).exists()
    assert not Event.objects.filter(type="inventory.sync_wanted").exists()


def test_thousands_of_parameters_and_a_long_address_are_problems(engineer: Api) -> None:
    many = "&".join(f"a{n}=1" for n in range(2_100))
    problem(engineer.client.get(f"/api/v1/units/?{many}", headers=engineer.headers), 400)
    problem(engineer.client.get(f"/api/v1/units/?q={'x' * 16_384}", headers=engineer.headers), 400)


def test_an_error_nobody_expected_is_a_problem_with_a_reference(
    engineer: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("tracker.api.views.inventory.inventory.page", broken)
    said = problem(engineer.get("units/"), 500)
    assert "secret" not in said["detail"]
    assert said["detail"].partition("reference is ")[2][:8] in caplog.text


# --- tokens -----------------------------------------------------------------------------------------------------------
def test_the_command_issues_a_token_that_works(client: Client, db: None) -> None:
    person("boss", Role.ADMINISTRATOR)
    person("eve", Role.ENGINEER)
    out, err = StringIO(), StringIO()
    call_command("issue_token", "eve", "--name", "report", "--by", "boss", "--days", "7", stdout=out, stderr=err)
    headers = {"Authorization": f"Bearer {out.getvalue().strip()}"}
    assert client.get("/api/v1/units/", headers=headers).status_code == 200
    assert Event.objects.filter(type="account.token_issued").count() == 1
    for wrong in (
        ["nobody", "--name", "x", "--by", "boss"],
        ["eve", "--name", "x", "--by", "eve"],
        ["eve", "--name", " ", "--by", "boss"],
        ["eve", "--name", "x", "--by", "boss", "--days", "0"],
    ):
        with pytest.raises(CommandError, match="No token was issued"):
            call_command("issue_token", *wrong, stdout=out, stderr=err)
    assert Event.objects.filter(type="account.token_issued").count() == 1


def test_a_secret_that_was_given_to_a_follow_up_is_masked(programme: Programme) -> None:
    row = with_a_secret(programme)
    api = Api(programme.noor)
    said = api.get(f"followups/{row.pk}/").content.decode()
    assert "kept out of sight" in said
    assert SECRET_ANSWER[:40] not in said
    texts = api.get(f"followups/{row.pk}/snippets/")
    assert SECRET_ANSWER[:40] not in texts.content.decode()
    (secret,) = texts.json()["secrets"]
    assert secret["name"] in texts.json()["cli"]
    assert f"param {secret['name']} string" in texts.json()["bicep"][0]["text"]
    for kind in ("csv", "jsonl"):
        content = b"".join(api.get("followups/export/", format=kind, unit=row.unit_id).streaming_content).decode()
        assert row.title in content
        assert SECRET_ANSWER[:40] not in content
    assert b"".join(api.get("followups/export/", format="jsonl", age="older").streaming_content) == b""
    problem(api.get("followups/export/", format="pdf"), 400)
    assert api.get("followups/", age="day", unit=row.unit_id).json()["results"]
