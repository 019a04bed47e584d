"""What can be done to the inventory. Each is one transaction with its event inside; HTTP is spoken outside of it."""

from tracker.inventory.actions.applying import Changes
from tracker.inventory.actions.importing import (
    ImportClosed,
    ImportMoved,
    ImportRefused,
    TooManyImports,
    discard_import,
    import_estate,
    preview_import,
)
from tracker.inventory.actions.numbers import fold_tallies, recount_tallies
from tracker.inventory.actions.registering import InvalidProvider, follow_registration, want_registration
from tracker.inventory.actions.subscriptions import (
    discover_subscriptions,
    discover_wanted,
    want_discovery,
    want_sync,
)
from tracker.inventory.actions.syncing import (
    BUDGET,
    SyncLost,
    SyncRunning,
    claim_follow,
    followed,
    redraw_units,
    sync,
)
from tracker.inventory.actions.units import (
    IllegalMove,
    InvalidText,
    Judgement,
    Overtaken,
    StillPlaced,
    assign_owner,
    exclude,
    include,
    move,
    record_verdicts,
    set_health,
    set_lock,
)
from tracker.inventory.documents import canonical_json, digest_of, storable

__all__ = [
    "BUDGET",
    "Changes",
    "IllegalMove",
    "ImportClosed",
    "ImportMoved",
    "ImportRefused",
    "InvalidProvider",
    "InvalidText",
    "Judgement",
    "Overtaken",
    "StillPlaced",
    "SyncLost",
    "SyncRunning",
    "TooManyImports",
    "assign_owner",
    "canonical_json",
    "claim_follow",
    "digest_of",
    "discard_import",
    "discover_subscriptions",
    "discover_wanted",
    "exclude",
    "fold_tallies",
    "follow_registration",
    "followed",
    "import_estate",
    "include",
    "move",
    "preview_import",
    "record_verdicts",
    "recount_tallies",
    "redraw_units",
    "set_health",
    "set_lock",
    "storable",
    "sync",
    "want_discovery",
    "want_registration",
    "want_sync",
]
