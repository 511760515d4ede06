"""What an engine is: something that runs tasks, and something that brings the lines of patients together."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol


class Mapper(Protocol):
    """Runs a function over tasks, in any order, wherever it likes."""

    def map(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The number of each task with its result, as they come."""

    def close(self) -> None:
        """Ends whatever was started; what has not begun is dropped."""
