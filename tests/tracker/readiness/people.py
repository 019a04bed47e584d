"""Shared by the tests of what people say of findings: the demo company and short ways to say it."""

from datetime import datetime, timedelta
from typing import Any

from migrator.simulator import scenarios
from tests.tracker.runs.programme import Programme
from tracker.readiness import actions
from tracker.readiness.models import Attestation, Finding, Waiver
from tracker.runs.queries import database_now

REASON = "The peering goes away with the partner next week."


class Company(Programme):
    """`finding`: without arguments a blocker of legacy-net that can be waived."""

    def finding(self, unit: str = "legacy-net", rule: str = "VNET-PEERING") -> Finding:
        return Finding.objects.filter(unit__name=unit, rule=rule).order_by("resource_key")[0]

    def want(self, **more: Any) -> Waiver:
        finding = self.finding()
        given: dict[str, Any] = {
            "rule": finding.rule,
            "resource_key": finding.resource_key,
            "reason": REASON,
            "until": in_days(30),
            "by": self.tomas,
            "now": database_now(),
        }
        return actions.ask_waiver(finding.unit, **given | more)

    def agree(self, waiver: Waiver, **more: Any) -> Waiver:
        given = {"shown": waiver.shown, "by": self.aiko, "now": database_now()}
        return actions.approve_waiver(waiver, **given | more)

    def attest(self, finding: Finding, **more: Any) -> Attestation:
        given: dict[str, Any] = {
            "rule": finding.rule,
            "resource_key": finding.resource_key,
            "reach": "unit",
            "applies": False,
            "why": "I asked the team that runs it.",
            "by": self.tomas,
            "now": database_now(),
        }
        return actions.attest(finding.unit, **given | more)

    def delete(self, *parts: str) -> None:
        """Somebody deletes in Azure what has one of the parts in its id."""
        estate = scenarios.estate("journey")
        kept = [one for one in estate["resources"] if not any(part in one["id"] for part in parts)]
        self.simulator.control("reset", {"estate": estate | {"resources": kept}})


def in_days(days: float) -> datetime:
    return database_now() + timedelta(days=days)
