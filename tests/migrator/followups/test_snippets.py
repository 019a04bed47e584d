"""The requests for those who send them by hand: run in bash, read back from Bicep, without secrets."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrator.followups import Kind, Probe, RequiredFollowUp, Stage, answered
from migrator.followups.snippets import NotWritten, Secret, Written, without_secrets
from migrator.followups.snippets_bicep import files
from migrator.followups.snippets_cli import script
from migrator.followups.snippets_package import Item, by_hand, file_stem, folder
from migrator.gateway.versions import WRITTEN_FOR
from migrator.resources import ArmRequest
from tests.migrator.followups.bicep_reader import Reference, read
from tests.migrator.followups.test_against_the_simulator import complete

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
GROUP = f"{SUB}/resourceGroups/shop-migrated"
ODD = """it's "odd": $HOME ${HOME} $(id) `id` \\ \\n !! %s & < > * ; é 日 \u2028 \x07
a second line
BODY
EOF\t'''end"""
SECRET = "pa\"ss'w\\o$r`d ${x}\nsecond\tline \\\\ $(id)"
FAKE_AZ = """#!/bin/sh
printf '%s\\0' "$@" >> "$CALLS"
case "$*" in *@-*) printf 'in\\0' >> "$CALLS"; cat >> "$CALLS"; printf '\\0' >> "$CALLS";; esac
printf 'end\\0' >> "$CALLS"
"""


def put(path: str, body: dict[str, Any], method: str = "PUT") -> Stage:
    request = ArmRequest(method=method, path=path, api_version="2024-01-01", body=body)
    look = ArmRequest(method="GET", path=path, api_version="2024-01-01")
    return Stage(request=request, probe=Probe(request=look, expect={"properties": body.get("properties")}))


def item(*stages: Stage, notes: tuple[str, ...] = ()) -> RequiredFollowUp:
    return RequiredFollowUp(
        key="k", kind=Kind.LOCK, title="Set\nit again", captured_id="", new_target="", reason_rules=(), sources=(),
        what_was=(), stages=stages, notes=notes,
    )  # fmt: skip


def calls(text: str, folder: Path, **environment: str) -> tuple[int, list[dict[str, Any]]]:
    """What a script asks of `az`: the arguments of each call, and what it was given to read."""
    (folder / "az").write_text(FAKE_AZ)
    (folder / "az").chmod(0o755)
    log = folder / "calls"
    log.write_bytes(b"")
    around = {"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(log), "LANG": "C.UTF-8", **environment}
    done = subprocess.run(["bash"], input=text.encode(), env=around, capture_output=True, timeout=20, check=False)
    found = []
    for call in log.read_bytes().decode().split("end\0")[:-1]:
        arguments, _, body = call.partition("in\0")
        given = arguments.split("\0")[:-1]
        found.append({"given": given, "body": json.loads(body[:-1]) if body else None})
    return done.returncode, found


def option(call: dict[str, Any], name: str) -> str:
    return str(call["given"][call["given"].index(name) + 1])


def same(call: dict[str, Any], request: ArmRequest) -> None:
    assert call["given"][:1] == ["rest"]
    assert option(call, "--method") == request.method.lower()
    path, _, version = option(call, "--url").partition("?api-version=")
    assert (unquote(path), version) == (request.path, request.api_version)
    assert set(path) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/:@,;=+%"), (
        "to be sent as is"
    )
    assert call["body"] == (None if request.body is None else dict(request.body))


def test_bash_hands_every_request_to_az_unchanged_and_in_order(tmp_path: Path) -> None:
    odd = {"location": "global", "tags": {ODD: ODD}, "properties": {"text": ODD, "n": [1, 2.5, None, True, {}, []]}}
    stages = (
        put(f"{GROUP}/providers/Microsoft.X/things/o'd $d `{{subscriptionId}}` 100% é#?!", odd),
        put(f"{GROUP}/providers/Microsoft.X/things/b", {"properties": {"b": ODD}}, "PATCH"),
        put(f"{GROUP}/providers/Microsoft.X/things/c/start", {"n": 1}, "POST"),
    )
    code, found = calls(script(Written(item(*stages, notes=(ODD,)), ())), tmp_path)
    assert code == 0
    wanted = [request for stage in stages for request in (stage.request, stage.probe.request)]
    assert len(found) == len(wanted) == 6
    for call, request in zip(found, wanted, strict=True):
        same(call, request)


def test_a_refusal_ends_the_script_and_not_the_shell_it_was_pasted_into(tmp_path: Path) -> None:
    text = script(Written(item(put(f"{GROUP}/providers/Microsoft.X/things/a", {"properties": {}})), ()))
    (tmp_path / "bad").mkdir()
    code, found = calls(text + "az after\n", tmp_path)
    assert (code, len(found)) == (0, 3)
    refusing = text.replace("\n(\n", '\naz() { command az "$@"; return 1; }\n(\n', 1)
    code, found = calls(refusing + "az after\n", tmp_path)
    assert [call["given"][0] for call in found] == ["rest", "after"], "what comes next is not sent"


def test_a_secret_is_a_variable_of_the_shell_and_reaches_az_whole(tmp_path: Path) -> None:
    secret = Secret("KEY_1A2B3C", "secret" + "ab" * 16, "The key?")
    body = {"properties": {"key": secret.marker, "url": f"https://x/?k={secret.marker}&a=$HOME`", "odd": ODD}}
    written = Written(
        item(put(f"{GROUP}/providers/Microsoft.X/things/a", body), notes=(f"To {secret.marker}.",)), (secret,)
    )
    text = script(written)
    assert "# To <KEY_1A2B3C>." in text
    assert "// To <KEY_1A2B3C>." in files(written, "x", {})[0].text
    assert secret.marker not in text
    code, found = calls(text, tmp_path, KEY_1A2B3C=SECRET)
    assert code == 0
    assert found[0]["body"]["properties"] == {"key": SECRET, "url": f"https://x/?k={SECRET}&a=$HOME`", "odd": ODD}
    code, found = calls(text, tmp_path)
    assert code != 0
    assert found == [], "without the variable nothing is sent"


def declared(text: str, secrets: dict[str, str] | None = None) -> dict[str, Any]:
    """Type, version, name and body of each resource that is not merely pointed at, by symbol."""
    found = {}
    for symbol, each in read(text, secrets).resources.items():
        if not each.existing:
            body = {key: value for key, value in each.body.items() if key not in ("name", "scope", "dependsOn")}
            found[symbol] = (each.type, each.version, each.body["name"], body)
    return found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(min_size=1), json_values, max_size=4))
def test_any_body_is_read_back_from_bicep_as_it_was(properties: dict[str, Any]) -> None:
    body = {"location": "global", "properties": properties}
    (file,) = files(Written(item(put(f"{GROUP}/providers/Microsoft.X/things/a", body)), ()), "x", {})
    assert declared(file.text) == {"thing": ("Microsoft.X/things", "2024-01-01", "a", body)}


@settings(max_examples=40, deadline=None)
@given(st.text() | st.sampled_from(["$", "${", "\\", "'"]), st.text())
def test_a_secret_stands_in_bicep_as_a_secure_parameter(before: str, after: str) -> None:
    secret = Secret("KEY_1A2B3C", "secret" + "ab" * 16, "It's the ${key}?")
    body = {"properties": {"key": secret.marker, "url": before + secret.marker + after}}
    (file,) = files(Written(item(put(f"{GROUP}/providers/Microsoft.X/things/a", body)), (secret,)), "x", {})
    assert secret.marker not in file.text
    assert read(file.text, {"KEY_1A2B3C": SECRET}).secrets == ["KEY_1A2B3C"]
    found = declared(file.text, {"KEY_1A2B3C": SECRET})["thing"][3]
    assert found == {"properties": {"key": SECRET, "url": before + SECRET + after}}


def test_children_and_what_extends_a_resource_say_where_they_belong() -> None:
    web = f"{GROUP}/providers/Microsoft.Compute/cloudServices/web/roles/front"
    stages = (
        put(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/virtualNetworkPeerings/p", {"properties": {}}),
        put(f"{web}/providers/Microsoft.Authorization/locks/keep", {"properties": {"level": "ReadOnly"}}),
        put(f"{GROUP}/providers/Microsoft.Authorization/locks/group", {"properties": {"level": "ReadOnly"}}),
        put(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/virtualNetworkPeerings/p"
            "/providers/Microsoft.Authorization/locks/deep", {"properties": {}}),
    )  # fmt: skip
    (file,) = files(Written(item(*stages), ()), "x", WRITTEN_FOR)
    found = read(file.text)
    assert (found.target_scope, file.scope) == ("resourceGroup", GROUP)
    assert found.resources["virtualNetworkPeering"].body == {"name": "v/p", "properties": {}}
    role = found.resources["role"]
    assert (role.type, role.version, role.existing) == ("Microsoft.Compute/cloudServices/roles", "2024-11-04", True)
    assert role.body == {"name": "web/front"}
    assert found.resources["lock"].body["scope"] == Reference("role")
    assert "scope" not in found.resources["lock2"].body
    assert found.resources["lock3"].body["scope"] == Reference("virtualNetworkPeering"), "the one made above"
    assert found.resources["lock2"].body["dependsOn"] == [Reference("lock")], "in the order of the requests"
    assert "az deployment group create" in file.deploy
    assert "--resource-group shop-migrated" in file.deploy


def test_each_scope_is_a_deployment_of_its_own() -> None:
    other = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/it's"
    stages = (
        put(f"{GROUP}/providers/Microsoft.X/things/a", {"properties": {}}),
        put(f"{other}/providers/Microsoft.X/things/a", {"properties": {}}),
        put(f"{SUB}/providers/Microsoft.Authorization/roleAssignments/g", {"properties": {}}),
        put(GROUP.replace("shop", "new"), {"location": "westeurope"}),
        put(f"{GROUP}/providers/Microsoft.X/things/last", {"properties": {}}),
    )
    found = files(Written(item(*stages), ()), "x", {})
    assert [each.name for each in found] == ["x-1.bicep", "x-2.bicep", "x-3.bicep", "x-4.bicep"]
    group = "resourceGroup"
    assert [read(each.text).target_scope for each in found] == [group, group, "subscription", group], "in their order"
    assert "sub create" in found[2].deploy
    assert declared(found[2].text)["resourceGroup"][:3] == (
        "Microsoft.Resources/resourceGroups", "2024-01-01", "new-migrated",
    )  # fmt: skip


def test_what_bicep_cannot_say_is_said() -> None:
    path = f"{GROUP}/providers/Microsoft.X/things/a"
    twice = item(put(path, {"properties": {"enabled": False}}), put(path, {"properties": {"enabled": True}}))
    (file,) = files(Written(twice, ()), "x", {})
    assert declared(file.text)["thing"][3] == {"properties": {"enabled": True}}
    assert "the last one" in file.text
    mixed = item(put(path, {"properties": {}}), put(f"{path}/start", {}, "POST"))
    assert "Bicep cannot say it" in files(Written(mixed, ()), "x", {})[0].text
    for nothing in (put(path, {"tags": {}}, "PATCH"), put("/providers/Microsoft.Management/managementGroups/m", {})):
        with pytest.raises(NotWritten, match="Azure CLI"):
            files(Written(item(nothing), ()), "x", {})


def test_every_follow_up_is_written_both_ways(shop: Any, every_setting: Any, tmp_path: Path) -> None:
    texts, wanted, environment, without_bicep = [], [], {}, set()
    for document in every_setting.values():
        for one in shop.required(document, tags=True):
            done = complete(one)
            if not done.stages:
                continue
            written = without_secrets(done)
            asked = [question.id for question in done.questions if question.secret]
            given = {s.name: done.answers[key] for s, key in zip(written.secrets, asked, strict=True)}
            environment |= given
            texts.append(script(written))
            wanted += [request for stage in done.stages for request in (stage.request, stage.probe.request)]
            puts = {stage.request.path: stage.request for stage in done.stages if stage.request.method == "PUT"}
            if not puts:
                without_bicep.add(done.kind)
                with pytest.raises(NotWritten):
                    files(written, "x", WRITTEN_FOR)
                continue
            texts_of = [file.text for file in files(written, "x", WRITTEN_FOR)]
            found = [each for text in texts_of for each in declared(text, given).values()]
            bodies = [{k: v for k, v in dict(request.body or {}).items() if k != "name"} for request in puts.values()]
            assert [body for *_, body in found] == bodies
            assert [version for _, version, *_ in found] == [request.api_version for request in puts.values()]
    code, sent = calls("".join(texts), tmp_path, **environment)
    assert code == 0
    assert environment, "one holds a secret"
    assert len(sent) == len(wanted) > 20
    for call, request in zip(sent, wanted, strict=True):
        same(call, request)


def test_a_secret_need_not_be_given_to_be_kept_out(shop: Any) -> None:
    asked = shop.one("alert rule with a secret webhook")
    others = {q.id: q.choices[0].value if q.choices else "a@b.example" for q in asked.open_questions if not q.secret}
    value = answered(asked, others) if others else asked
    (question,) = value.open_questions
    given = "https://hooks.bramble.example/x?sig=told-to-nobody"
    texts = []
    for one in (value, answered(value, {question.id: given})):
        written = without_secrets(one)
        (secret,) = written.secrets
        texts.append(script(written) + files(written, "x", {})[0].text)
        assert given[:20] not in texts[-1]
        assert secret.name in texts[-1]
        assert secret.marker not in texts[-1]
    assert texts[0] == texts[1]


def test_what_cannot_be_written_is_refused_in_words(shop: Any) -> None:
    question = next(one for one in map(shop.one, ("autoscale with questions",)) if one.open_questions)
    with pytest.raises(NotWritten, match="answered first"):
        without_secrets(question)
    with pytest.raises(NotWritten, match="a person does"):
        without_secrets(item())


@given(st.integers(0, 10**9), st.text())
def test_file_names_suit_every_file_system(number: int, words: str) -> None:
    name = file_stem(number, words)
    assert re.fullmatch(r"[0-9]+(-[A-Za-z0-9_][A-Za-z0-9_-]*)?", name)
    assert len(name) < 80
    assert name.split("-")[0] == str(number), "no two are equal"


def test_the_folder_of_a_wave_tells_of_every_follow_up(shop: Any) -> None:
    lock, question = shop.one("lock on a deployment"), shop.one("autoscale with questions")
    tags = next(one for one in shop.required(shop.setting("lock on a deployment"), tags=True) if one.kind is Kind.TAGS)
    items = [
        Item(7, 1, "../shop web", lock.title, lock, "Somebody asks that it not be done."),
        Item(8, 1, "../shop web", question.title, question),
        Item(9, 2, "CON", tags.title, tags),
    ]
    found = dict(folder("By hand: Wave 1", items, WRITTEN_FOR))
    assert list(found) == [
        "1-shop-web/7-Set-lock-keep-again-on-the-new-scope.sh",
        "1-shop-web/7-Set-lock-keep-again-on-the-new-scope.bicep",
        "2-CON/9-Keep-the-label-of-shop-web-Production-as-a-tag.sh",
        "README.txt",
    ]
    said = found["README.txt"]
    assert "3 follow-ups not yet closed; for 2 of them there are files here." in said
    assert "Somebody asks that it not be done." in said
    assert re.search(r"No file: \d questions? ha(ve|s) to be answered first", said)
    assert "No Bicep:" in said
    assert found["1-shop-web/7-Set-lock-keep-again-on-the-new-scope.sh"] == by_hand(lock, "x", WRITTEN_FOR).cli
