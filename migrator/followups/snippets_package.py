"""What a person takes along to apply follow-ups by hand: of one both texts, of many a folder of files."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from migrator.followups import snippets_bicep, snippets_cli
from migrator.followups.snippets import NotWritten, Secret, one_line, without_secrets
from migrator.followups.snippets_bicep import BicepFile
from migrator.followups.values import RequiredFollowUp


@dataclass(frozen=True, slots=True)
class ByHand:
    """`why_not`: why there is neither text; `bicep_why_not`: why there is no Bicep. `cli_name`: the script's file."""

    cli_name: str = ""
    cli: str = ""
    bicep: tuple[BicepFile, ...] = ()
    secrets: tuple[Secret, ...] = ()
    why_not: str = ""
    bicep_why_not: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One follow-up of the folder. `number` and `unit_number` are the product's own: they keep names apart."""

    number: int
    unit_number: int
    unit: str
    title: str
    follow_up: RequiredFollowUp
    remark: str = ""  # why it should not be applied as it is, in one sentence


def by_hand(follow_up: RequiredFollowUp, stem: str, versions: Mapping[str, str]) -> ByHand:
    """`stem`: of the file names (`file_stem`); `versions`: API versions of types, in lower case."""
    try:
        written = without_secrets(follow_up)
    except NotWritten as error:
        return ByHand(why_not=str(error), bicep_why_not=str(error))
    text = snippets_cli.script(written)
    try:
        bicep, no_bicep = snippets_bicep.files(written, stem, versions), ""
    except NotWritten as error:
        bicep, no_bicep = (), str(error)
    return ByHand(f"{stem}.sh", text, bicep, written.secrets, "", no_bicep)


def file_stem(number: int, words: str) -> str:
    """A name every file system takes: a number first, so that no two are equal and none is a device of Windows; then
    letters, digits, `-` and `_` only."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", words).strip("-")[:60].rstrip("-")
    return f"{number}-{plain}" if plain else str(number)


def folder(title: str, items: Iterable[Item], versions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(path, text) of each file: a folder for each unit, and last `README.txt` with a line on every follow-up, of those
    too for which nothing could be written. `items` come unit by unit."""
    lines: list[str] = []
    unit = None
    count = written = 0
    for item in items:
        place = file_stem(item.unit_number, item.unit)
        if item.unit_number != unit:
            unit = item.unit_number
            lines += ["", f"{one_line(item.unit)}   (folder {place})"]
        made = by_hand(item.follow_up, file_stem(item.number, item.title), versions)
        files = [(made.cli_name, made.cli)] if made.cli else []
        files += [(file.name, file.text) for file in made.bicep]
        for name, text in files:
            yield f"{place}/{name}", text
        count += 1
        written += bool(files)
        lines.append(f"  {item.number}  {one_line(item.title)}")
        lines += [f"      {line}" for line in _said(item, made)]
    yield "README.txt", "\n".join([*_head(title, count, written), *lines]) + "\n"


def _said(item: Item, made: ByHand) -> Iterator[str]:
    if item.remark:
        yield one_line(item.remark)
    if made.why_not:
        yield f"No file: {one_line(made.why_not)}"
        return
    yield f"{made.cli_name}" + "".join(f", {file.name}" for file in made.bicep)
    if made.bicep_why_not:
        yield f"No Bicep: {one_line(made.bicep_why_not)}"
    for secret in made.secrets:
        yield f"Needs {secret.name}: {one_line(secret.question)}"


def _head(title: str, count: int, written: int) -> list[str]:
    return [
        one_line(title),
        "=" * len(one_line(title)),
        "",
        f"{count} follow-up{'' if count == 1 else 's'} not yet closed; for {written} of them there are files here.",
        "",
        "Each follow-up puts back something the move left behind. Use one file of it, not both kinds:",
        "",
        "  .sh     bash with the Azure CLI: sign in (az login), then run  bash FILE.sh",
        "  .bicep  Bicep: the command that deploys it stands in its first lines",
        "",
        "What the Azure CLI sends is exactly what the product would send, in the same order. Bicep says the same as a",
        "declaration; it was not compiled before it was written here.",
        "No file holds a secret. A script takes it from an environment variable, Bicep asks for it; which one is said",
        "below. Take the locks last: a ReadOnly lock refuses everything else on its scope.",
        "The product does not learn by itself that you applied something: open the follow-up there and choose Probe",
        "now. It closes when Azure shows the result.",
    ]
