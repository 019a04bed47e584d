"""Who asks, and whether they may: bearer tokens, their expiry, the reader (azure.md 9).

`expired-token` is refused with 401, `reader-token` may only read, `stranger-token` has no right on any subscription,
any other token may do everything.
"""

import uuid

from migrator.simulator.arm.migration import unit_of
from migrator.simulator.errors import ArmError
from migrator.simulator.store import segments_of

EXPIRED, READER, STRANGER = "expired-token", "reader-token", "stranger-token"
_SPACE = uuid.UUID("0d4b3f0e-3a52-4f0e-8d0f-6e1fb4e5a1aa")


def principal(authorization: str, tenant: str) -> str:
    """The caller's object id. Raises ArmError 401 with a challenge."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        text = "Authentication failed. The 'Authorization' header is missing or has no bearer token."
        raise unauthorized("AuthenticationFailed", text, tenant)
    if token == EXPIRED:
        text = "The access token expiry UTC time is earlier than current UTC time."
        raise unauthorized("ExpiredAuthenticationToken", text, tenant)
    return str(uuid.uuid5(_SPACE, token))


def unauthorized(code: str, message: str, tenant: str) -> ArmError:
    challenge = (
        f'Bearer authorization_uri="https://login.simulator.invalid/{tenant}", '
        f'error="invalid_token", error_description="{message}"'
    )
    return ArmError(401, code, message, headers={"WWW-Authenticate": challenge})


def is_read(method: str, path: str) -> bool:
    """Resource Graph is asked by POST and still reads."""
    return method in ("GET", "HEAD") or path.lower().startswith("/providers/microsoft.resourcegraph/")


def is_reader(authorization: str) -> bool:
    return authorization.partition(" ")[2].strip() == READER


def is_stranger(authorization: str) -> bool:
    return authorization.partition(" ")[2].strip() == STRANGER


def check_rights(authorization: str, caller: str, method: str, path: str) -> None:
    """403 AuthorizationFailed, naming the missing action, when a reader writes or a stranger asks for anything in a
    subscription. What lies above them (the list of subscriptions, Resource Graph) just shows a stranger none."""
    below = path.lower().startswith("/subscriptions/") and len(segments_of(path)) > 1
    refused = below if is_stranger(authorization) else is_reader(authorization) and not is_read(method, path)
    if not refused:
        return
    action, scope = action_of(method, path)
    raise ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{caller}' with object id '{caller}' does not have authorization to perform action '{action}' "
        f"over scope '{scope}' or the scope is invalid. "
        "If access was recently granted, please refresh your credentials.",
    )


def action_of(method: str, path: str) -> tuple[str, str]:
    """The action a request performs (`Microsoft.ClassicNetwork/virtualNetworks/write`) and the scope it needs it on."""
    parts = segments_of(unit_of(path))
    marks = [i for i, part in enumerate(parts) if part.lower() == "providers"]
    if not marks:
        kind = "subscriptions/resourceGroups" if len(parts) > 2 else "subscriptions"
        return f"Microsoft.Resources/{kind}/{_word(method)}", "/" + "/".join(parts)
    tail = parts[marks[-1] + 1 :]
    if not tail:
        return f"Microsoft.Resources/subscriptions/providers/{_word(method)}", "/" + "/".join(parts[:-1])
    names = [tail[0], *tail[1::2]]
    if method == "POST":
        if len(tail) == 2:  # …/providers/Microsoft.X/register
            return f"{tail[0]}/{tail[1]}/action", "/" + "/".join(parts[: marks[-1]])
        return "/".join(names) + "/action", "/" + "/".join(parts[:-1])
    return f"{'/'.join(names)}/{_word(method)}", "/" + "/".join(parts)


def _word(method: str) -> str:
    return {"GET": "read", "HEAD": "read", "DELETE": "delete", "POST": "action"}.get(method, "write")
