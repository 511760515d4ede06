"""Asks the app itself, with a fixed clock and counted ids."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.guidance.model import Content
from tests.support import NOW, SERVICE_OF, every_service


def counted_ids() -> Callable[[], str]:
    """Ids that are the same in every run."""
    numbers = count(1)
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012d}"


def no_server() -> httpx.AsyncClient:
    """An HTTP client for which every FHIR server is down."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    return httpx.AsyncClient(transport=httpx.MockTransport(refuse))


def ask(request: Path, content: Content) -> dict[str, Any]:
    """The reply to a request file: cards, or the OperationOutcome of a 412."""
    body = request.read_bytes()
    client = TestClient(create_app(every_service(), content, now=lambda: NOW, new_id=counted_ids(), http=no_server()))
    reply = client.post(f"/cds-services/{SERVICE_OF[json.loads(body)['hook']]}", content=body)
    answered: dict[str, Any] = reply.json()
    assert reply.status_code == (200 if "cards" in answered else 412), reply.text
    return answered
