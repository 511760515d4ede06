"""The Dask engine: the same tasks on several machines, by a scheduler that exists already or is started here.

What travels are names of files, counts and decisions. Every worker reads the export, and reads and writes the working
folder, under the same paths: both have to be on storage that all of them share.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import distributed

from cds_service.errors import ExportUnusable


class DaskMapper:
    """Runs tasks on the workers of a Dask scheduler; without an address, on a cluster of this machine."""

    def __init__(self, processes: int, scheduler: str) -> None:
        self._cluster = None
        if not scheduler:
            self._cluster = distributed.LocalCluster(
                n_workers=processes, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
            )
        try:
            self._client = distributed.Client(scheduler or self._cluster)
        except (OSError, ValueError):  # a wrong address is the one, nobody there the other
            raise ExportUnusable(f"No Dask scheduler answers at {scheduler}.") from None

    def map(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The number of each task with its result, as they come."""
        numbers = {self._client.submit(function, task, pure=False): number for number, task in enumerate(tasks)}
        for future in distributed.as_completed(list(numbers)):
            yield numbers.pop(future), future.result()  # popped: the scheduler forgets a result that nobody holds

    def close(self) -> None:
        """Leaves the scheduler; one that was started here ends."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()
