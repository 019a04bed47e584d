"""What does not fit together: two files with one another, a file with what Azure shows of its deployment."""

from collections.abc import Iterator

from migrator import sizes
from migrator.configuration.rewriting import Note
from migrator.configuration.values import ServiceConfiguration, ServiceDefinition
from migrator.resources import UNKNOWN, Deployment, Role, known


def between(
    configuration: ServiceConfiguration | None, definition: ServiceDefinition | None, service: str
) -> list[Note]:
    """What azure.md 4.4 step 5 checks, and roles that only one file has. `service`: name of the cloud service."""
    found: list[Note] = []
    if configuration and definition:
        if configuration.service_name != definition.name:
            found.append(
                Note(
                    1,
                    f"The configuration is of {configuration.service_name!r}, the definition of {definition.name!r}. "
                    "They have to be the same: make them so, build and upgrade.",
                    ("cs-err",),
                )
            )
        here, there = _named(configuration), _named(definition)
        for key in sorted(here.keys() ^ there.keys()):
            only = "configuration" if key in here else "definition"
            found.append(Note(1, f"The role {here.get(key) or there[key]} is in the {only} only."))
    for contents in (configuration, definition):
        for role in contents.roles if contents else ():
            if role.name.lower() == service.lower():
                found.append(
                    Note(
                        role.line,
                        f"The role {role.name} has the name of its cloud service; one has to change.",
                        ("cs-err",),
                    )
                )
                break
    return found


def _named(contents: ServiceConfiguration | ServiceDefinition) -> dict[str, str]:
    return {role.name.lower(): role.name for role in contents.roles}


def with_azure(contents: ServiceConfiguration | ServiceDefinition, deployment: Deployment) -> list[str]:
    """Where a file says something else than Azure shows, one sentence each; role names first."""
    if deployment.roles is UNKNOWN:
        return []
    shown = {role.name.lower(): role for role in deployment.roles}
    told = {role.name.lower(): role for role in contents.roles}
    found = [f"Azure shows no role {told[key].name}." for key in told if key not in shown]
    found += [
        f"Azure shows the role {shown[key].name}, which the file does not have." for key in shown if key not in told
    ]
    for key, role in told.items():
        if key in shown:
            found += _of_role(role, shown[key])
    name = getattr(contents, "service_name", None)
    if name and known(deployment.configuration_service_name) and deployment.configuration_service_name != name:
        found.append(
            f"The file is of {name!r}; the configuration that runs is of {deployment.configuration_service_name!r}."
        )
    return found


def _of_role(told: object, shown: Role) -> Iterator[str]:
    count, size = getattr(told, "instance_count", UNKNOWN), getattr(told, "size", UNKNOWN)
    if known(count) and known(shown.instance_count) and count != shown.instance_count:
        yield f"Role {shown.name}: the file says {_many(count)}, Azure shows {shown.instance_count}."
    if known(size) and isinstance(shown.size, str) and not _same_size(size, shown.size):
        yield f"Role {shown.name}: the file says size {size}, Azure shows {shown.size}."
    subnets = getattr(told, "subnets", UNKNOWN)
    if known(subnets) and known(shown.subnets) and {s.lower() for s in subnets} != {s.lower() for s in shown.subnets}:  # type: ignore[union-attr]
        yield f"Role {shown.name}: the file says {_subnets(subnets)}, Azure shows {_subnets(shown.subnets)}."


def _many(count: int) -> str:
    return f"{count} instance" if count == 1 else f"{count} instances"


def _subnets(names: object) -> str:
    listed = ", ".join(names)  # type: ignore[arg-type]
    return f"subnet {listed}" if listed else "no subnet"


def _same_size(one: str, other: str) -> bool:
    first, second = sizes.size(one), sizes.size(other)
    return one.lower() == other.lower() or (first is not None and first is second)
