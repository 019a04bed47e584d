"""From what Azure answers to the error family of the contract: classes of the catalogue, one sentence for a person
each."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from migrator.gateway.protocol import (
    Applied,
    Busy,
    CredentialRefused,
    ErrorClass,
    Exchange,
    GatewayError,
    Malformed,
    NotFound,
    NotPermitted,
    NotRegistered,
    Refused,
    ServerFailed,
    Throttled,
    Unreachable,
)
from migrator.gateway.wire.cleaning import clean_text
from migrator.gateway.wire.messages import ErrorBody, error_body
from migrator.messages import APOSTROPHES, BY_ID, LONGEST_MESSAGE, classify

READS = frozenset({"GET", "HEAD"})
# Busy resources answered as 429 (azure.md 8.1): the resource provider's own way to say that another operation is
# running.
_BUSY_CODES = frozenset({"retryableerrorduetoanotheroperation", "anotheroperationinprogress"})
# A 409 with one of these is a definite refusal, not an operation in progress [K].
_DEFINITE_CONFLICTS = re.compile(r"(?i)(exists|alreadyexist|scopelocked|conflictingnames|notallowed)")
_DEFINITE_CLASSES = frozenset({ErrorClass.FIX, ErrorClass.QUOTA, ErrorClass.ABORT_FIRST, ErrorClass.PROGRAMMER})
_CLAIMS = re.compile(r'claims="([A-Za-z0-9+/_=-]{1,3000})"')
_ACTION = re.compile(r"perform (?:the )?action '([^']{1,200})'", re.IGNORECASE)
_SCOPE = re.compile(r"over scope '([^']{1,1000})'", re.IGNORECASE)
_NAMESPACE = re.compile(r"namespace '([A-Za-z.]{1,80})'", re.IGNORECASE)


def claims_in(challenge: str) -> str:
    """The claims a 401 demands (`WWW-Authenticate: Bearer … error="insufficient_claims", claims="<base64url>"`), as
    JSON text; empty when it demands none or they cannot be read. Nothing else of the header is used: where a token is
    had is a setting, not what an answer says."""
    found = _CLAIMS.search(challenge[:LONGEST_MESSAGE])
    if found is None:
        return ""
    try:
        text = base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)).decode()
        return text if isinstance(json.loads(text), dict) else ""
    except ValueError:
        return ""


def missing_action(message: str) -> tuple[str, str]:
    """(action, scope) out of an AuthorizationFailed text; empty where it does not say."""
    plain = message[:LONGEST_MESSAGE].translate(APOSTROPHES)
    action, scope = _ACTION.search(plain), _SCOPE.search(plain)
    return (action[1] if action else ""), (scope[1] if scope else "")


@dataclass(frozen=True, slots=True)
class Failure:
    """A refused or failed exchange on its way to an error. `doing`: "prepare the migration of cs1/Production", "list
    subscriptions"."""

    doing: str
    method: str
    status: int
    error: ErrorBody
    retry_after: float | None
    exchange: Exchange

    @property
    def silent(self) -> Applied:
        """Whether what was sent may have been carried out, when the answer does not tell."""
        return Applied.NO if self.method.upper() in READS else Applied.UNKNOWN


def from_answer(
    doing: str, method: str, status: int, body: Any, retry_after: float | None, exchange: Exchange
) -> GatewayError:
    """The error for an answer that is not a success."""
    error = error_body(body) or ErrorBody()
    failure = Failure(doing, method, status, error, retry_after, exchange)
    kind, applied = _kind(failure)
    error_class, catalogue_id = classify(status, error.code, error.message)
    details: Mapping[str, Any] = {
        "applied": applied,
        "retry_after": retry_after,
        "code": error.code[:200],
        "message": error.message[:LONGEST_MESSAGE],
        "error_class": error_class,
        "catalogue_id": catalogue_id,
        "exchange": exchange,
    }
    sentence = _sentence(kind, failure, catalogue_id)
    if kind is NotPermitted:
        action, scope = missing_action(error.message)
        return NotPermitted(sentence, action=action, scope=scope, **details)
    return kind(sentence, **details)


