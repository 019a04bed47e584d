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
from tracker.inventory.actions.subscriptions import InvalidProvider, discover_subscriptions, register, want_sync
from tracker.inventory.actions.syncing import SyncLost, SyncRunning, redraw_units, sync
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
    "digest_of",
    "discard_import",
    "discover_subscriptions",
    "exclude",
    "import_estate",
    "include",
    "move",
    "preview_import",
    "record_verdicts",
    "redraw_units",
    "register",
    "set_health",
    "set_lock",
    "storable",
    "sync",
    "want_sync",
]
