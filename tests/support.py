"""What the tests share: the invented people and orders as whole requests, and a client with a fixed clock."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI
from starlette.testclient import TestClient

from cds_service.answering import Answer, answer
from cds_service.api.runtime import Runtime, runtime_of
from cds_service.app import create_app
from cds_service.clinical.orders.drafts import DraftOrders, read_orders
from cds_service.clinical.orders.drugs import is_medication_order
from cds_service.content.examples import order_for, read_json
from cds_service.content.loading import load_content
from cds_service.feedback.records import Records
from cds_service.fhir.json import objects
from cds_service.fhir.queries import FOR_TREATMENTS
from cds_service.fhir.searching import prefetch_from
from cds_service.fhir.versions.elements import subjects_of
from cds_service.guidance.model import Content
from cds_service.hooks.discovery import SERVICES
from cds_service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
CARDS, FIXTURES = ROOT / "cards", ROOT / "fixtures"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PATIENTS = sorted(path.stem for path in (FIXTURES / "patients").glob("*.json"))
ORDERS = sorted(path.stem for path in (FIXTURES / "orders").glob("*.json"))
CONTENT = load_content(CARDS)
VOCABULARY = CONTENT.vocabulary
HOOKS = ("medication-prescribe", "order-select", "order-sign")  # those of services that are always on
VERIFY, PATIENT_VIEW = "medication-verify", "patient-view"
SERVICE_OF = {hook: service_id for service_id, hook in SERVICES.items()}
MONITORED = ROOT / "tests" / "monitoring.site.toml"
BUNDLE_OF = {"medication-prescribe": "medications", "order-select": "draftOrders", "order-sign": "draftOrders"}
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"

Json = Any
Body = dict[str, Any]
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class CountedIds:
    """Ids in the form of UUIDs, counted from 1: every run makes the same ones in the same order."""

    def __init__(self) -> None:
        self.restart()

    def __call__(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._numbers):012x}"

    def restart(self) -> None:
        """Counts from 1 again."""
        self._numbers = count(1)


def counted_ids() -> Callable[[], str]:
    """Ids counted from 1."""
    return CountedIds()


class Unrecorded(Records):
    """In place of the records, for the many tests that are about something else: nothing is opened or kept."""

    def __init__(self) -> None:
        """Without a database."""

    @property
    def is_up(self) -> bool:
        """Always."""
        return True

    async def __aenter__(self) -> "Unrecorded":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def add_answer(self, *_: object) -> None:
        """Keeps nothing."""

    def add_cards(self, *_: object) -> None:
        """Keeps nothing."""

    async def save_feedback(self, *_: object) -> None:
        """Keeps nothing."""

    async def is_new_token(self, *_: object) -> bool:
        """Always: the process remembers for itself."""
        return True


def new_client(
    settings: Settings | None = None,
    content: Content = CONTENT,
    records: Records | None = None,
    new_id: Callable[[], str] | None = None,
    http: httpx.AsyncClient | None = None,
) -> TestClient:
    """A client of a service whose clock stands still. A bug in the service is a 500, not an exception here."""
    app = create_app(
        settings or Settings(),
        content,
        now=lambda: NOW,
        new_id=new_id or counted_ids(),
        http=http,
        records=records or Unrecorded(),
    )
    return TestClient(app, raise_server_exceptions=False)


def every_service(**others: Any) -> Settings:
    """Settings with every service on, also those that a site has to switch on."""
    return Settings(**{"medication_verify": True, "site": MONITORED, **others})


def runtime_behind(client: TestClient) -> Runtime:
    """What the service of a client is made of."""
    assert isinstance(client.app, FastAPI)
    return runtime_of(client.app)


def prefetch_for(patient: str) -> Body:
    """What a client would prefetch for a person of the fixtures."""
    bundle = read_json(FIXTURES / "patients" / f"{patient}.json")
    return prefetch_from(bundle, patient, CONTENT.vocabulary.code_lists)


def opening_of(patient: str, **prefetch: Json) -> Body:
    """A call as the chart of a person of the fixtures is opened, with everything prefetched but for what is given."""
    bundle = read_json(FIXTURES / "patients" / f"{patient}.json")
    sent = prefetch_from(bundle, patient, CONTENT.vocabulary.code_lists, FOR_TREATMENTS)
    context = {"userId": "Practitioner/example", "patientId": patient}
    return {"hook": PATIENT_VIEW, "hookInstance": INSTANCE, "context": context, "prefetch": {**sent, **prefetch}}


def bundle_of(resources: Sequence[Body]) -> Body:
    """The draft orders as a Bundle."""
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def request_for(patient: str, *orders: str, hook: str = "order-sign", prefetch: Json = ...) -> Body:
    """A whole call: a person and orders of the fixtures, with everything prefetched unless `prefetch` is given."""
    drafts = [order_for(FIXTURES, name, patient) for name in orders or ("oral-600-twice-daily",)]
    context: Body = {
        "userId": "Practitioner/example",
        "patientId": patient,
        "encounterId": "example-encounter",
    }
    if hook == VERIFY:
        (order,) = drafts
        context["medication"] = {**order, "status": "active"}
    else:
        context[BUNDLE_OF[hook]] = bundle_of(drafts)
    if hook == "order-select":
        context["selections"] = [f"{one['resourceType']}/{one['id']}" for one in drafts]
    body: Body = {"hook": hook, "hookInstance": INSTANCE, "context": context}
    return {**body, "prefetch": prefetch_for(patient) if prefetch is ... else prefetch}


def without(body: Mapping[str, Any], *path: str) -> Body:
    """A copy of a body without the member at a path."""
    first, *rest = path
    if not rest:
        return {name: value for name, value in body.items() if name != first}
    return {**body, first: without(body[first], *rest)}


def replaced(body: Mapping[str, Any], path: Sequence[str], value: Json) -> Body:
    """A copy of a body with another value at a path."""
    first, *rest = path
    return {**body, first: replaced(body[first], rest, value) if rest else value}


def nested(levels: int) -> str:
    """JSON of this depth, of objects and lists in turn, with brackets in its strings."""
    opened = ['{"]":' if level % 2 else "[" for level in range(levels)]
    closed = ["}" if level % 2 else "]" for level in range(levels)]
    return "".join(opened) + '"}\\"["' + "".join(reversed(closed))


def to_bytes(body: Json) -> bytes:
    """The body as sent: decimals stay exact numbers."""
    return _ENCODER.encode(body)


def as_read(body: Json) -> Body:
    """The body as its receiver reads it."""
    read: Body = json.loads(to_bytes(body))
    return read


def post(client: httpx.Client, body: Json, service: str = "") -> httpx.Response:
    """The answer of a service to a body; by default of the service for the body's hook."""
    hook = body.get("hook") if isinstance(body, dict) else None
    known = hook if isinstance(hook, str) and hook in SERVICE_OF else "order-sign"
    content = body if isinstance(body, bytes) else to_bytes(body)
    address = f"/cds-services/{service or SERVICE_OF[known]}"
    return client.post(address, content=content, headers={"Content-Type": "application/json"})


