"""What the environment says about Azure: cloud, endpoints, credential, versions, inferred shapes. A wrong value stops
the start with a sentence naming the setting.

Values of the credential are read by `credential_values` alone, which only the processes that hold it call (worker and
commands, through `gateways`): the web process starts without them.
"""

import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from migrator.gateway import clouds, versions
from migrator.gateway.clouds import CLOUDS, PUBLIC, Cloud
from migrator.gateway.kinds import KINDS, SECRETS, CredentialIncomplete, Kind
from migrator.gateway.shapes import DEPLOYMENT_BODY, STATUS_PATH, VALIDATE_LISTS, Shapes
from migrator.gateway.vault_addresses import BadVault, vault
from tracker import environment
from tracker.environment import SettingError

LARGEST_BODY = 20_000  # characters
_PATH_PART = re.compile(r"[A-Za-z0-9]{1,80}")
_DOTTED = re.compile(r"[A-Za-z0-9_-]{1,80}(\.[A-Za-z0-9_-]{1,80}){0,8}")
_KIND = re.compile(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)+(/[A-Za-z0-9]+)+")


def cloud() -> Cloud:
    """The cloud that is named, else that of the endpoint, else the public one."""
    host = (urlsplit(environment.text("TRACKER_ARM_ENDPOINT", "")).hostname or "").lower()
    known = clouds.of_host(host)
    named = CLOUDS[environment.choice("TRACKER_AZURE_CLOUD", tuple(CLOUDS), (known or PUBLIC).name)]
    if known is not None and known is not named:
        raise SettingError(
            f"TRACKER_AZURE_CLOUD is {named.name!r}, but TRACKER_ARM_ENDPOINT ({host}) belongs to {known.name!r}. "
            "Leave the endpoint out, or name its cloud."
        )
    return named


def credential_values(kind: str) -> dict[str, str]:
    """What the credential needs, by variable; secrets also from `…_FILE`. Raises SettingError with the first that is
    missing."""
    needs = KINDS[Kind(kind)]
    values = {name: environment.text(name, "") if name in SECRETS else os.environ.get(name, "") for name in needs.names}
    try:
        needs.check(values)
    except CredentialIncomplete as error:
        raise SettingError(str(error)) from None
    for name in ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"):
        path = values.get(name, "")
        if path and not (name == "AZURE_CLIENT_CERTIFICATE_PATH" and values.get("AZURE_CLIENT_SECRET")):
            try:
                with open(path, "rb") as file:
                    file.read(1)
            except OSError as error:
                raise SettingError(f"{name} points to {path}, which cannot be read: {error.strerror}.") from None
    return values


def api_versions() -> dict[str, str]:
    """`TRACKER_API_VERSIONS`: versions set by hand, by type or by type and action."""
    found = {}
    for pair in environment.words("TRACKER_API_VERSIONS", ""):
        kind, _, version = (part.strip() for part in pair.partition("="))
        if not _KIND.fullmatch(kind) or not versions.well_formed(version):
            raise SettingError(
                f"TRACKER_API_VERSIONS holds {pair[:200]!r}; each part must look like "
                "Microsoft.ClassicCompute/domainNames/slots=2016-11-01."
            )
        found[kind] = version
    return found


def service_management_versions() -> dict[str, str]:
    """`TRACKER_SERVICE_MANAGEMENT_VERSIONS`: x-ms-version of the older API set by hand, by family of requests."""
    found = {}
    for pair in environment.words("TRACKER_SERVICE_MANAGEMENT_VERSIONS", ""):
        family, _, version = (part.strip() for part in pair.partition("="))
        if family not in versions.SERVICE_MANAGEMENT or not versions.well_formed(version):
            raise SettingError(
                f"TRACKER_SERVICE_MANAGEMENT_VERSIONS holds {pair[:200]!r}; each part must look like "
                f"compute={versions.SERVICE_MANAGEMENT['compute']}, for {', '.join(versions.SERVICE_MANAGEMENT)}."
            )
        found[family] = version
    return found


def key_vaults() -> tuple[str, ...]:
    """`TRACKER_KEY_VAULTS`: addresses of the Key Vaults from which secrets may be read when they are sent."""
    found = []
    for text in environment.words("TRACKER_KEY_VAULTS", ""):
        try:
            found.append(vault(text))
        except BadVault as error:
            raise SettingError(f"TRACKER_KEY_VAULTS: {error}") from None
    return tuple(dict.fromkeys(found))


def shapes() -> Shapes:
    """The inferred shapes, with what was set by hand."""
    version = environment.text("TRACKER_MIGRATE_API_VERSION", "")
    if version and not versions.well_formed(version):
        raise SettingError(f"TRACKER_MIGRATE_API_VERSION is {version[:100]!r}; it must look like 2016-11-01.")
    path = environment.text("TRACKER_OPERATION_STATUS_PATH", STATUS_PATH)
    if not _PATH_PART.fullmatch(path):
        raise SettingError(
            f"TRACKER_OPERATION_STATUS_PATH is {path[:100]!r}; it must be one part of a path, such as {STATUS_PATH}."
        )
    lists = tuple(environment.words("TRACKER_VALIDATE_LISTS", ",".join(VALIDATE_LISTS)))
    if not lists or not all(_DOTTED.fullmatch(one) for one in lists):
        raise SettingError(
            f"TRACKER_VALIDATE_LISTS must be dotted names with commas between, such as {','.join(VALIDATE_LISTS)}."
        )
    return Shapes(
        migrate_api_version=version, deployment_body=_deployment_body(), status_path=path, validate_lists=lists
    )


def _deployment_body() -> Mapping[str, Any]:
    text = environment.text("TRACKER_DEPLOYMENT_BODY", "")
    if not text:
        return DEPLOYMENT_BODY
    try:
        body = json.loads(text) if len(text) <= LARGEST_BODY else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise SettingError(
            "TRACKER_DEPLOYMENT_BODY must be a JSON object of at most 20,000 characters, such as "
            f"{json.dumps(dict(DEPLOYMENT_BODY))}."
        )
    return body
