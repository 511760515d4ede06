"""`run`: the service on one port, by one process or by several."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI
from uvicorn import Config

from cds_service.errors import CannotStart
from cds_service.serving.protocol import CONFIG
from cds_service.serving.server import serve
from cds_service.serving.workers import Workers
from cds_service.settings import Settings, share_metrics

_LAST_PORT = 65_535


def run(app: FastAPI, settings: Settings, host: str, port: int, workers: int, on_bound: Callable[[], None]) -> None:
    """Serves until SIGTERM or SIGINT. A single process serves `app`; workers make their own. Calls `on_bound` once the
    port is bound, and exits with status 3 if it is taken. Raises `CannotStart`."""
    if not 0 <= port <= _LAST_PORT:
        raise CannotStart(f"there is no port {port}: it is a number from 0 to {_LAST_PORT}")
    listener = Config(app, host=host, port=port, **CONFIG).bind_socket()
    on_bound()
    if workers == 1:
        share_metrics(None)
        serve(app, settings, listener)
        return
    try:
        shared = TemporaryDirectory(prefix="cds-metrics-")
    except OSError as error:
        raise CannotStart(f"workers share their counters in the temporary folder: {error.strerror} (TMPDIR)") from None
    with shared as folder:
        share_metrics(Path(folder))
        Workers(settings, listener, workers).run()
