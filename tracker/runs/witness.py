"""What is known of the database outside of it: in files and in Redis, as the setting says (decisions/epoch.md).

Each place holds one line of JSON. Read it before the database: then the database, if it is the same, is never behind.
"""

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import redis
from django.conf import settings

logger = logging.getLogger(__name__)
KEY = "tracker:epoch"


@dataclass(frozen=True, slots=True)
class Witness:
    nonce: str
    mark: int
    tree: int  # size of the newest checkpoint of the history


@dataclass(frozen=True, slots=True)
class Told:
    """What the places said. `silent`: those that did not answer; `empty`: those that know nothing."""

    known: tuple[Witness, ...] = ()
    empty: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


def places() -> list[str]:
    """`redis`, and paths of files."""
    return list(settings.EPOCH_WITNESS)


def read() -> Told:
    known, empty, silent = [], [], []
    for place in places():
        try:
            text = _redis().get(KEY) if place == "redis" else _file(place)
        except (OSError, redis.RedisError) as error:
            logger.warning("the witness in %s cannot be read: %s", place, error)
            silent.append(place)
            continue
        if not text:
            empty.append(place)
            continue
        try:
            given = json.loads(text)
            known.append(Witness(str(given["nonce"]), int(given["mark"]), int(given["tree"])))
        except (ValueError, KeyError, TypeError):  # half a file is as good as another history
            known.append(Witness("unreadable", 0, 0))
    return Told(tuple(known), tuple(empty), tuple(silent))


def write(witness: Witness) -> None:
    """Into every place; one that does not answer is told in the log, and takes it the next time."""
    text = json.dumps(asdict(witness))
    for place in places():
        try:
            if place == "redis":
                _redis().set(KEY, text)
            else:
                half = Path(f"{place}.{os.getpid()}")
                half.write_text(text)
                half.replace(place)
        except (OSError, redis.RedisError) as error:
            logger.warning("the witness in %s cannot be written: %s", place, error)


def _file(place: str) -> str:
    try:
        return Path(place).read_text()
    except FileNotFoundError:
        return ""


def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3)