def cards_of(client: TestClient, body: Json) -> list[Body]:
    """The cards that a body is answered with; fails unless the answer is a 200."""
    response = post(client, body)
    assert response.status_code == 200, f"{response.status_code}: {response.text}"
    cards: list[Body] = response.json()["cards"]
    return cards


def id_of(card: Mapping[str, Any]) -> str:
    """The id of a card: the code of its topic."""
    return str(card["source"]["topic"]["code"])


def ids_of(cards: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of cards, in their order."""
    return [id_of(card) for card in cards]


def not_done(cards: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines in which `screening-incomplete` names what was not done; none if that card is not there."""
    details = [card["detail"] for card in cards if id_of(card) == "screening-incomplete"]
    return [line.removeprefix("- ") for detail in details for line in detail.splitlines() if line.startswith("- ")]


def field_of(response: httpx.Response) -> str:
    """The member that an OperationOutcome says to be wrong."""
    assert response.json()["resourceType"] == "OperationOutcome"
    (issue,) = response.json()["issue"]
    return str(issue.get("expression", [""])[0])


def walk(value: Json, path: str = "$") -> Iterator[tuple[str, Json]]:
    """Every value inside a JSON value, itself included, with its path."""
    yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from walk(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(inner, f"{path}[{index}]")


def resources_of(patient: str) -> list[Body]:
    """Every resource of a person of the fixtures."""
    return [entry["resource"] for entry in objects(read_json(FIXTURES / "patients" / f"{patient}.json")["entry"])]


def draft_orders_of(*draft_orders: Body, background: Sequence[Body] = (), patient: str = "") -> DraftOrders:
    """The orders of a call: those asked about, and in `background` the drafts beside them and their Medications."""
    every = [*draft_orders, *background]
    entries = [{"resource": resource} for resource in every]
    orders = [order for order in every if is_medication_order(order)]
    subject = next((reference for order in draft_orders for reference in subjects_of(order)), "")
    return read_orders(patient or subject.rpartition("/")[2], orders, draft_orders, entries, VOCABULARY)


def answer_now(*args: Any, **more: Any) -> Answer:
    """One call answered, waited for."""
    return asyncio.run(answer(*args, **more))
