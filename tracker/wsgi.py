"""The WSGI door. What is made at start is frozen, so that garbage collection does not stretch slow pages (F7)."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")
application = get_wsgi_application()
gc.collect()
gc.freeze()
