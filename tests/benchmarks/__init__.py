"""The figures: how fast and how big, measured side by side with what limits us. `python3 manage.py benchmark --help`.

Nothing here fails because of time: a figure is measured and printed with its bar, met or missed. What noise cannot
move (queries, bytes, rows written) is guarded in the suite.
"""
