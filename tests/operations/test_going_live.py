"""A hospital goes live: everything silent and in its own codes, then two people sign, then cards are shown.

Each step is what its people would do: the service is a process, and the report and the signatures are commands.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from cds_service.hooks.requests import read_request
from tests.command import run_command
from tests.processes import Service, environment, serving
from tests.support import CONTENT, PATIENTS, ROOT, Body, answer_now, counted_ids, id_of, request_for, to_bytes
from tests.unit.site.hospital import Hospital

ORDERS = 200
SERVICE = "/cds-services/acetylcysteine-order-sign"
SIGNED = ("acetylcysteine-hypersensitivity", "dose-above-studied", "glutamate-not-measured")  # the others stay silent
SIGNERS = (("Ada Example", "clinical pharmacologist"), ("Ben Example", "intensive care physician"))
JSON = {"Content-Type": "application/json"}


def orders_of_a_day(hospital: Hospital) -> list[Body]:
    """200 orders of the invented people, in the codes of the hospital, each of a call of its own."""
    drafts = ("oral-600-twice-daily", "oral-1800-twice-daily", "amoxicillin")
    calls = islice(cycle((patient, draft) for draft in drafts for patient in PATIENTS), ORDERS)
    bodies = [hospital.rewrite(request_for(patient, draft), own_codes=True) for patient, draft in calls]
    instances = (f"00000000-0000-4000-9000-{number:012x}" for number in range(ORDERS))
    return [{**body, "hookInstance": instance} for body, instance in zip(bodies, instances, strict=True)]


def cards_without_a_site(hospital: Hospital, bodies: Sequence[Body]) -> Counter[str]:
    """What the same orders are answered in our codes where no site file says anything."""
    ours = {own: coding for coding, own in hospital.codes.items()}
    shown: Counter[str] = Counter()
    for body in bodies:
        request = read_request(to_bytes(_in_our_codes(body, ours)), "order-sign")
        shown.update(answer_now(request, CONTENT, datetime.now(UTC), counted_ids()).card_ids)
    return shown


def _in_our_codes(value: Any, ours: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_in_our_codes(item, ours) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("code"), str) and value["code"] in ours:
        coding = ours[value["code"]]
        return {**value, "system": coding.system, "code": coding.code}
    return {name: _in_our_codes(inner, ours) for name, inner in value.items()}


def send(service: Service, body: Body) -> list[Body]:
    """The cards of an answer."""
    status, answer = service.ask(SERVICE, to_bytes(body), JSON)
    assert status == 200, answer
    cards: list[Body] = json.loads(answer)["cards"]
    return cards


def report(settings: Mapping[str, str]) -> dict[str, Body]:
    """What `cds-service report` says of each card."""
    words = [sys.executable, "-m", "cds_service", "report", "--json"]
    done = subprocess.run(words, cwd=ROOT, env=environment(settings), capture_output=True, check=True)
    return {card["card"]: card for card in json.loads(done.stdout)["cards"]}


def feedback_on(cards: Sequence[Body]) -> Body:
    """Every card with a suggestion is followed, every other one overridden without a reason."""
    at = (datetime.now(UTC) + timedelta(seconds=30)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    items = []
    for card in cards:
        taken = [{"id": suggestion["uuid"]} for suggestion in card.get("suggestions", [])][:1]
        outcome = {"outcome": "accepted", "acceptedSuggestions": taken} if taken else {"outcome": "overridden"}
        items.append({"card": card["uuid"], **outcome, "outcomeTimestamp": at})
    return {"feedback": items}


@pytest.mark.timeout(900)  # a day of orders, and whole processes that start
def test_a_hospital_goes_live(tmp_path: Path) -> None:
    hospital = Hospital()
    bodies = orders_of_a_day(hospital)
    site = tmp_path / "site.toml"
    site.write_text('drafts = "silent"\nsignatures = "signatures.toml"\n' + "\n".join(hospital.rows), encoding="utf-8")
    settings = {"CDS_SITE": str(site), "CDS_DATABASE_URL": f"sqlite:///{tmp_path / 'records.sqlite3'}"}
    expected = cards_without_a_site(hospital, bodies)
    assert len(expected) > 8

    with serving(tmp_path, settings=settings) as service:  # a day in which nobody sees a card
        assert [send(service, body) for body in bodies] == [[]] * ORDERS
    assert {card: row["silent"] for card, row in report(settings).items()} == expected
    assert all(row["shown"] == 0 for row in report(settings).values())

    for name, role in SIGNERS:
        for card in SIGNED:
            done = run_command("sign", card, "--name", name, "--role", role, settings=settings)
            assert done.exit_code == 0, done.output

    with serving(tmp_path, settings=settings) as service:  # the same orders, with cards
        shown = [card for body in bodies for card in send(service, body)]
        status, _ = service.ask(f"{SERVICE}/feedback", to_bytes(feedback_on(shown)), JSON)
        assert status == 200
    assert Counter(map(id_of, shown)) == Counter({card: expected[card] for card in SIGNED})

    rows = report(settings)
    for card, times in expected.items():
        row = rows[card]
        assert (row["silent"], row["shown"]) == ((times, times) if card in SIGNED else (2 * times, 0))
    suggested = Counter(id_of(card) for card in shown if card.get("suggestions"))
    assert {card: row["accepted"] for card, row in rows.items() if row["accepted"]} == suggested
    assert sum(row["overridden"] for row in rows.values()) == len(shown) - suggested.total()
