"""Asks the app itself, with a fixed clock and counted ids."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.guidance.model import Content
from cds_service.settings import Settings
from tests.golden.stories import NOW


def counted_ids() -> Callable[[], str]:
    """Ids that are the same in every run."""
    numbers = count(1)
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012d}"


def ask(request: Path, content: Content) -> dict[str, Any]:
    """The reply to a request file: its status must be 200."""
    body = request.read_bytes()
    client = TestClient(create_app(Settings(), content, now=lambda: NOW, new_id=counted_ids()))
    reply = client.post(f"/cds-services/acetylcysteine-{json.loads(body)['hook']}", content=body)
    assert reply.status_code == 200, reply.text
    answered: dict[str, Any] = reply.json()
    return answered
