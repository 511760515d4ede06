"""Response times while the FHIR server is slow or faulty: `python -m benchmarks.fhir_faults`.

The deadline for all FHIR queries of a call is 400 ms. Each call is sent once to warm up and then five times.
"""

import logging
import statistics
import time
from collections.abc import Iterator

import httpx
import structlog

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.faults.fhir_servers import DATA, FAULTS, TOKEN, answer_with, sound
from tests.loopback import Behave, Loopback, running, serving
from tests.support import CONTENT, NOW, ids_of, request_for, to_bytes

SERVERS: dict[str, Behave] = {
    "sound, at once": answer_with(sound),
    "sound, 100 ms a query": answer_with(sound, delay=0.1),
    "sound, 300 ms a query": answer_with(sound, delay=0.3),
    **FAULTS,
}


def rows(service: str) -> Iterator[str]:
    """A row for each FHIR server: status, cards, median and longest time in ms."""
    for name, behave in SERVERS.items():
        with running(Loopback(behave)) as server, httpx.Client(timeout=20) as client:
            body = request_for("wanda-nitroglycerin", prefetch={"patient": DATA["patient"]})
            body |= {"fhirServer": server.base, "fhirAuthorization": {"access_token": TOKEN}}
            times = []
            for _ in range(6):
                start = time.perf_counter()
                response = client.post(f"{service}/cds-services/acetylcysteine-order-sign", content=to_bytes(body))
                times.append((time.perf_counter() - start) * 1000)
            cards = ", ".join(ids_of(response.json()["cards"]))
        yield f"| {name} | {response.status_code} | {cards} | {statistics.median(times[1:]):.0f} | {max(times):.0f} |"


def main() -> None:
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    print("| FHIR server | status | cards | median ms | longest ms |\n| --- | --- | --- | --- | --- |")
    with serving(create_app(Settings(), CONTENT, now=lambda: NOW)) as service:
        for row in rows(service):
            print(row, flush=True)


if __name__ == "__main__":
    main()
