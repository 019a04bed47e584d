"""Proofs commit for real; the tests around them find an empty database again."""

from tests.live_database import emptied_for_real  # noqa: F401
