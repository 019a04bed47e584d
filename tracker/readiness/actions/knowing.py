"""Writing down which catalogue the code has: in force at once where none ever was, else waiting."""

from datetime import datetime

from django.db import connection, transaction

from migrator import readiness
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.readiness import catalogue
from tracker.readiness.catalogue import Standing, named
from tracker.readiness.catalogue_models import CatalogueVersion

PRODUCT = Actor("system", "product", "The product")
FIRST = "The first catalogue this product was started with."
_LOCK = 0x63617461  # "cata": nobody else of this product takes it


def know_catalogue(now: datetime) -> Standing:
    """What evaluations go by; written down first where it is not yet. Costs two reads where it is."""
    found = catalogue.standing()
    if found is not None:
        return found
    with transaction.atomic():
        one_at_a_time()
        found = catalogue.standing()
        return found if found is not None else _write(now)


def one_at_a_time() -> None:
    """Until the end of the transaction nobody else writes of catalogues."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _write(now: datetime) -> Standing:
    row = catalogue.in_force()
    made = CatalogueVersion(version=readiness.catalogue_version, manifest=readiness.catalogue_manifest, known_since=now)
    detail = {"name": named(made.version), "version": made.version, "rules": len(made.manifest)}
    if row is None:
        made.switched_on_at, made.switched_on_by, made.reason = now, PRODUCT.key, FIRST
        made.save()
        record("readiness.catalogue_began", by=PRODUCT, object=("catalogue", made.version), now=now, detail=detail)
        return Standing(made.pk, made.version, made.version)
    made.save()
    changes = catalogue.changes(row)
    detail |= {
        "new": len(changes.new),
        "changed": len(changes.changed),
        "removed": len(changes.removed),
        "in_force": row.version,
    }
    record("readiness.catalogue_came", by=PRODUCT, object=("catalogue", made.version), now=now, detail=detail)
    return Standing(row.pk, row.version, made.version, now, row.manifest, changes)


def still_in_force(here: Standing) -> bool:
    """Whether what an evaluation went by still is so; until the end of the transaction nobody switches another on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM tracker_catalogueversion WHERE id = %s FOR SHARE", [here.in_force_id])
        cursor.execute(catalogue.IN_FORCE)
        (version,) = cursor.fetchone()
    return version == here.version
