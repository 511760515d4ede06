"""One server process, which loses no call when it is told to stop.

Left alone, uvicorn closes its listening socket while connections wait in it, and closes connections whose request it
has not read yet; their clients see a reset. `DrainingServer` accepts the connections that wait before it closes the
socket, announces the end of each connection in its next response, and gives open connections a moment to send what is
on its way. Only then does it stop as uvicorn does, which waits for the calls under way.
"""

import asyncio
import os
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Any, cast

from fastapi import FastAPI
from uvicorn import Config, Server

from cds_service.api.runtime import runtime_of
from cds_service.serving.protocol import CONFIG, GuardedProtocol
from cds_service.serving.transports import Descriptors, SlowReaders
from cds_service.settings import Settings
from cds_service.telemetry.logs import get_logger

_LAST_REQUESTS = 1.0  # seconds, at most, in which an open connection may still send a request
_SHARES = (0.2, 0.4)  # of the time for stopping: for last requests, and for calls in progress; what is left is to close
_POLL = 0.02  # seconds
_MAX_WAITING = 4096  # connections; twice the backlog of the listening socket


class DrainingServer(Server):
    """A uvicorn server with another way to stop."""

    last_requests = _LAST_REQUESTS  # seconds
    most_seconds: float | None = None  # for stopping; None: as long as it takes

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to stop; a second Ctrl-C stops at once. Unlike uvicorn's, it ends with status 0, not by the signal."""
        self.force_exit = self.force_exit or (self.should_exit and sig == signal.SIGINT)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drains the listening sockets and the open connections, and stops."""
        if self.most_seconds is not None:
            _end_after(self.most_seconds)
        listeners = [listener.dup() for listener in sockets or []]  # connections go on waiting in these
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        loop = asyncio.get_running_loop()
        for connection in [connection for listener in listeners for connection in accept_waiting(listener)]:
            await loop.connect_accepted_socket(self._new_protocol, connection)
        for protocol in self.server_state.connections:
            cast(GuardedProtocol, protocol).end_keep_alive()
        await self._until_no_connections()
        await super().shutdown()

    def _new_protocol(self) -> GuardedProtocol:
        protocol = cast(type[GuardedProtocol], self.config.http_protocol_class)
        return protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def _until_no_connections(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.last_requests):
                while self.server_state.connections and not self.force_exit:
                    await asyncio.sleep(_POLL)


def accept_waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """Accepts every connection that waits, and then closes the listening socket at once.

    A connection that is made between the last `accept` and `close`, a few microseconds, is reset.
    """
    listener.setblocking(False)
    with listener:
        for _ in range(_MAX_WAITING):
            try:
                connection, _ = listener.accept()
            except OSError:  # none is left
                return
            connection.setblocking(False)
            yield connection


def _end_after(seconds: float) -> None:
    """Ends this process then, if it is still there: a database that hangs can hold up its driver for longer."""

    def end() -> None:
        get_logger().error("stopped late", note="something did not end in time")
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def serve(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    """Serves an app on a bound socket until SIGTERM or SIGINT."""
    options = {**CONFIG, "http": _protocol_of(app, settings)}
    requests, calls = (share * settings.shutdown_seconds for share in _SHARES)
    config = Config(app, **options)
    config.timeout_graceful_shutdown = cast(Any, calls)  # fractions of a second too
    server = DrainingServer(config)
    server.last_requests = min(requests, _LAST_REQUESTS)
    server.most_seconds = settings.shutdown_seconds
    server.run([listener])


def _protocol_of(app: FastAPI, settings: Settings) -> type[GuardedProtocol]:
    """The protocol with what the connections of one process share."""
    metrics = runtime_of(app).metrics

    def on_closed() -> None:
        metrics.count_unread_answer()
        get_logger().warning("answer not read", note="the connection was closed")

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    def on_scarce() -> None:
        note = "soon connections will be reset: raise the limit (ulimit -n)"
        get_logger().error("file descriptors scarce", limit=limit, note=note)

    class Protocol(GuardedProtocol):
        """The same, of this process."""

        slow_readers = SlowReaders(settings.max_held_bytes, on_closed)
        descriptors = Descriptors(limit, on_scarce)

    return Protocol
