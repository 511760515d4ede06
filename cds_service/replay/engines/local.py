"""The local engine: a pool of processes on this machine, by the standard library."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any


class LocalMapper:
    """Runs tasks in a pool of processes; with one process, in this one."""

    def __init__(self, processes: int) -> None:
        self._pool = None
        if processes > 1:
            self._pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _ignore_interrupts)

    def map(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The number of each task with its result, as they come."""
        if self._pool is None:
            yield from enumerate(map(function, tasks))
            return
        numbers = {self._pool.submit(function, task): number for number, task in enumerate(tasks)}
        for future in as_completed(numbers):
            yield numbers[future], future.result()

    def close(self) -> None:
        """Ends the pool; what has not begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal: the first one alone answers to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
