"""Admitting calls: no more at once than one process can answer in time."""

from cds_service.errors import Busy


class Gate:
    """Counts the calls that are being answered. Bodies on their way do not count: a slow sender takes no place."""

    def __init__(self, most: int) -> None:
        self._most, self._inside = most, 0

    def __enter__(self) -> None:
        """A place while a call is answered. Raises `Busy` if there is none."""
        if self._inside >= self._most:
            raise Busy
        self._inside += 1

    def __exit__(self, *_: object) -> None:
        """The place is free again."""
        self._inside -= 1
