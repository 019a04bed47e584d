"""Uploaded files settle what the inventory leaves unknown, and say so; where Azure speaks, Azure counts."""

from datetime import timedelta
from typing import Any

import pytest

from migrator import units
from migrator.readiness import Context, Evaluation, Finding, Outcome, evaluate
from migrator.readiness.files import FileRole, showing
from tests.migrator.readiness.cases_base import LONE, NOW, WEB, cscfg, csdef, given
from tests.migrator.readiness.documents import REGISTERED, drop, estate, put, role_extension, role_id, slot_id

# The configuration is not sent, the size of the role neither: what files are for.
SILENT = drop(drop(WEB, 2, "configuration"), 3, "instanceSize")
UNLISTED = [one for one in drop(drop(WEB, 2, "configuration"), 2, "read:roles") if "/roles/" not in one["id"]]
SLOT, ROLE = slot_id("shop").lower(), role_id("shop").lower()


def evaluated(documents: Any, **context: Any) -> Evaluation:
    known = estate(documents, REGISTERED)
    (unit,) = units.resolve(known.resources)
    found = evaluate(unit, Context(estate=known, now=NOW).about(**context))
    assert found.errors == ()
    return found


def findings(found: Evaluation, rule: str) -> dict[str, Finding]:
    return {one.resource_key: one for one in found.findings if one.rule_id == rule}


def outcome(found: Evaluation, rule: str, key: str = ROLE) -> Outcome:
    return findings(found, rule)[key].outcome


def files(finding: Finding) -> list[str]:
    return [one.value for one in finding.evidence if one.field == "file"]


WORD = "shop.{} (dddddddddddd), given by Ann, 2026-11-21"


@pytest.mark.parametrize(
    ("rule", "file", "settled"),
    [
        ("CS-NO-SUBNET", cscfg(FileRole(name="web", subnets=())), Outcome.YES),
        ("CS-NO-SUBNET", cscfg(FileRole(name="web", subnets=("front",))), Outcome.NO),
        ("CS-PLUGIN-LEFT", cscfg(FileRole(name="web", plugins=("RemoteAccess",))), Outcome.YES),
        ("CS-PLUGIN-LEFT", csdef(FileRole(name="web", plugins=("RemoteAccess",))), Outcome.YES),
        ("CS-PLUGIN-LEFT", cscfg(FileRole(name="WEB", plugins=())), Outcome.NO),
        ("CS-LEGACY-SIZE", csdef(FileRole(name="web", size="Medium")), Outcome.YES),
        ("CS-LEGACY-SIZE", csdef(FileRole(name="web", size="Standard_A2_v2")), Outcome.NO),
    ],
)
def test_a_file_settles_an_unknown_and_is_named_with_digest_giver_and_day(rule: str, file: Any, settled: Any) -> None:
    documents = drop(drop(WEB, 2, "configuration"), 3, "instanceSize")
    before = put(documents, 2, "virtualNetwork", {"id": documents[0]["id"]})  # the network is told all the same
    assert outcome(evaluated(before), rule) is Outcome.UNKNOWN
    found = findings(evaluated(before, **given(file)), rule)[ROLE]
    assert found.outcome is settled
    assert files(found) == [WORD.format(file.kind)]
    assert found.settles == ""


def test_remote_desktop_as_plugin_and_extension_is_told_by_both() -> None:
    documents = [*SILENT, role_extension("RDP")]
    file = cscfg(FileRole(name="web", plugins=("RemoteAccess",)))
    assert outcome(evaluated(documents), "CS-RDP-BOTH", SLOT) is Outcome.UNKNOWN
    assert outcome(evaluated(documents, **given(file)), "CS-RDP-BOTH", SLOT) is Outcome.YES
    assert outcome(evaluated(documents, **given(cscfg())), "CS-RDP-BOTH", SLOT) is Outcome.NO


def test_both_files_speak_together() -> None:
    told = given(
        cscfg(FileRole(name="web", subnets=("front",), plugins=("RemoteForwarder",))),
        csdef(FileRole(name="web", size="A5", plugins=("RemoteAccess", "Diagnostics"))),
    )
    found = evaluated(SILENT, **told)
    plugins = findings(found, "CS-PLUGIN-LEFT")[ROLE]
    assert plugins.sentence.endswith("Diagnostics, RemoteAccess, RemoteForwarder.")
    assert files(plugins) == [WORD.format("cscfg"), WORD.format("csdef")]
    assert outcome(found, "CS-LEGACY-SIZE") is Outcome.YES


