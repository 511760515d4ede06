"""A FHIR server that costs little: small answers about one patient after a delay, or none at all.

`python -m benchmarks.fhir_server PORT DELAY_MS` (a negative delay: it takes requests and never answers).
"""

import asyncio
import json
import sys
from functools import cache
from typing import cast

from tests.faults.fhir_servers import key_of
from tests.loopback import http_answer, read_head
from tests.support import prefetch_for, to_bytes

PATIENT = "bruno-glutamate-normal"
DATA = prefetch_for(PATIENT)
_END = b"\r\n\r\n"


@cache
def _answer(head: bytes) -> bytes:
    return http_answer(to_bytes(DATA[key_of(read_head(head.decode("latin-1")))]))


def _answer_batch(body: bytes) -> bytes:
    entries = [
        {
            "response": {"status": "200 OK"},
            "resource": DATA[key_of(read_head(f"GET /fhir/{entry['request']['url']} HTTP/1.1"))],
        }
        for entry in json.loads(body)["entry"]
    ]
    return http_answer(to_bytes({"resourceType": "Bundle", "type": "batch-response", "entry": entries}))


class _Connection(asyncio.Protocol):
    def __init__(self, delay: float) -> None:
        self._delay, self._unread, self._transport = delay, b"", asyncio.Transport()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while _END in self._unread:
            head, _, rest = self._unread.partition(_END)
            size = int(read_head(head.decode("latin-1")).headers.get("content-length", "0"))
            if len(rest) < size:
                return
            self._unread = rest[size:]
            if self._delay >= 0:
                answer = _answer_batch(rest[:size]) if size else _answer(head.partition(b"\r\n")[0] + b"\r\n")
                asyncio.get_running_loop().call_later(self._delay, self._send, answer)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def serve(port: int, delay: float) -> None:
    """Serves until it is stopped. `delay` is in seconds."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(delay), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
