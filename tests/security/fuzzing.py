"""Sends the whole app, in process, bodies that nobody would send: `python -m tests.security.fuzzing --bodies 1000000`.

A body is a request of the fixtures with parts replaced, moved or broken, any JSON, or bytes that are no JSON; its FHIR
server answers with as little sense. Every call has to be answered with a status that the documents name, and no refusal
may repeat anything of the body. The same seed and numbers give the same bodies.
"""

import argparse
import asyncio
import copy
import gc
import io
import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr
from datetime import datetime
from pathlib import Path
from time import perf_counter

import httpx
import msgspec

from cds_service.app import create_app, utc_now
from cds_service.telemetry.logs import configure
from tests.security.calling import all_at_once, call
from tests.support import CONTENT, FIXTURES, HOOKS, NOW, VERIFY, Body, Json, counted_ids, every_service

MARK = "MARK-of-the-fuzzer"
EXPECTED = frozenset((200, 400, 412, 413, 415))  # documented in docs/integrating.md, and nothing above 499
_CALLED = (*HOOKS, VERIFY)
SEEDS = [path.read_bytes() for folder in ("requests", "unusual") for path in sorted((FIXTURES / folder).glob("*.json"))]
SERVER = "http://127.0.0.1/fhir"  # never called: a stand-in at the transport answers for it
TELLING: list[Json] = [
    *("Bundle", "MedicationRequest", "Observation", "OperationOutcome", "Patient", "entry", "resource", "reference"),
    *("acetylcysteine", "final", "mg", "umol/L", "d", "2026-11-20", "2026", "http://loinc.org", "20642-5", "Patient/x"),
    *("2026-11-20T25:61:00Z", "9999-12-31", "0001-01-01T00:00:00+14:00", "\u0000", "\u202e", "<b>", "|", "x" * 5000),
    *(0, -1, 1, 10**30, -(10**400), 0.1, 1e308, 5e-324, True, False, None, "", " "),
    *(SERVER, f"{SERVER}/Medication/1", "https://ehr.example.org/fhir", "urn:uuid:1", "#1", MARK),
]
RAW = [b"NaN", b"1e999999999", b"9" * 400, b'"\\ud800"', b'"\xff"', b"[" * 200, b"\x00", b"{", b"}", b'"', b","]


