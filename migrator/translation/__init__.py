"""Classic → Resource Manager: ids, names, sizes, groups; what should be found after Prepare, and what differs from it.

Facts: azure.md 2.8, 4 and the table of 6. Nothing is guessed: ids come from the documents found in the `-migrated`
groups. `before` is always what `migrator.gateway.wire.resources` reads out of the snapshots taken before Prepare.
"""

from migrator.sizes import SIZES, Size, size
from migrator.translation.compare import compare, expected, new_id, resource_group_candidates
from migrator.translation.values import HOLDING, Difference, Expected, Kind

__all__ = [
    "HOLDING",
    "SIZES",
    "Difference",
    "Expected",
    "Kind",
    "Size",
    "compare",
    "expected",
    "new_id",
    "resource_group_candidates",
    "size",
]