def _kind(failure: Failure) -> tuple[type[GatewayError], Applied]:
    """Which member of the family, and whether the request may have been applied."""
    status, code = failure.status, failure.error.code.lower()
    error_class, catalogue_id = classify(status, failure.error.code, failure.error.message)
    if catalogue_id in ("E02", "E52") or code in ("missingsubscriptionregistration", "subscriptionnotregistered"):
        return NotRegistered, Applied.NO
    if status == 429:
        return (Busy if code in _BUSY_CODES else Throttled), Applied.NO
    if status == 409:
        if error_class in _DEFINITE_CLASSES or _DEFINITE_CONFLICTS.search(code):
            return Refused, Applied.NO
        return Busy, failure.silent  # perhaps our own earlier request: reading tells
    if status == 408 or status >= 500:
        return ServerFailed, failure.silent
    if status < 400:
        return Malformed, failure.silent
    known: dict[int, type[GatewayError]] = {401: CredentialRefused, 403: NotPermitted, 404: NotFound, 410: NotFound}
    return known.get(status, Refused), Applied.NO


def _sentence(kind: type[GatewayError], failure: Failure, catalogue_id: str) -> str:
    """What is wrong, where, what to do."""
    doing, status = failure.doing, failure.status
    said = _said(failure.error)
    row = BY_ID.get(catalogue_id)
    if kind is CredentialRefused:
        return f"Azure does not accept the sign-in used to {doing} (401){said}. Renew or correct the credential."
    if kind is NotPermitted:
        action, scope = missing_action(failure.error.message)
        if action:
            return f"The sign-in may not {doing}: it lacks {action} on {scope or 'the resource'}. Grant a role with it."
        return f"The sign-in may not {doing} (403){said}. Grant it a role that allows this."
    if kind is NotRegistered:
        namespace = _NAMESPACE.search(failure.error.message.translate(APOSTROPHES))
        what = namespace[1] if namespace else "Microsoft.ClassicInfrastructureMigrate"
        return (
            f"Cannot {doing}: {what} is not registered on the subscription. Register it and wait until it "
            "reads Registered."
        )
    if kind is Throttled:
        wait = "later" if failure.retry_after is None else f"after {failure.retry_after:.0f} seconds"
        return f"Azure has had too many requests and did not {doing}. It may be asked again {wait}."
    if kind is Busy:
        return (
            f"Azure is at work on the same resource and did not {doing} ({status}){said}. Read its state "
            "before trying again."
        )
    if kind is ServerFailed:
        return f"Azure failed to {doing} ({status}){said}. Read the state of the resource before trying again."
    if kind is Malformed:
        return (
            f"Azure's answer to the request to {doing} cannot be read: HTTP {status} is not expected. Check "
            "the endpoint."
        )
    if kind is NotFound and row is None:
        return (
            f"Azure has nothing there to {doing} ({status}){said}. It may have been deleted, moved or "
            "migrated: sync again."
        )
    remedy = row.action if row else "Correct what the message names, then try again."
    return f"Azure refused to {doing} ({status}){said}. {remedy}"


def _said(error: ErrorBody) -> str:
    """Azure's code and the beginning of its words, ready to stand behind the status."""
    words = " ".join(error.message.split())
    words = words if len(words) <= 300 else words[:299] + "…"
    text = ": ".join(part for part in (error.code[:80], words.rstrip(".")) if part)
    return f", saying {text}" if text else ""


def unreachable(doing: str, method: str, why: str, exchange: Exchange) -> Unreachable:
    """No answer at all."""
    applied = Applied.NO if method.upper() in READS else Applied.UNKNOWN
    host = urlsplit(exchange.url).netloc.rpartition("@")[2]
    sentence = (
        f"Azure gave no answer{f' at {host}' if host else ''} to the request to {doing}: {clean_text(why)[:300]}. "
        "Check the endpoint and the network."
    )
    return Unreachable(sentence, applied=applied, exchange=exchange, error_class=ErrorClass.RETRY)


def never_sent(error: Unreachable) -> Unreachable:
    """The same, when the connection was never made: nothing can have been applied."""
    error.applied = Applied.NO
    return error


def malformed(doing: str, method: str, why: str, exchange: Exchange, retry_after: float | None = None) -> Malformed:
    """An answer that is none."""
    applied = Applied.NO if method.upper() in READS else Applied.UNKNOWN
    sentence = f"Azure's answer to the request to {doing} cannot be read: {why}."
    return Malformed(sentence, applied=applied, retry_after=retry_after, exchange=exchange)


def unreadable_action(error: GatewayError, otherwise: str) -> str:
    """The missing action for an `Unreadable`: what the 403 named, or `otherwise`."""
    return (error.action if isinstance(error, NotPermitted) else "") or otherwise
