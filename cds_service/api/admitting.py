"""Admission: how many calls one process answers at the same time."""

from cds_service.errors import Busy


class Gate:
    """Counts the calls being answered. A body still on its way does not count, so a slow sender takes nobody's place.

    Use it as a context manager; entering raises `Busy` when `limit` calls are already inside.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._inside = limit, 0

    def __enter__(self) -> None:
        if self._inside >= self._limit:
            raise Busy
        self._inside += 1

    def __exit__(self, *_: object) -> None:
        self._inside -= 1
