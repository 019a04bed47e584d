"""Addresses of the pages. One block per page, in the order of the rail.

Names the frame, the search and the parts count on: overview, inventory, waves, approvals, runs, quota, follow_ups,
audit, rules; and of single things: unit (pk), wave (pk), run (uuid), rule (its id).
"""

from django.urls import path

from tracker.web.views import search, session, style

urlpatterns = [
    path("sign-in/", session.sign_in, name="sign_in"),
    path("sign-out/", session.sign_out, name="sign_out"),
    path("look/", session.look, name="look"),
    path("search/", search.results, name="search"),
    path("style/", style.parts, name="style"),
    path("style/live/", style.live_part, name="style_live"),
]