class Fuzzer:
    """Makes one body after another from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.kinds: list[Callable[[], bytes]] = [
            *[self.changed] * 4,
            *[self.changed_envelope] * 4,
            *[self.broken] * 3,
            *[self.any_member] * 3,
            *[self.any_body] * 3,
            *[self.any_bytes] * 3,
        ]

    def body(self) -> bytes:
        """The next body."""
        return self.random.choice(self.kinds)()

    def changed(self) -> bytes:
        """A request of the fixtures with one to six changes."""
        return self._encoded(self._inside(self._request()))

    def changed_envelope(self) -> bytes:
        """A request without most of its prefetch, so that the changes hit the orders and the FHIR server is asked."""
        body = self._request()
        prefetch = body.get("prefetch") or {}
        kept = self.random.sample(sorted(prefetch), k=min(len(prefetch), self.random.randint(0, 2)))
        body["prefetch"] = {key: prefetch[key] for key in kept}
        return self._encoded(self._inside(body))

    def broken(self) -> bytes:
        """The bytes of a request with some of them lost, doubled, changed or replaced by what is no JSON."""
        body = bytearray(self.random.choice(SEEDS))
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(body))
            until = at + self.random.choice((0, 1, 2, 40, len(body)))
            new = self.random.choice((b"", bytes(body[at:until]) * 2, self.random.randbytes(2), self._raw()))
            body[at:until] = new
            if not body:
                break
        return bytes(body)

    def any_member(self) -> bytes:
        """A small request with any JSON in one place."""
        hook = self.random.choice(_CALLED)
        context = {
            "patientId": "p",
            "draftOrders": self.any_json(),
            "medications": self.any_json(),
            "medication": self.any_json(),
            "order": self.any_json(),
            "selections": self.any_json(),
        }
        body = {
            "hook": hook,
            "hookInstance": "one",
            "context": context,
            "prefetch": self.any_json(),
            "fhirServer": SERVER,
        }
        return self._encoded(self.change(body, 1))

    def any_body(self) -> bytes:
        """Any JSON."""
        return self._encoded(self.any_json())

    def any_bytes(self) -> bytes:
        """Bytes, and pieces of JSON in no order."""
        pieces = [self.random.choice((self._raw(), self.random.randbytes(8))) for _ in range(self.random.randint(0, 9))]
        return b"".join(pieces)

    def any_json(self, depth: int = 0) -> Json:
        """Any JSON value, of words that mean something to the service."""
        kind = self.random.random()
        if depth > 4 or kind < 0.5:
            return self.random.choice(TELLING)
        some = range(self.random.randint(0, 4))
        if kind < 0.7:
            return [self.any_json(depth + 1) for _ in some]
        return {str(self.random.choice(TELLING))[:40]: self.any_json(depth + 1) for _ in some}

    def _request(self) -> Body:
        body: Body = msgspec.json.decode(self.random.choice(SEEDS))
        if self.random.random() < 0.5:
            body["fhirServer"] = SERVER
            body["fhirAuthorization"] = {"access_token": MARK, "token_type": "Bearer"}
        return body

    def _inside(self, body: Body) -> Body:
        """The request with one to six changes, nearly all of them in its orders or its prefetch."""
        context, name = body["context"], self.random.choice(("draftOrders", "medications", "medication"))
        for _ in range(self.random.randint(1, 6)):
            where = self.random.random()
            if where < 0.5 and name in context:
                context[name] = self.change(context[name], 1)
            elif where < 0.95 and body.get("prefetch"):
                body["prefetch"] = self.change(body["prefetch"], 1)
            elif where > 0.95:
                changed: Body = self.change(body, 1)
                return changed
        return body

    def change(self, value: Json, times: int) -> Json:
        """The value with so many changes somewhere inside it."""
        for _ in range(times):
            value = self._changed_once(value)
        return value

    def _changed_once(self, value: Json) -> Json:
        """The value with one change somewhere inside it."""
        if not isinstance(value, dict | list) or not value or self.random.random() < 0.08:
            return self.any_json()
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = self.random.choice(keys)
        what = self.random.random()
        if what < 0.85:
            value[key] = self._changed_once(value[key])
        elif what < 0.90:
            del value[key]
        elif what < 0.95:
            value[key] = [value[key], self.any_json()]
        elif isinstance(value, dict):
            value[str(self.random.choice(TELLING))[:40]] = copy.deepcopy(value[key])
        else:
            value.append(copy.deepcopy(value[key]))
        return value

    def _raw(self) -> bytes:
        return self.random.choice(RAW) if self.random.random() < 0.5 else self._encoded(self.any_json())

    def _encoded(self, value: Json) -> bytes:
        return json.dumps(value).encode() if self.random.random() < 0.1 else _encode(value)


def _encode(value: Json) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (OverflowError, UnicodeEncodeError):  # integers and texts that only the standard library writes
        return json.dumps(value).encode()


class FuzzedFhirServer:
    """Answers in place of a FHIR server, with the prefetch of somebody, any JSON, or bytes."""

    def __init__(self, fuzzer: Fuzzer) -> None:
        self.fuzzer, self.asked = fuzzer, 0

    def answer(self, _request: httpx.Request) -> httpx.Response:
        """An answer of any kind, at once."""
        self.asked += 1
        choose = self.fuzzer.random
        kind = choose.random()
        if kind < 0.05:
            raise httpx.ConnectError(MARK)
        if kind < 0.15:
            return httpx.Response(choose.choice((204, 301, 401, 404, 500)), headers={"Location": SERVER})
        if kind < 0.3:
            return _answer(self.fuzzer.any_bytes())
        if kind < 0.5:
            return _answer(self.fuzzer.any_body())
        body = msgspec.json.decode(choose.choice(SEEDS))
        answers = list((body.get("prefetch") or {"": None}).values())
        return _answer(_encode(self.fuzzer.change(choose.choice(answers), choose.randint(0, 3))))


def _answer(body: bytes) -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(body))


class Fuzzed:
    """The app with a fixed clock, and what became of every body that it was sent."""

    def __init__(self, seed: int, now: Callable[[], datetime] = lambda: NOW) -> None:
        self.fuzzer = Fuzzer(seed)
        self.server = FuzzedFhirServer(self.fuzzer)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.server.answer))
        self.app = create_app(every_service(), CONTENT, now=now, new_id=counted_ids(), http=http)
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []

    async def send(self, bodies: int) -> None:
        """Sends so many bodies, one after another."""
        for _ in range(bodies):
            body = self.fuzzer.body()
            hook = self.fuzzer.random.choice(_CALLED)
            path = f"/cds-services/acetylcysteine-{_hook_in(body) or hook}"
            reply = await call(self.app, path, all_at_once(body))
            self.statuses[reply.status] += 1
            if problem := problem_of(reply.status, reply.body):
                self.failures.append(f"{problem}: {body[:2000]!r}")


def _hook_in(body: bytes) -> str:
    return next((hook for hook in _CALLED if b'"hook":"%b"' % hook.encode() in body.replace(b": ", b":")[:2000]), "")


def problem_of(status: int, answer: bytes) -> str:
    """What is wrong with an answer; empty if nothing is."""
    if status not in EXPECTED:
        return f"status {status}"
    try:
        parsed = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return "the answer is no JSON"
    if status == 200 and not all(len(card["summary"]) < 140 for card in parsed["cards"]):
        return "a card with a long summary"
    if status != 200 and (parsed["resourceType"] != "OperationOutcome" or MARK.encode() in answer):
        return "a refusal that is no OperationOutcome, or repeats the body"
    return ""


def memory() -> float:
    """The memory that the process holds now, in MiB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


async def run(bodies: int, seed: int, steps: int = 20) -> list[str]:
    """Sends the bodies and prints, step by step, how many, how fast, with which statuses and how much memory."""
    fuzzed, started = Fuzzed(seed), perf_counter()
    for step in range(1, steps + 1):
        await fuzzed.send(bodies // steps)
        sent, seconds = bodies // steps * step, perf_counter() - started
        counts = " ".join(f"{status}:{count}" for status, count in sorted(fuzzed.statuses.items()))
        print(f"{sent:>9,} bodies {seconds:7.0f} s {memory():6.1f} MiB  {counts}", flush=True)
    return fuzzed.failures


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    log = io.BytesIO()
    with redirect_stderr(io.TextIOWrapper(log)) as stream:
        configure("error", utc_now)  # a bug leaves a line here, with the place where it broke
    failures = asyncio.run(run(asked.bodies, asked.seed))
    for failure in failures[:20]:
        print(failure)
    print(log.getvalue().decode(), end="")
    stream.detach()
    raise SystemExit(f"{len(failures)} of {asked.bodies} bodies were not answered as documented" if failures else 0)


if __name__ == "__main__":
    main()
