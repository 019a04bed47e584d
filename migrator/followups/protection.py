"""Backup of machines, switched on again for the new machine (azure.md 6.8, rule VM-BACKUP-EXT).

Names in the path and fields of the body are general knowledge [K]. The old recovery points stay with the old item.
"""

from typing import Final

from migrator.counterparts import Id
from migrator.followups.draft import Draft
from migrator.followups.values import AnswerRefused, Choice, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.resources import ArmRequest

VERSION: Final = "2024-04-01"  # [K]
_POLICY: Final = "/backuppolicies/"


def build(draft: Draft) -> RequiredFollowUp:
    """`basis["machine"]`: the classic machine. The vault is that of the item as it was."""
    machine = str(draft.basis["machine"])
    new = draft.new_id(machine)
    item = str(draft.document.get("id", ""))
    at = item.lower().find("/backupfabrics/")
    vault = item[:at] if at > 0 else ""
    policy = _policy(draft, vault)
    stages = []
    parsed = Id.parse(new) if new else None
    if parsed and vault and policy:
        names = f"iaasvmcontainerv2;{parsed.group};{parsed.names[-1]}"
        path = f"{vault}/backupFabrics/Azure/protectionContainers/iaasvmcontainer;{names}/protectedItems/vm;{names}"
        properties = {
            "protectedItemType": "Microsoft.Compute/virtualMachines",
            "sourceResourceId": new,
            "policyId": policy,
        }
        expect = {f"properties.{key}": properties[key] for key in ("sourceResourceId", "policyId")}
        read = ArmRequest(method="GET", path=path, api_version=VERSION)
        request = ArmRequest(method="PUT", path=path, api_version=VERSION, body={"properties": properties})
        stages = [Stage(request=request, probe=Probe(request=read, expect=expect), minutes=30)]
    draft.note("What is seen is that the machine is protected; its first recovery point comes by the policy's hours.")
    draft.note("The old recovery points stay in the vault under the classic machine, as long as their policy says.")
    name = machine.rsplit("/", 1)[-1]
    state = draft.properties.get("protectionState") or "not told"
    return draft.finished(
        kind=Kind.BACKUP,
        title=f"Back {name} up again",
        new_target=new,
        rules=("VM-BACKUP-EXT",),
        sources=("azure.md 6.8 [K]", "seed1 row F9 (2016)", "vm-faq"),
        what_was=[
            f"Vault: {vault.rsplit('/', 1)[-1] or 'not told'}",
            f"Policy: {str(draft.properties.get('policyId') or 'not told').rsplit('/', 1)[-1]}",
            f"State: {state}",
        ],
        stages=stages,
    )


def _policy(draft: Draft, vault: str) -> str | None:
    told = str(draft.properties.get("policyId") or "")
    if told:
        return told
    question = Question(
        id="policy",
        text="Backup was stopped before the move, so the policy is not told. Which one should protect the machine?",
        choices=(Choice(f"{vault}/backupPolicies/DefaultPolicy", "DefaultPolicy"),) if vault else (),
        free=True,
        hint="The full id of a policy of the same vault: …/backupPolicies/{name}.",
    )

    def check(text: str) -> str:
        if not text.lower().startswith(f"{vault.lower()}{_POLICY}") or any(c.isspace() for c in text):
            raise AnswerRefused(f"{text[:120]!r} is not the id of a policy of the vault {vault.rsplit('/', 1)[-1]}.")
        return text.rstrip("/")

    return draft.ask(question, check)
