"""Clients that call the service without a pause."""

import http.client
import ssl
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.processes import BODY, PATIENCE, SERVICE, new_connection, wait_until


@dataclass
class Load:
    """Clients that send one call after another. They try again only where a connection was refused."""

    ports: Sequence[int]
    keep_alive: bool
    tls: ssl.SSLContext | None = None
    token: str = ""
    statuses: Counter[int] = field(default_factory=Counter)
    dropped: list[str] = field(default_factory=list)
    refused: int = 0
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, clients: int) -> None:
        """Starts so many clients."""
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, answers: int) -> None:
        """Waits until so many more calls were answered; fails if they never are."""
        enough = self.statuses.total() + answers
        wait_until(lambda: self.statuses.total() >= enough, lambda: f"{self.statuses} {self.dropped[:3]}")

    def end(self) -> None:
        """Ends the clients, each after the call that it has begun."""
        self._end.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _run(self, number: int) -> None:
        connection, at = None, number
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        while not self._end.is_set():
            if connection is None:
                connection, at = self._connect(at), at + 1
                continue
            try:
                connection.request("POST", SERVICE, BODY, headers)
                response = connection.getresponse()
                response.read()
                self.statuses[response.status] += 1
                goes_on = self.keep_alive and not response.will_close
            except (OSError, http.client.HTTPException) as error:
                self.dropped.append(repr(error))
                goes_on = False
            if not goes_on:
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _connect(self, at: int) -> http.client.HTTPConnection | None:
        connection = new_connection(self.ports[at % len(self.ports)], self.tls)
        try:
            connection.connect()
        except ConnectionRefusedError:
            self.refused += 1
            time.sleep(0.005)
            return None
        return connection
