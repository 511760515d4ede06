"""The log: one line for each call, in JSON, or readable where standard error is a terminal. It never holds an id of a
patient, a user or a resource, a token, free text, a URL with a query, or anything else of a body, except a
`hookInstance` that is a UUID.

Libraries log what they like: the HTTP client, for example, every URL it calls, with the patient's id in it. So of
their records only the logger, the place and the type of the error are written, and only from warnings on.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any, TextIO

import msgspec
import structlog

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SAFE_LOGGERS = frozenset(("uvicorn.error",))  # its messages are about sockets, starting and stopping
_HTTP_LOGGERS = ("httpx", "httpcore", "aiohttp")  # their messages hold URLs, and other handlers may listen
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_MAX_FRAMES = 12
_LOGGER = structlog.get_logger()  # bound anew for each line, by what is configured then


def configure(level: str, now: Callable[[], datetime]) -> None:
    """Writes lines to standard error from this level up, with the time that `now` gives.

    Writes to standard output instead if standard error is closed.
    """

    def add_timestamp(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        event["timestamp"] = now()
        return event

    stream = sys.stderr or sys.stdout
    render, lines = _for_terminal(stream) if is_read_by_a_person() else _for_programs(stream)
    structlog.configure(
        processors=[structlog.processors.add_log_level, add_timestamp, *render],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: lines,
    )
    for name in _HTTP_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, LibraryLog)] + [LibraryLog()]


def is_read_by_a_person() -> bool:
    """Whether the log is written to a terminal."""
    return bool((sys.stderr or sys.stdout).isatty())


def _for_programs(stream: TextIO) -> tuple[list[Any], object]:
    return [structlog.processors.JSONRenderer(_to_json)], structlog.BytesLogger(stream.buffer)


def _for_terminal(stream: TextIO) -> tuple[list[Any], object]:
    """Texts are quoted, so that none of them can steer the terminal."""

    def shorten_timestamp(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        event["timestamp"] = f"{event['timestamp']:%H:%M:%S}"
        return event

    renderer = structlog.dev.ConsoleRenderer(colors=False, repr_native_str=True, pad_event_to=20)
    return [shorten_timestamp, renderer], structlog.WriteLogger(stream)


def _to_json(event: structlog.types.EventDict, default: Callable[[Any], Any]) -> bytes:
    return msgspec.json.encode(event, enc_hook=default)


class LibraryLog(logging.Handler):
    """Writes that a library logged something; the message itself only if it cannot hold anything of a call."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line to the log of this service."""
        error = record.exc_info[1] if record.exc_info else None
        fields: dict[str, Any] = {"logger": record.name, "at": f"{record.module}:{record.lineno}"}
        if record.name in _SAFE_LOGGERS:
            fields["said"] = record.getMessage()
        if error is not None:
            fields |= {"error": type(error).__name__, "where": where_it_broke(error)}
        get_logger().log(record.levelno, "library", **fields)


def get_logger() -> Any:
    """The logger of this service."""
    return _LOGGER


def safe_instance(hook_instance: str) -> str:
    """A hookInstance that is a UUID, in lower case; `not a UUID` for any other."""
    return hook_instance.lower() if _UUID.fullmatch(hook_instance) else "not a UUID"


def where_it_broke(error: BaseException) -> list[str]:
    """File, line and function of the innermost frames. The message of an error is left out: it may hold data."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames][-_MAX_FRAMES:]
