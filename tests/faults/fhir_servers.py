"""FHIR servers that fail in every way a test or a table needs: each is told by what it does with a request."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cds_service.fhir.queries import QUERIES
from tests.loopback import Asked, Behave, http_answer
from tests.support import prefetch_for

PATIENT = "wanda-nitroglycerin"  # her nitroglycerin is a warning that a failed fetch must not turn into silence
OTHER = "ines-allergic"
DATA = prefetch_for(PATIENT)
TOKEN = "a-token-for-the-FHIR-server-alone"

_MARKS = {  # a code of each query for results
    "20642-5": "aminoAcids",
    "2160-0": "kidneyResults",
    "29463-7": "bodyMeasures",
    "3298-7": "acetaminophenLevels",
}


def key_of(asked: Asked) -> str:
    """Which of the queries a request is."""
    kind, codes = urlsplit(asked.target).path.removeprefix("/fhir/"), parse_qs(urlsplit(asked.target).query)
    if kind.startswith("Patient/"):
        return "patient"
    fitting = [query for query in QUERIES.values() if query.resource_type == kind]
    if len(fitting) == 1:
        return fitting[0].key
    return next(key for code, key in _MARKS.items() if f"|{code}" in codes["code"][0])


def answer_with(make: Callable[[Asked], Any], delay: float = 0) -> Behave:
    """Answers each request with JSON, after a while."""

    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(delay)
        writer.write(http_answer(json.dumps(make(asked), default=float).encode()))

    return behave


def sound(asked: Asked) -> Any:
    """What a sound server holds of the patient."""
    return DATA[key_of(asked)]


def raw(answer: bytes) -> Behave:
    """Answers each request with these bytes, and closes the connection."""

    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    return behave


async def never(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing."""
    await asyncio.sleep(3600)


async def drips(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """One byte a second."""
    for byte in http_answer(json.dumps(sound(asked), default=float).encode()):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


async def huge(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """A Bundle of 200 MB, in pieces of 64 KB."""
    size = 200 * 1024 * 1024
    writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\ncontent-length: {size}\r\n\r\n".encode())
    writer.write(b'{"resourceType": "Bundle", "entry": [')
    for _ in range(size // 65536):
        writer.write(b'{"resource": null},' * 3449)
        await writer.drain()


def endless(asked: Asked) -> Any:
    """Every page has a next one."""
    page = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    return {**page, "link": [{"relation": "next", "url": asked.target}]}


def next_elsewhere(address: str) -> Callable[[Asked], Any]:
    """The next page lies on another server."""

    def make(asked: Asked) -> Any:
        whole = sound(asked)
        return {**whole, "link": [{"relation": "next", "url": address}]} if "entry" in whole else whole

    return make


def wrong_types(asked: Asked) -> Any:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": {"resourceType": "Appointment"}}]}


def of_another_patient(asked: Asked) -> Any:
    """Her allergy is to acetylcysteine; where she has nothing, something that names her."""
    found, query = prefetch_for(OTHER)[key_of(asked)], QUERIES[key_of(asked)]
    if query.key == "patient" or found.get("entry"):
        return found
    hers = {"resourceType": query.resource_type, "id": "hers", "subject": {"reference": f"Patient/{OTHER}"}}
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": hers}]}


NO_ANSWERS: dict[str, Any] = {  # JSON that is no answer to a search or a read, and must not pass for "none on record"
    "null": None,
    "an empty object": {},
    "an empty list": [],
    "an empty string": "",
    "a Bundle without a type": {"resourceType": "Bundle"},
    "an empty Bundle without a type": {"resourceType": "Bundle", "total": 0, "entry": []},
    "a collection": {"resourceType": "Bundle", "type": "collection", "entry": []},
    "a history": {"resourceType": "Bundle", "type": "history", "total": 0},
    "a searchset that is no Bundle": {"resourceType": "List", "type": "searchset"},
    "a resource by itself": {"resourceType": "Basic", "id": "one"},
}
FAULTS: dict[str, Behave] = {
    **{name: raw(http_answer(json.dumps(answer).encode())) for name, answer in NO_ANSWERS.items()},
    "accepts and never answers": never,
    "one byte a second": drips,
    **{f"status {status}": raw(http_answer(b"no", status)) for status in (401, 403, 404, 429, 500)},
    "HTML instead of JSON": raw(http_answer(b"<html>Please log in</html>", kind="text/html")),
    "truncated JSON": raw(http_answer(b'{"resourceType": "Bundle", "entry": [')),
    "fewer bytes than announced": raw(http_answer(b"{}").replace(b"length: 2", b"length: 999")),
    "not HTTP": raw(b"\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n"),
    "closes at once": raw(b""),
    "a 200 MB Bundle": huge,
    "an endless chain of next": answer_with(endless),
    "wrong resource types": answer_with(wrong_types),
    "another patient's data": answer_with(of_another_patient),
    "a gzip bomb": raw(http_answer(gzip.compress(b" " * 100_000_000), content_encoding="gzip")),
    "a redirect": raw(http_answer(b"", 307, location="http://127.0.0.1:1/fhir")),
}
