"""What the plans are made of.

Which request Azure takes: the operations of the classic providers are published by name (azure.md 1.1, rbac-ops), their
requests are not; so every DELETE of a classic resource is general knowledge [K], and what not even a name is known of
is inferred [I]. Locks and registrations are documented (azure.md 7, 12).
"""

from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any, Final

from migrator.fixes.values import Condition, NoFix, Plan, Step, Wants
from migrator.resources import (
    ArmRequest,
    Estate,
    Resource,
)

Documents = Mapping[str, Mapping[str, Any]]  # as stored, by lower-case id
Maker = Callable[[str, Resource, Estate, Documents], Plan | NoFix]

PROVIDERS, FEATURES = "2025-04-01", "2021-07-01"  # api-versions (azure.md 7)
MIGRATION: Final = "Microsoft.ClassicInfrastructureMigrate"
FEATURE: Final = "Microsoft.Compute/CloudServices"
K_DELETE: Final = (
    "[K] That this resource can be deleted is published; the request is general knowledge and has only been run "
    "against the simulator."
)
I_DELETE: Final = (
    "[I] How an extension is deleted over Resource Manager is inferred from its type; it has only been run against the "
    "simulator."
)
K_CONFIG: Final = (
    "[K] Change Deployment Configuration of the older API is general knowledge; it has only been run against the "
    "simulator, and needs an owner or co-administrator of the subscription."
)
I_SWAP: Final = (
    "[I] The action swap of a cloud service is published by its name; that it takes no body is inferred, and it has "
    "only been run against the simulator."
)
XML_EXTENSIONS: Final = ("bginfo", "vsdebug", "vs14debug", "visualstudiodebug", "webdeploy", "remotedebug")


def there(resource: Resource | str, sentence: str) -> Condition:
    return Condition(wants=Wants.THERE, resource_id=id_of(resource), sentence=sentence)


def gone(resource: Resource | str, sentence: str) -> Condition:
    return Condition(wants=Wants.GONE, resource_id=id_of(resource), sentence=sentence)


def says(resource: Resource, field: str, sentence: str, *values: str, wants: Wants = Wants.IS) -> Condition:
    return Condition(wants=wants, resource_id=resource.id, sentence=sentence, field=field, values=values)


def id_of(resource: Resource | str) -> str:
    return resource if isinstance(resource, str) else resource.id


def name_of(resource_id: str) -> str:
    return resource_id.rstrip("/").rsplit("/", 1)[-1]


def deletion(
    resource: Resource | str, what: str, *before: Condition, mark: str = K_DELETE, after: Iterable[Condition] = ()
) -> Step:
    """Delete one thing: it has to be there before and gone after."""
    return Step(
        title=f"Delete {what}.",
        request=ArmRequest(method="DELETE", path=id_of(resource), api_version=""),
        before=(there(resource, f"{capital(what)} is there."), *before),
        after=(gone(resource, f"{capital(what)} is gone."), *after),
        removes=(id_of(resource),),
        mark=mark,
    )


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def are(things: Sized) -> str:
    return "is" if len(things) == 1 else "are"
