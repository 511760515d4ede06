"""What a killed service loses, and what recording costs: `python -m benchmarks.records full|calm|cost [URL]`.

`full`: two minutes of hooks and feedback at full load; the service is killed (SIGKILL) every 20 seconds.
`calm`: the same at a moderate load, as a service should run.
`cost`: the time of a call with and without recording, measured in turn on two otherwise identical services.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

import httpx

from tests.processes import PATIENCE, SERVICE, Service, free_port, wait_until_ready
from tests.records.databases import query
from tests.records.load import BODY, Load, service_at
from tests.support import ROOT, to_bytes

SECONDS, KILL_INTERVAL, CALLS = 120, 20, 1500
UNRECORDED = """
import sys, uvicorn
from cds_service.app import create_app, utc_now
from cds_service.telemetry.logs import configure
from cds_service.settings import Settings
from tests.support import Unrecorded
configure("warning", utc_now)
uvicorn.run(create_app(Settings(), records=Unrecorded()), port=int(sys.argv[1]), log_level="warning", access_log=False)
"""


def kills(database: str, pause: float = 0) -> None:
    """Prints what was sent, acknowledged and stored, and how long before a kill the oldest lost card was shown."""
    load, killed = Load([], pause=pause), []
    port = free_port()
    load.addresses = [f"http://127.0.0.1:{port}"]
    with load.running():
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            with service_at(database, port) as service:
                time.sleep(min(KILL_INTERVAL, max(0, end - time.monotonic())))
                if time.monotonic() < end:
                    killed.append(time.monotonic())
                    service.end(signal.SIGKILL)
                else:
                    load.ends = True
                    service.end(signal.SIGTERM)
    _print_kills(load, killed, database)


def _print_kills(load: Load, killed: list[float], database: str) -> None:
    feedback = [card for (card,) in query(database, "SELECT card_uuid FROM feedback")]
    stored = {card for (card,) in query(database, "SELECT uuid FROM shown_cards")}
    lost = [shown for card, shown in load.cards.items() if card not in stored]
    ages = [min((kill - shown) * 1000 for kill in killed if kill - shown > -1) for shown in lost]
    print(f"kills: {len(killed)}; responses by status: {load.statuses}")
    print(f"feedback: sent {len(load.sent)}, acknowledged {len(load.acknowledged)}, stored {len(feedback)}")
    print(f"feedback acknowledged and not stored: {len(set(load.acknowledged) - set(feedback))}")
    print(f"feedback stored twice: {len(feedback) - len(set(feedback))}")
    print(f"cards: shown {len(load.cards)}, stored {len(stored)}, lost {len(lost)}")
    print(f"oldest card lost, ms before the kill: {max(ages, default=0):.0f}")


def cost(database: str) -> None:
    """Prints the time of a call with and without recording, and their ratio."""
    port = free_port()
    words = [sys.executable, "-c", UNRECORDED, str(port)]
    with service_at(database) as recorded, subprocess.Popen(words, cwd=ROOT) as process:
        plain = Service(process, port, Path(os.devnull))
        wait_until_ready(plain)
        times = _in_turns([recorded.address, plain.address])
        plain.end(signal.SIGTERM)
        recorded.end(signal.SIGTERM)
    ratio = median(times[0]) / median(times[1])
    for name, durations in zip(("with", "without"), times, strict=True):
        p95 = quantiles(durations, n=20)[-1]
        print(f"{name} recording: median {median(durations):.2f} ms, p95 {p95:.2f} ms of {len(durations)} calls")
    print(f"ratio of the medians: {ratio:.3f}")


def _in_turns(addresses: list[str]) -> list[list[float]]:
    times: list[list[float]] = [[], []]
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        for turn in range(CALLS * 2):
            body = to_bytes({**BODY, "hookInstance": str(uuid4())})
            start = time.perf_counter()
            response = client.post(addresses[turn % 2] + SERVICE, content=body)
            times[turn % 2].append((time.perf_counter() - start) * 1000)
            response.raise_for_status()
    return [durations[50:] for durations in times]  # the first calls warm up


if __name__ == "__main__":
    url = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{Path(tempfile.mkdtemp()) / 'records.sqlite3'}"
    {"full": kills, "calm": partial(kills, pause=0.2), "cost": cost}[sys.argv[1]](url)
    print(f"CDS_DATABASE_URL={url} cds-service report")
