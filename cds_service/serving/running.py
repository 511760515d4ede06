"""`run`: the service on one port, by one process or by several."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI

from cds_service.errors import CannotStart, PortTaken
from cds_service.serving.server import serve
from cds_service.serving.workers import Workers
from cds_service.settings import Settings, share_metrics

_REASONS = {
    errno.EADDRINUSE: "another program listens there. Stop it, or choose another port with --port.",
    errno.EADDRNOTAVAIL: "this machine has no such address.",
    errno.EACCES: "only root may use a port below 1024. Choose another port with --port.",
}


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to an address, on which nothing listens yet. Raises `PortTaken`."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.set_inheritable(True)
    try:
        listener.bind((host, port))
    except OSError as error:  # also where the host name is not known
        listener.close()
        raise PortTaken(
            f"{url_of(host, port)} cannot be served: {_REASONS.get(error.errno or 0, str(error.strerror))}"
        ) from None
    return listener


def url_of(host: str, port: int) -> str:
    """The address of a service, as a browser takes it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: FastAPI, settings: Settings, listener: socket.socket, workers: int, folder: Path | None) -> None:
    """Serves on a bound socket until SIGTERM or SIGINT. A single process serves `app`; several workers make their own,
    and share their counters in the folder."""
    share_metrics(folder)
    if folder is None:
        serve(app, settings, listener)
    else:
        Workers(settings, listener, workers).run()


@contextmanager
def shared_folder(workers: int) -> Iterator[Path | None]:
    """Where several workers share their counters; None for one. Raises `CannotStart` where nothing can be written, as
    in a container whose root is read-only and that has no tmpfs."""
    if workers == 1:
        yield None
        return
    try:
        folder = TemporaryDirectory(prefix="cds-metrics-")
    except OSError:
        raise CannotStart(
            "several workers share their counters in a temporary folder, and none can be written to. Name one in "
            "TMPDIR (in a container: mount a tmpfs at /tmp), or run one worker."
        ) from None
    with folder as name:
        yield Path(name)
