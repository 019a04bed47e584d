"""Who may ask what: every endpoint names a permission for each of its methods, and a refusal is history."""

from collections.abc import Mapping

from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from tracker.accounts import actions
from tracker.accounts.permissions import Permission


class Requires(BasePermission):
    """`Requires(Permission.READ)`, or one permission for each method. Who may not gets a 403 that says whom to ask,
    and the refusal is an `access.denied` event, as on the pages."""

    def __init__(self, permission: Permission, **by_method: Permission) -> None:
        self.by_method: Mapping[str, Permission] = {"GET": permission} | by_method

    def __call__(self) -> "Requires":
        """Django REST framework makes an instance of every permission class; this one is ready."""
        return self

    def needed(self, method: str) -> Permission:
        """The permission of a method; what is not listed is a way of reading (HEAD, OPTIONS) or not allowed at all."""
        return self.by_method.get(method, self.by_method["GET"])

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.user is None or not request.user.is_authenticated:
            return False
        method = request.method or ""
        actions.check(request.user, self.needed(method), ("page", request.path), timezone.now(), method=method)
        return True
