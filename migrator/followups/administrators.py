"""Classic administrators, who have to become owners by role assignment (azure.md 6.5 [D] stg-mig, 10).

Owed once per subscription. The product keeps the role and the domain of the address only; who it is, a person says.
"""

import uuid
from typing import Final

from migrator.followups.draft import Draft
from migrator.followups.grants import VERSION, place
from migrator.followups.values import AnswerRefused, Choice, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.resources import ArmRequest, subscription_of

OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


def build(draft: Draft) -> RequiredFollowUp:
    subscription = subscription_of(str(draft.document.get("id", "")))
    scope = f"/subscriptions/{subscription}"
    address = str(draft.properties.get("emailAddress") or "an address not told")
    role = str(draft.properties.get("role") or "administrator")
    question = Question(
        id="principal",
        text=f"Who is this {role} ({address})? The object id in Entra ID of the person, or better of a group.",
        free=True,
        hint="The access page of the subscription lists classic administrators by name. A GUID.",
    )
    principal = draft.ask(question, _guid)
    question = Question(
        id="principal-type",
        text="Is that a person or a group?",
        choices=(Choice("User", "A person"), Choice("Group", "A group")),
        default="User",
    )
    kind = draft.ask(question)
    stages = []
    if principal and kind:
        definition = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"
        path = place(draft, scope, definition, principal)
        properties = {"roleDefinitionId": definition, "principalId": principal, "principalType": kind}
        expect = {"properties.roleDefinitionId": definition, "properties.principalId": principal}
        read = ArmRequest(method="GET", path=path, api_version=VERSION)
        request = ArmRequest(method="PUT", path=path, api_version=VERSION, body={"properties": properties})
        stages = [Stage(request=request, probe=Probe(request=read, expect=expect))]
    draft.note("Owner reaches everything in the subscription: where less is enough, leave this undone and grant less.")
    draft.note("Classic administrators were retired on 2024-08-31; keep at least one Owner by role assignment.")
    return draft.finished(
        kind=Kind.ADMINISTRATOR,
        title=f"Make the classic administrator {address} ({role}) an owner by role assignment",
        new_target=scope,
        rules=("SUB-COADMIN", "STG-OWNER"),
        sources=("azure.md 6.5", "azure.md 10", "stg-mig"),
        what_was=[f"Role: {role}", f"Address: {address}"],
        stages=stages,
    )


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise AnswerRefused(
            f"{text[:60]!r} is not an object id, such as 00000000-0000-0000-0000-000000000000."
        ) from None
