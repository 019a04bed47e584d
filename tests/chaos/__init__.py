"""The crash matrix: the product as real processes which die, sleep and stumble where a plan says, and a checker that
trusts none of them. `python3 manage.py chaos`."""
