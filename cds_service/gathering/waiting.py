"""A queue for a limited number of places: first come, first served, for as long as the caller can wait."""

import asyncio
from collections import deque
from collections.abc import Callable


class Places:
    """Counts who has a place. `has_room` says whether one more may be taken, and may depend on anything."""

    def __init__(self, has_room: Callable[[], bool]) -> None:
        self._has_room = has_room
        self._queue: deque[asyncio.Future[None]] = deque()
        self.taken = 0

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._queue)

    async def take(self, seconds: float | None) -> None:
        """Takes a place, at once or after waiting for at most so many seconds. Raises `TimeoutError`."""
        if not self._queue and self._has_room():
            self.taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # the place came in the moment of giving up
                self.give_back()
            else:
                self._queue.remove(turn)
            raise

    def give_back(self) -> None:
        """Gives a place back; whoever has waited longest takes it."""
        self.taken -= 1
        self.admit()

    def admit(self) -> None:
        """Gives places to those that wait, as far as there is room: to be called when there may be more of it."""
        waiting = [turn for turn in self._queue if not turn.done()]
        for turn in waiting:
            if not self._has_room():
                return
            self._queue.remove(turn)
            self.taken += 1
            turn.set_result(None)
