"""The WSGI door. What is made at start is shared by the processes gunicorn forks (--preload), and frozen, so that
garbage collection does not stretch slow pages (F7)."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")
application = get_wsgi_application()
# Pages and their parts are imported now: else the first visitor of every process waits for it (1.5 s of work), and a
# process that takes the place of a dead one is slow to begin.
get_resolver().url_patterns  # noqa: B018 - reading it is what imports them
gc.collect()
gc.freeze()
