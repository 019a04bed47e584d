"""Tokens of the API: knox's, read together with their owner and the owner's roles."""

from secrets import compare_digest
from typing import Any

from django.utils import timezone
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework.exceptions import AuthenticationFailed

from tracker.accounts import queries


class Token(TokenAuthentication):
    """As knox decides, with one query instead of three. An expired token stays refused until somebody removes it."""

    def authenticate_credentials(self, token: bytes) -> Any:
        text = token.decode("utf-8")
        try:
            digest = hash_token(text)
        except (TypeError, ValueError) as error:
            raise AuthenticationFailed("Invalid token.") from error
        for found, owner in queries.tokens_of_key(text[: CONSTANTS.TOKEN_KEY_LENGTH]):
            alive = found.expiry is None or found.expiry > timezone.now()
            if compare_digest(digest, found.digest) and alive and owner.is_active:
                return owner, found
        raise AuthenticationFailed("Invalid token.")


class TokenScheme(KnoxTokenScheme):
    """What the OpenAPI document says of it."""

    target_class = Token
