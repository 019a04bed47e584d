"""Key Vaults as applications see them: one secret, read (Key Vault REST, *Get Secret* [D]). The simulator stands at one
address only, so a vault is a path of it: `/vaults/{name}`.

Stricter than the platform: a version is always asked for by one of the interface's own numbers, and a vault without an
access policy, as the migration makes them (azure.md 4), gives nothing to anybody.
"""

from migrator.simulator.arm.routing import Answer, Call, Router
from migrator.simulator.errors import ArmError
from migrator.simulator.scope import properties
from migrator.simulator.store import Document

routes = Router()
VAULT = "Microsoft.KeyVault/vaults"
SECRET = f"{VAULT}/secrets"
VERSIONS = ("2016-10-01", "7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01")
_PLACE = r"/vaults/(?P<vault>[^/]+)/secrets/(?P<name>[^/]+)"


@routes.route("GET", _PLACE)
@routes.route("GET", _PLACE + r"/(?P<version>[^/]+)")
def read_secret(call: Call) -> Answer:
    if call.query.get("api-version") not in VERSIONS:
        raise ArmError(400, "BadParameter", "api-version must be specified, and one of those the vault knows.")
    vault = _named(call, VAULT, call.parts["vault"])
    if vault is None:
        raise ArmError(404, "VaultNotFound", f"The vault '{call.parts['vault']}' was not found.")
    facts = properties(vault)
    if call.reads_only or not (facts.get("accessPolicies") or facts.get("enableRbacAuthorization")):
        raise ArmError(403, "Forbidden", "Caller is not authorized to perform action on resource.")
    found = next(
        (
            row
            for row in _all(call, SECRET)
            if str(row["id"]).lower().startswith(str(vault["id"]).lower() + "/")
            and str(row["name"]).lower() == call.parts["name"].lower()
        ),
        None,
    )
    wanted = call.parts.get("version", "")
    own = str(properties(found).get("version") or "1" * 32) if found else ""
    if found is None or wanted not in ("", own):
        name = call.parts["name"]
        raise ArmError(404, "SecretNotFound", f"A secret with (name/id) {name} was not found in this key vault.")
    if properties(found).get("enabled") is False:
        raise ArmError(403, "Forbidden", "Operation get is not allowed on a disabled secret.")
    place = call.url(f"/vaults/{vault['name']}/secrets/{found['name']}/{own}")
    return Answer(body={"value": properties(found).get("value"), "id": place, "attributes": {"enabled": True}})


def _all(call: Call, kind: str) -> list[Document]:
    return [row for subscription in call.platform.subscriptions for row in call.view().of_type(subscription, kind)]


def _named(call: Call, kind: str, name: str) -> Document | None:
    return next((row for row in _all(call, kind) if str(row["name"]).lower() == name.lower()), None)
