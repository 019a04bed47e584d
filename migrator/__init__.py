"""The deciding part: rules, sums and lifecycle as pure functions on values. Knows neither Django nor Celery nor `tracker`."""
