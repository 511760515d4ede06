"""The local engine: a pool of processes on this machine, by the standard library."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any


class LocalMapper:
    """Runs tasks in a pool of processes; with one process, in this one."""

    def __init__(self, processes: int) -> None:
        self._pool = None
        if processes > 1:
            self._pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _end_with_parent)

    def map(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The number of each task with its result, as they come."""
        if self._pool is None:
            yield from enumerate(map(function, tasks))
            return
        numbers: dict[Future[Any], int] = {}
        with _interrupts_ignored():  # the first task starts the processes
            for number, task in enumerate(tasks):
                numbers[self._pool.submit(function, task)] = number
        for future in as_completed(list(numbers)):
            yield numbers.pop(future), future.result()

    def close(self) -> None:
        """Ends the pool; what has not begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Ends this process when the one that started it is gone, however that came: nobody else would."""
    threading.Thread(target=_wait_for_end_of_parent, daemon=True).start()


def _wait_for_end_of_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes that are started meanwhile ignore Ctrl-C, which reaches all of a terminal: the first answers to it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
