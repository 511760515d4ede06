"""Several worker processes on one listening socket: started, replaced when they die, and stopped together."""

import multiprocessing
import os
import signal
import socket
import sys
from collections import deque
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from threading import Thread
from time import monotonic

from cds_service.app import create_app, utc_now
from cds_service.errors import CdsServiceError
from cds_service.serving.server import serve
from cds_service.settings import Settings
from cds_service.telemetry.logs import configure, get_logger

_SPAWN = multiprocessing.get_context("spawn")
_POLL = 0.2  # seconds until a signal is noticed
_MOST_DEATHS, _SPAN = 5, 60.0  # of workers in so many seconds; beyond that another one would only die too
_GRACE = 1.0  # seconds beyond the time for stopping, after which a worker is killed
_STARTUP_FAILED = 3  # exit status of uvicorn where the app could not start


class Workers:
    """The parent process. It serves nothing itself."""

    def __init__(self, settings: Settings, listener: socket.socket, count: int) -> None:
        self._settings, self._listener, self._count = settings, listener, count
        self._processes: list[SpawnProcess] = []
        self._stopping = False
        self._deaths: deque[float] = deque(maxlen=_MOST_DEATHS)

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Exits with status 3 if a worker cannot start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._processes = [self._start_worker() for _ in range(self._count)]
        while not self._stopping and not self._has_failed():
            wait([process.sentinel for process in self._processes], timeout=_POLL)
            self._processes = [self._replace_if_dead(process) for process in self._processes]
        failed = self._has_failed()
        self._stop()
        if failed:
            get_logger().error("stopped", note="workers cannot start, or keep dying")
            sys.exit(_STARTUP_FAILED)

    def _on_signal(self, *_: object) -> None:
        self._stopping = True

    def _start_worker(self) -> SpawnProcess:
        process = _SPAWN.Process(target=_run_worker, args=(self._settings, self._listener))
        process.start()
        return process

    def _has_failed(self) -> bool:
        if len(self._deaths) == _MOST_DEATHS and self._deaths[-1] - self._deaths[0] < _SPAN:
            return True
        return any(process.exitcode == _STARTUP_FAILED for process in self._processes)

    def _replace_if_dead(self, process: SpawnProcess) -> SpawnProcess:
        if process.exitcode in (None, _STARTUP_FAILED) or self._stopping:
            return process
        full = {"hint": "is the temporary folder full?"} if process.exitcode == -signal.SIGBUS else {}
        get_logger().error("worker died", status=process.exitcode, **full)
        self._deaths.append(monotonic())
        return process if self._has_failed() else self._start_worker()

    def _stop(self) -> None:
        """The parent lets go of the socket first: connections in it then wait for workers, which accept them all."""
        self._listener.close()
        for process in self._processes:
            process.terminate()
        end = monotonic() + self._settings.shutdown_seconds + _GRACE
        for process in self._processes:
            process.join(max(end - monotonic(), 0))
            if process.exitcode is None:
                get_logger().error("worker killed", note="it did not stop in time")
                process.kill()
                process.join()


def _run_worker(settings: Settings, listener: socket.socket) -> None:
    """What a worker process does. It begins with nothing but its settings and the socket."""
    Thread(target=_stop_with_parent, daemon=True).start()
    configure(settings.log_level, utc_now)
    try:
        app = create_app(settings)
    except CdsServiceError as error:  # the parent has printed it, unless a file changed meanwhile
        get_logger().error("worker not started", error=type(error).__name__)
        sys.exit(_STARTUP_FAILED)
    serve(app, settings, listener)


def _stop_with_parent() -> None:
    """A worker whose parent was killed stops too, and does not go on holding the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
