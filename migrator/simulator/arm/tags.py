"""Tags as a resource of their own: `{scope}/providers/Microsoft.Resources/tags/default` (GET, PUT, PATCH with Merge,
Replace, Delete). [K]
"""

from migrator.simulator.arm.routing import Answer, Call, Router
from migrator.simulator.errors import ArmError, resource_not_found
from migrator.simulator.store import Document

routes = Router()
_TAGS = r"(?P<scope>/subscriptions/.+?)/providers/microsoft\.resources/tags/default"


@routes.route("GET", _TAGS)
def get_tags(call: Call) -> Answer:
    return Answer(body=_shown(_tagged(call)))


@routes.route("PUT", _TAGS)
def put_tags(call: Call) -> Answer:
    return _change(call, "replace")


@routes.route("PATCH", _TAGS)
def patch_tags(call: Call) -> Answer:
    return _change(call, str(call.object().get("operation", "")).lower())


def _change(call: Call, operation: str) -> Answer:
    document = _tagged(call)
    wanted = call.properties().get("tags")
    if not isinstance(wanted, dict) or not all(isinstance(value, str) for value in wanted.values()):
        raise ArmError(400, "InvalidTags", "properties.tags must be an object of texts.")
    before = dict(document.get("tags") or {})
    match operation:
        case "replace":
            tags = dict(wanted)
        case "merge":
            tags = {**before, **wanted}
        case "delete":
            tags = {name: value for name, value in before.items() if wanted.get(name) != value}
        case _:
            raise ArmError(400, "InvalidTagsOperation", f"The operation '{operation}' is not Merge, Replace or Delete.")
    if len(tags) > 50:
        raise ArmError(400, "TooManyTags", "A resource takes at most 50 tags.")
    call.platform.check_management_lock(document["id"], "ReadOnly", "write")
    changed = {**document, "tags": tags}
    call.platform.put(changed)
    return Answer(body=_shown(changed))


def _tagged(call: Call) -> Document:
    found = call.view().get(call.parts["scope"])
    if found is None:
        raise resource_not_found(call.parts["scope"])
    return found


def _shown(document: Document) -> Document:
    return {
        "id": f"{document['id']}/providers/Microsoft.Resources/tags/default",
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": dict(document.get("tags") or {})},
    }
