"""The command around the proofs: what it takes, and what its table says."""

import pytest

from tests.proof import __main__ as prove
from tests.proof.registry import PROOFS, Line, table


def test_every_proof_can_be_found() -> None:
    import importlib

    for proof in PROOFS.values():
        module, _, name = proof.function.partition(":")
        assert callable(getattr(importlib.import_module(module), name)), proof.name


@pytest.mark.parametrize("arguments", [["--only", "nothing"], ["--part", "3/2"], ["--part", "half"]])
def test_what_makes_no_sense_is_refused_before_anything_starts(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        prove.main(arguments)
    assert refused.value.code == 2


def test_the_table_counts_what_was_tried_and_what_broke() -> None:
    lines = [("races", Line("a race", 1000, "rounds", 12.34, ["round 7: two at once"], "+- 999"))]
    assert table(lines).splitlines()[-1] == "| races | a race | 1,000 rounds | 1 | 12.3 | +- 999 |"
