"""Serving: one process or several, and an end at which no request is dropped.

Left alone, the server closes its socket while connections wait in it, and closes connections whose request it has not
read yet: their clients see a reset. Here the socket is first told to begin no new connection (a client's system tries
again, and is refused once the socket is closed); those that have begun are taken in; each answer from then on says that
its connection closes; and whoever is connected has a moment to send what is on its way.
"""

import asyncio
import ctypes
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI
from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess, multiprocess

from cds_service.app import create_app, utc_now
from cds_service.serving.protocol import SERVER
from cds_service.settings import Settings, share_metrics
from cds_service.telemetry.logs import configure

_HANDSHAKES = 0.1  # seconds in which a connection that has begun is there
_LAST_REQUESTS = 1.0  # seconds in which a connection that is open may still send a request
_LOOK_AGAIN = 0.02
_SO_ATTACH_FILTER = 26
# A filter of the kernel (classic BPF) over the TCP header: operation, jump if true, jump if false, operand.
_ONLY_WITH_ACK = (
    (0x30, 0, 0, 13),  # load the byte of flags
    (0x45, 0, 1, 0x10),  # is ACK set?
    (0x06, 0, 0, 0xFFFFFFFF),  # yes: keep the packet
    (0x06, 0, 0, 0),  # no: drop it
)


class DrainingServer(Server):
    """A server that ends as this module says."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes in who waits, lets them finish, and only then does what every server does."""
        if self.config.workers == 1:  # of several workers, the parent has done it for all
            _begin_no_more(sockets or [])
        await asyncio.sleep(_HANDSHAKES)
        waiting = [one.dup() for one in sockets or []]
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        for listener in waiting:
            for connection in _accepted(listener):
                await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        self._say_that_connections_close()
        await self._until_closed()
        await super().shutdown()

    def _say_that_connections_close(self) -> None:
        """In each answer from now on, those to calls under way too: a client then sends nothing more on it."""
        headers = [*self.server_state.default_headers, (b"connection", b"close")]
        self.server_state.default_headers = headers
        for connection in self.server_state.connections:
            if (under_way := getattr(connection, "cycle", None)) is not None:
                under_way.default_headers = headers

    def _protocol(self) -> Any:
        kind: Any = self.config.http_protocol_class
        return kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def _until_closed(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_REQUESTS):
                while self.server_state.connections and not self.force_exit:
                    await asyncio.sleep(_LOOK_AGAIN)


def _begin_no_more(listeners: Sequence[socket.socket]) -> None:
    """Has the kernel pass over each first packet of a connection (SYN without ACK) to these sockets. Linux only;
    elsewhere a connection that begins in the moment of closing may be reset."""
    if not sys.platform.startswith("linux"):
        return
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in _ONLY_WITH_ACK))
    program = struct.pack("HP", len(_ONLY_WITH_ACK), ctypes.addressof(code))
    for one in listeners:
        one.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _accepted(listener: socket.socket) -> list[socket.socket]:
    """Every connection that waits; then the socket is closed, with nothing between the last look and that."""
    found = []
    with listener:
        listener.setblocking(False)
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # none is left
                break
            connection.setblocking(False)
            found.append(connection)
    return found


class _Worker(multiprocess.Process):
    @property
    def server(self) -> Server:
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server


class _Workers(Multiprocess):
    """Starts the workers, starts another for each that dies, and stops them all."""

    def terminate_all(self) -> None:
        """The parent holds the socket too. Unless it lets go, connections would wait where nobody takes them in."""
        _begin_no_more(self.sockets)
        for one in self.sockets:
            one.close()
        super().terminate_all()


multiprocess.Process = _Worker  # type: ignore[misc]  # uvicorn has no other way to be told which server a worker runs


def run(app: FastAPI, settings: Settings, host: str, port: int, workers: int, listening: Callable[[], None]) -> None:
    """Serves until it is told to stop. With one worker this process serves `app`; several make their own.
    `listening` is called once the port is had: where it is taken, nothing must say that the service is there."""
    if workers == 1:
        share_metrics(None)
        config = _config(app, settings, host, port)
        sockets = [config.bind_socket()]
        listening()
        DrainingServer(config).run(sockets)
        return
    with TemporaryDirectory(prefix="cds-metrics-") as folder:
        share_metrics(Path(folder))
        config = _config(partial(app_of_worker, settings), settings, host, port, factory=True, workers=workers)
        sockets = [config.bind_socket()]
        listening()
        _Workers(config, sockets).run()


def _config(app: Any, settings: Settings, host: str, port: int, **more: Any) -> Config:
    return Config(
        app,
        host=host,
        port=port,
        **SERVER,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        **more,
    )


def app_of_worker(settings: Settings) -> FastAPI:
    """The app of one of several workers, each a process that begins with nothing but its settings."""
    configure(settings.log_level, utc_now)
    return create_app(settings)
