"""Configuration files people give of a deployment: kept without secrets, counted until withdrawn or replaced.

What is stored is the masked text only (templates/docs/decisions/uploaded-files.md); the bytes that came in are never
written anywhere, not even for the time of a request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from migrator.configuration import FileRefused, Kind, Taken, checks, take
from migrator.gateway import wire
from migrator.readiness.files import showing, why_not
from migrator.resources import Deployment, SlotType
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.inventory.models import Resource, Unit
from tracker.readiness import given_files
from tracker.readiness.actions.assessing import Assessed, assess
from tracker.readiness.models import ConfigurationFile

PER_HOUR = 60  # files of one person
LONGEST_NAME = 120


class FilesRefused(Exception):
    """Nothing was kept. `problems`: by kind of the file, one sentence each; under "" what concerns them all."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it came. `data` holds secrets: it goes no further than `take`."""

    kind: Kind
    name: str
    data: bytes

    def __repr__(self) -> str:
        return f"Upload({self.kind}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class Given:
    files: tuple[ConfigurationFile, ...]
    assessed: Assessed


def give_files(unit: Unit, resource_key: str, uploads: Sequence[Upload], *, by: Actor, now: datetime) -> Given:
    """Keep what files say of a deployment of the unit, in place of the files of their kinds, and assess the unit.

    All of them are kept, or none. Raises FilesRefused.
    """
    taken = _taken(uploads)
    with transaction.atomic():
        _lock(unit)
        deployment = deployment_of(unit, resource_key)
        _not_too_many(by, now, len(taken))
        rows = []
        for kind, (name, file) in taken.items():
            live = ConfigurationFile.objects.filter(resource_key=resource_key, kind=kind, ended_at__isnull=True)
            replaced = live.update(ended_at=now, ended_by=by.key, end=ConfigurationFile.End.REPLACED)
            row = ConfigurationFile.objects.create(
                resource_key=resource_key,
                kind=kind.value,
                file_name=name,
                digest=file.digest,
                text=file.text,
                seen=showing(deployment),
                given_by=by.key,
                given_at=now,
            )
            value = given_files.value_of(row, file.contents)
            record(
                "readiness.file_given",
                by=by,
                object=("unit", unit.key),
                now=now,
                detail={
                    "name": unit.name,
                    "file": name,
                    "kind": kind.words,
                    "deployment": resource_key,
                    "digest": file.digest,
                    "replaced": replaced,
                    "contradicts": checks.with_azure(file.contents, deployment)[:20],
                    "idle": why_not(value, deployment),
                },
            )
            rows.append(row)
        return Given(tuple(rows), assess([unit], now=now, by=by))


def withdraw_file(unit: Unit, pk: int, *, by: Actor, now: datetime) -> ConfigurationFile:
    """A file counts no more; what it settled is unknown again. Raises FilesRefused when it has ended already."""
    with transaction.atomic():
        _lock(unit)
        row = ConfigurationFile.objects.filter(pk=pk, ended_at__isnull=True).select_for_update().first()
        if row is None or not Resource.objects.filter(key=row.resource_key, unit=unit).exists():
            raise FilesRefused({"": "This file was replaced or withdrawn meanwhile."})
        row.ended_at, row.ended_by, row.end = now, by.key, ConfigurationFile.End.WITHDRAWN
        row.save(update_fields=["ended_at", "ended_by", "end"])
        detail = {"name": unit.name, "file": row.file_name, "deployment": row.resource_key, "digest": row.digest}
        record("readiness.file_withdrawn", by=by, object=("unit", unit.key), now=now, detail=detail)
        assess([unit], now=now, by=by)
        return row


@transaction.atomic
def record_rewritten(
    unit: Unit, row: ConfigurationFile, *, changes: int, digest: str, by: Actor, now: datetime
) -> None:
    """Somebody takes the rewritten file away. `digest`: of its text without secrets. Nothing else is kept of it."""
    detail = {
        "name": unit.name,
        "file": row.file_name,
        "deployment": row.resource_key,
        "given": row.digest,
        "digest": digest,
        "changes": changes,
    }
    record("readiness.file_rewritten", by=by, object=("unit", unit.key), now=now, detail=detail)


def deployment_of(unit: Unit, resource_key: str) -> Deployment:
    """The web/worker deployment of the unit with this key, as Azure shows it. Raises FilesRefused."""
    rows = Resource.objects.filter(unit=unit, gone_at__isnull=True, key__startswith=resource_key)
    if "/slots/" not in resource_key:
        rows = rows.none()
    documents = [row.document for row in rows.order_by("key") if f"{row.key}/".startswith(f"{resource_key}/")]
    for one in wire.resources(documents):
        if isinstance(one, Deployment) and one.key == resource_key and one.slot_type is not SlotType.VIRTUAL_MACHINE:
            return one
    raise FilesRefused({"": f"{unit.name} has no such deployment of web and worker roles; choose one of the list."})


def _taken(uploads: Sequence[Upload]) -> dict[Kind, tuple[str, Taken]]:
    if not uploads:
        raise FilesRefused({"": "Choose a file first."})
    found, problems = {}, {}
    for upload in uploads:
        try:
            found[upload.kind] = (plain_name(upload.name, upload.kind), take(upload.data, upload.kind))
        except FileRefused as refused:
            problems[upload.kind.value] = str(refused)
    if problems:
        raise FilesRefused(problems)
    return found


def plain_name(name: str, kind: Kind) -> str:
    """What a file is called: without folders and control characters, not longer than a page shows."""
    last = name.replace("\\", "/").rpartition("/")[2]
    told = "".join(letter for letter in last if letter.isprintable()).strip()
    return told[:LONGEST_NAME] or f"unnamed.{kind}"


def _lock(unit: Unit) -> None:
    Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)


def _not_too_many(by: Actor, now: datetime, more: int) -> None:
    recent = ConfigurationFile.objects.filter(given_by=by.key, given_at__gt=now - timedelta(hours=1)).count()
    if recent + more > PER_HOUR:
        raise FilesRefused({"": f"You gave {recent} files within the hour; {PER_HOUR} are taken. Try again later."})


__all__ = [
    "FilesRefused",
    "Given",
    "Upload",
    "deployment_of",
    "give_files",
    "plain_name",
    "record_rewritten",
    "withdraw_file",
]