def test_roles_azure_did_not_list_are_taken_from_the_files() -> None:
    told = given(csdef(FileRole(name="web", size="Small"), FileRole(name="Shop", size="Standard_D2")))
    assert outcome(evaluated(UNLISTED), "CS-NAME-EQ-ROLE", SLOT) is Outcome.UNKNOWN
    found = evaluated(UNLISTED, **told)
    named = findings(found, "CS-NAME-EQ-ROLE")
    assert named[f"{SLOT}/roles/shop"].outcome is Outcome.YES
    assert named[SLOT].outcome is Outcome.NO
    assert outcome(found, "CS-LEGACY-SIZE") is Outcome.YES
    # A rule no file is documented to tell stays where it was.
    assert outcome(found, "CS-SIZE-SPECIAL", SLOT) is Outcome.UNKNOWN


def test_azure_counts_where_it_speaks() -> None:
    told = given(
        cscfg(FileRole(name="web", subnets=(), plugins=("RemoteAccess",), instance_count=1)),
        csdef(FileRole(name="web", size="Small")),
    )
    before, after = evaluated(WEB), evaluated(WEB, **told)
    for rule in ("CS-NO-SUBNET", "CS-PLUGIN-LEFT", "CS-LEGACY-SIZE", "CS-SINGLE-INSTANCE"):
        assert findings(after, rule) == findings(before, rule)


@pytest.mark.parametrize("roles", [("web", "extra"), ("other",)])
def test_a_file_of_other_roles_settles_nothing_and_says_so(roles: tuple[str, ...]) -> None:
    file = cscfg(*(FileRole(name=name, subnets=("front",), plugins=()) for name in roles))
    before, after = evaluated(SILENT), evaluated(SILENT, **given(file))
    found = findings(after, "CS-PLUGIN-LEFT")[ROLE]
    assert found.outcome is Outcome.UNKNOWN
    assert files(found) == ["shop.cscfg settles nothing: its roles are not those Azure shows"]
    assert (after.verdict, after.score) == (before.verdict, before.score)


def test_a_file_older_than_the_deployment_settles_nothing_until_given_again() -> None:
    (deployment,) = estate(SILENT, REGISTERED).resources[1].deployments  # type: ignore[attr-defined]
    seen = showing(deployment)
    counting = cscfg(seen=seen)
    assert outcome(evaluated(SILENT, **given(counting)), "CS-PLUGIN-LEFT") is Outcome.NO
    anew = put(SILENT, 2, "deploymentName", "d2")
    found = findings(evaluated(anew, **given(counting)), "CS-PLUGIN-LEFT")[ROLE]
    assert found.outcome is Outcome.UNKNOWN
    assert files(found) == ["shop.cscfg settles nothing: the deployment was built anew since"]


@pytest.mark.parametrize(
    ("index", "path", "value", "counts"),
    [
        (2, "status", "Suspended", True),
        (2, "locked", True, True),
        (3, "instanceCount", 7, True),
        (3, "instanceSize", "Small", True),  # not known before
        (2, "deploymentName", "d2", False),
        (2, "createdTime", "2026-11-01T00:00:00Z", False),
    ],
)
def test_what_prepare_or_autoscale_change_does_not_make_a_file_old(
    index: int, path: str, value: Any, counts: bool
) -> None:
    documents = put(SILENT, 2, "createdTime", "2026-10-01T00:00:00Z")
    (deployment,) = estate(documents, REGISTERED).resources[1].deployments  # type: ignore[attr-defined]
    file = cscfg(seen=showing(deployment), at=NOW - timedelta(days=1))
    found = evaluated(put(documents, index, path, value), **given(file))
    assert outcome(found, "CS-PLUGIN-LEFT") is (Outcome.NO if counts else Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ("CS-OK-ILB", "internal_load_balancers"),
        ("CS-OK-STARTUP-TASKS", "startup_tasks"),
        ("CS-OK-NETTRAFFIC", "traffic_rules"),
    ],
)
@pytest.mark.parametrize("used", [True, False])
def test_what_stands_in_the_files_only_is_told_by_them(rule: str, field: str, used: bool) -> None:
    key = next(iter(findings(evaluated(LONE), rule)))
    assert outcome(evaluated(LONE), rule, key) is Outcome.UNKNOWN
    found = findings(evaluated(LONE, **given(csdef(**{field: used}))), rule)[key]
    assert found.outcome is (Outcome.YES if used else Outcome.NO)
    assert files(found) == [WORD.format("csdef")]


def test_files_of_another_deployment_change_nothing() -> None:
    told = given(cscfg(), key=slot_id("other").lower())
    assert evaluated(SILENT, **told) == evaluated(SILENT)


def test_what_runs_virtual_machines_has_no_files() -> None:
    machines = put(WEB, 2, "slotType", "VirtualMachine")
    assert evaluated(machines, **given(cscfg())) == evaluated(machines)
