"""The way past a refused quota request: a support ticket, with its text ready (azure.md 5.3 [D], ids and names [K]).

The text is for the form in the portal; the body is that of `PUT …/Microsoft.Support/supportTickets/{name}`. Who asks is
left open in both: a product does not sign for a person.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

COMPUTE: Final = "Microsoft.Compute"
VERSION: Final = "2024-04-01"  # azure.md 5.3 [V]
SERVICE: Final = "/providers/Microsoft.Support/services/06bfd9d3-516b-d5c6-5802-169c800dec89"  # [K]
# Which classification it is has to be read from Azure: no public source tells its id.
CLASSIFICATION: Final = (
    f"{SERVICE}/problemClassifications/{{id of “Compute-VM (cores-vCPUs) subscription limit increases”}}"
)
CONTACT: Final = {
    "firstName": "{first name}",
    "lastName": "{last name}",
    "primaryEmailAddress": "{mail address}",
    "preferredContactMethod": "email",
    "preferredTimeZone": "{time zone, such as Pacific Standard Time}",
    "preferredSupportLanguage": "en-US",
    "country": "{country, three letters}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A refused request. `request`: its number here. `in_use`: None where it was not read."""

    request: int
    subscription: str
    subscription_name: str
    region: str
    provider: str
    name: str  # of the usages row
    limit: int
    in_use: int | None
    wanted: int
    words: str  # Azure's
    reason: str  # ours
    waves: tuple[tuple[str, str], ...] = ()  # name, first day of its window


@dataclass(frozen=True, slots=True)
class Ticket:
    title: str
    description: str
    severity: str
    path: str
    body: dict[str, Any]

    @property
    def as_json(self) -> str:
        return json.dumps(self.body, indent=2, ensure_ascii=False)


def family(name: str) -> str:
    """A usages name as tickets call it: `standardDSv3Family` → `DSv3 Series`, the regional total `*` (azure.md 5.3)."""
    if name.lower() == "cores":
        return "*"
    bare = name[: -len("Family")] if name.endswith("Family") else name
    bare = bare[len("standard") :] if bare.lower().startswith("standard") else bare
    return f"{bare} Series"


def ticket(refused: Refused) -> Ticket:
    """Text and body for one refused request. Only limits of Compute have a form of their own; of the network it is told
    in words."""
    compute = refused.provider.lower() == COMPUTE.lower()
    lines = [
        f"Please raise the limit of {refused.name} in {refused.region} from {refused.limit:,} to {refused.wanted:,}.",
        "",
        f"Subscription: {refused.subscription_name} ({refused.subscription})",
        f"In use: {'not read' if refused.in_use is None else f'{refused.in_use:,}'} of {refused.limit:,}",
        "Why: classic deployments are moved to Azure Resource Manager in place, and need this quota before Prepare.",
    ]
    lines += [f"Reason given here: {refused.reason}"] if refused.reason else []
    lines += [f"Needed for: {name}, from {day}" for name, day in refused.waves]
    lines += [f"The request over Microsoft.Quota was refused with: “{refused.words}”"] if refused.words else []
    properties: dict[str, Any] = {
        "serviceId": SERVICE,
        "problemClassificationId": CLASSIFICATION,
        "title": f"More {refused.name} in {refused.region}",
        "description": "\n".join(lines),
        "severity": "moderate",
        "advancedDiagnosticConsent": "No",
        "contactDetails": CONTACT,
    }
    if compute:
        payload = {"VmFamily": family(refused.name), "NewLimit": refused.wanted}
        properties["quotaTicketDetails"] = {
            "quotaChangeRequestVersion": "1.0",
            "quotaChangeRequests": [{"region": refused.region, "payload": json.dumps(payload)}],
        }
    return Ticket(
        title=properties["title"],
        description=properties["description"],
        severity=properties["severity"],
        path=f"/subscriptions/{refused.subscription}/providers/Microsoft.Support/supportTickets/{_name(refused)}",
        body={"properties": properties},
    )


def _name(refused: Refused) -> str:
    """Azure wants names of tickets unique in a subscription: a second one for the same limit has another number."""
    return f"quota-{refused.name}-{refused.region}-{refused.request}".replace(" ", "-").lower()
