"""The deciding part: rules, sums and lifecycle as pure functions on values. Knows no Django, Celery or `tracker`."""
