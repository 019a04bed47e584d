"""Findings as the database holds them, and the digest over all findings of a unit. No database.

The digest is the sha256 of canonical JSON (`inventory.digest_of`) over the findings in one order. It is spelled here
piece by piece, because that takes a fifth of the time of building and sorting dictionaries first.
"""

import hashlib
from collections.abc import Iterable
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Final, NamedTuple

from migrator.readiness import Effect, Evidence, Finding, Outcome

LONGEST_KEY, LONGEST_NAME = 600, 260
_EFFECT: Final = {effect: effect.value for effect in Effect}  # `.value` of an enum takes longer than a look-up
_WAIVED: Final = ',"waived":true'  # said only where it is so
_OUTCOME: Final = {outcome: outcome.value for outcome in Outcome}


class Row(NamedTuple):
    """A finding as stored; `evidence` is JSON as PostgreSQL spells it, so that a row read back compares equal."""

    rule: str
    resource_key: str
    resource_name: str
    effect: str
    outcome: str
    source: str
    sentence: str
    evidence: str
    settles: str
    waived: bool


COLUMNS: Final = Row._fields


def rows_of(findings: Iterable[Finding]) -> tuple[list[Row], str]:
    """The rows, sorted by rule and resource, each pair once, and the digest over the findings."""
    spelled = [_row(finding) for finding in findings]
    spelled.sort(key=_order)
    digest = hashlib.sha256(f"[{','.join([text for _, text in spelled])}]".encode()).hexdigest()
    rows = {(row.rule, row.resource_key): row for row, _ in spelled}
    return list(rows.values()), digest


def _order(one: tuple[Row, str]) -> tuple[str, str]:
    return one[0][:2]  # type: ignore[return-value]


def _row(finding: Finding) -> tuple[Row, str]:
    """The row of a finding and its canonical JSON: keys sorted, no spaces, ASCII."""
    rule, effect, outcome, key, name, evidence, sentence, settles, source, waived = finding
    key, name = key[:LONGEST_KEY], name[:LONGEST_NAME]
    said, told = _EFFECT[effect], _OUTCOME[outcome]
    quoted = encode_basestring_ascii
    text = (
        f'{{"effect":"{said}","evidence":{_canonical(evidence) if evidence else "[]"},"outcome":"{told}"'
        f',"resource_key":{quoted(key)},"resource_name":{quoted(name)},"rule":{quoted(rule)}'
        f',"sentence":{quoted(sentence)},"settles":{quoted(settles)},"source":{quoted(source)}'
        f"{_WAIVED if waived else ''}}}"
    )
    kept = _kept(evidence) if evidence else "[]"
    return Row(rule, key, name, said, told, source, sentence, kept, settles, waived), text


def _canonical(evidence: tuple[Evidence, ...]) -> str:
    quoted = encode_basestring_ascii
    return "[" + ",".join([f'{{"field":{quoted(field)},"value":{quoted(value)}}}' for field, value in evidence]) + "]"


def _kept(evidence: tuple[Evidence, ...]) -> str:
    quoted = encode_basestring
    return (
        "[" + ", ".join([f'{{"field": {quoted(field)}, "value": {quoted(value)}}}' for field, value in evidence]) + "]"
    )
