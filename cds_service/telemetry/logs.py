"""What is logged: one JSON line for each call. Never an id of a patient, a user or a resource, a token, free
text, a URL with a query, or anything else from a body, except a `hookInstance` that has the form of a UUID.

Libraries log what they like: the HTTP client every address that it calls, with the patient's id in it. So of their
records only who wrote them, where, and which error it was is written, and from warnings on, whatever the level is.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import structlog

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HARMLESS = frozenset(("uvicorn.error",))  # speaks of sockets and of starting and stopping
_TALKATIVE = ("httpx", "httpcore")  # for whoever else may listen: these name addresses with ids in them
_ENCODER = msgspec.json.Encoder(enc_hook=repr)
_ready: list[Any] = []  # the logger, and the factory that it was made by: after another configuration it is not ours
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str, now: Callable[[], datetime]) -> None:
    """JSON lines on standard error, from this level up, each stamped with the time that `now` gives. On standard output
    where standard error is closed."""

    def as_json(_logger: Any, name: str, event: Any) -> bytes:
        event["level"], event["timestamp"] = name, now()
        return _ENCODER.encode(event)

    structlog.configure(
        processors=[as_json],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(file=(sys.stderr or sys.stdout).buffer),
        cache_logger_on_first_use=True,
    )
    _ready.clear()
    _ready.extend((structlog.get_logger("cds_service").bind(), structlog.get_config()["logger_factory"]))
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers = [one for one in root.handlers if not isinstance(one, LibraryLog)] + [LibraryLog()]


class LibraryLog(logging.Handler):
    """Writes that a library had something to say. Its words only where they are known to hold nothing of a call."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """One line, by our own logger."""
        error = record.exc_info[1] if record.exc_info else None
        said: dict[str, Any] = {"logger": record.name, "at": f"{record.module}:{record.lineno}"}
        if record.name in _HARMLESS:
            said["said"] = record.getMessage()
        if error is not None:
            said |= {"error": type(error).__name__, "where": where_it_broke(error)}
        get_logger().log(record.levelno, "library", **said)


def get_logger() -> Any:
    """The logger of this service, made once where it was configured: each call writes a line."""
    if _ready and structlog.get_config()["logger_factory"] is _ready[1]:
        return _ready[0]
    return structlog.get_logger("cds_service")


def safe_instance(hook_instance: str) -> str:
    """A hookInstance that has the form of a UUID; otherwise only that it has not."""
    return hook_instance.lower() if _UUID.fullmatch(hook_instance) else "not a UUID"


def where_it_broke(error: BaseException) -> list[str]:
    """File, line and function of each frame: enough to find a bug, without the message, which may hold data."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames][-12:]
