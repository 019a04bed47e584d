"""Wire format ↔ values, without sockets.

`resources(documents)` and `estate(documents, registrations, usages)` read flat documents; `problems(documents)` says
what in them could not be read; `clean(document)` takes secrets out. A document's `"read"` key lists the child
collections that were listed completely ("slots", "roles", "extensionReferences", "serviceCertificates", "gateways",
"virtualNetworkPeerings", "disks", "osImages", "vmImages"); a collection which is not on that list is UNKNOWN in the
value, whatever children came.
"""

from migrator.gateway.wire.assembly import Assembled, assemble, canonical, estate, problems, resources, type_in
from migrator.gateway.wire.cleaning import REMOVED, clean, clean_text, clean_value, holds_removed
from migrator.gateway.wire.fields import Problem, normal_location

__all__ = [
    "REMOVED",
    "Assembled",
    "Problem",
    "assemble",
    "canonical",
    "clean",
    "clean_text",
    "clean_value",
    "estate",
    "holds_removed",
    "normal_location",
    "problems",
    "resources",
    "type_in",
]
