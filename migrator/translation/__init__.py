"""Classic → Resource Manager: ids, names, sizes, groups; what should be found after Prepare, and what differs.

Public (being filled in; signatures are final):
    new_id(classic_id: str, arm_documents, before: Iterable[Resource] = ()) -> str | None
    resource_group_candidates(unit_id: str, members: Iterable[str] = ()) -> tuple[str, ...]       # lower case
    expected(before: Sequence[Resource]) -> list[Expected]
    compare(before: Sequence[Resource], found: Sequence[Mapping]) -> list[Difference]
`before`: values of `migrator.gateway.wire.resources(snapshots)`; `found`: documents of the `-migrated` groups (Observed.arm_documents).
"""

from migrator.translation.values import HOLDING, Difference, Expected, Kind

__all__ = ["HOLDING", "Difference", "Expected", "Kind"]
