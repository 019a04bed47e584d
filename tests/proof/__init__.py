"""What the engine promises, held against the real database: `python3 manage.py prove`. The same proofs, shorter, are
tests of the suite (test_*.py here)."""
