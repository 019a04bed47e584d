"""Addresses of the pages. One block per page, in the order of the rail; names are what `{% url %}` and web/context.py
use.

Names in use by frame and parts: overview, inventory, waves, approvals, runs, quota, follow_ups, audit, rules, search.
"""

from django.urls import path

from tracker.web.views import session, style

urlpatterns = [
    path("sign-in/", session.sign_in, name="sign_in"),
    path("sign-out/", session.sign_out, name="sign_out"),
    path("look/", session.look, name="look"),
    path("style/", style.parts, name="style"),
    path("style/live/", style.live_part, name="style_live"),
]
