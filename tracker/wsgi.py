"""The WSGI door. Collected garbage is frozen after start so that collections do not stretch the slowest pages (figures F7)."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")
application = get_wsgi_application()
gc.collect()
gc.freeze()
