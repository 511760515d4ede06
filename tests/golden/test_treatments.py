"""Charts over time: what an opening shows on each day, and the same in every FHIR version."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.golden.converting import DSTU2
from tests.golden.rewrite import text_of
from tests.golden.stories import FIXTURES, reply_of
from tests.golden.test_versions import check, suggested, told
from tests.golden.treatments import (
    TABLE,
    TREATED,
    VERSIONED,
    TreatedPatient,
    cards_on,
    name_of,
    opening_in,
    opening_of,
    write_table,
)
from tests.support import CONTENT, NOW, as_read, cards_of, id_of

PATIENTS = {patient.name: patient for patient in TREATED}
FOLDER = FIXTURES / "treated"


def test_the_table_of_days_is_the_golden_one() -> None:
    assert (FOLDER / TABLE).read_text(encoding="utf-8") == write_table(CONTENT)


@pytest.mark.parametrize("patient", TREATED, ids=lambda patient: patient.name)
def test_the_request_is_what_the_chart_makes(patient: TreatedPatient) -> None:
    assert (FOLDER / name_of(patient)).read_text(encoding="utf-8") == text_of(opening_of(patient, CONTENT))


@pytest.mark.parametrize(("patient", "version"), VERSIONED, ids=lambda value: getattr(value, "name", value))
def test_the_request_in_another_version_is_what_the_chart_makes(patient: TreatedPatient, version: str) -> None:
    written = (FIXTURES / "versions" / name_of(patient, version)).read_text(encoding="utf-8")

    assert written == text_of(opening_in(patient, version, CONTENT))


def test_no_request_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {TABLE, *map(name_of, TREATED)}


@pytest.mark.parametrize("patient", TREATED, ids=lambda patient: patient.name)
def test_every_resource_of_a_chart_is_valid(patient: TreatedPatient) -> None:
    for resource in patient.resources:
        check(as_read(resource), "R4")


@pytest.mark.parametrize(("patient", "version"), VERSIONED, ids=lambda value: getattr(value, "name", value))
def test_a_chart_shows_the_same_cards_in_every_version(
    patient: TreatedPatient, version: str, client: TestClient
) -> None:
    request = as_read(opening_in(patient, version, CONTENT))
    cards = cards_of(client, request)

    assert told(cards, version) == told(cards_of(client, as_read(opening_of(patient, CONTENT))), version)
    assert len(cards) == 1
    for answer in request["prefetch"].values():
        check(answer, version)
    for action in suggested(cards):
        check(action["resource"], version)
        assert version != DSTU2


@pytest.mark.parametrize("patient", TREATED, ids=lambda patient: patient.name)
def test_the_golden_reply_shows_what_the_table_says_of_today(patient: TreatedPatient) -> None:
    reply: dict[str, Any] = json.loads(reply_of(FOLDER / name_of(patient)).read_text(encoding="utf-8"))

    assert [id_of(card) for card in reply["cards"]] == list(cards_on(patient, NOW.date(), CONTENT))


@pytest.mark.parametrize("patient", TREATED, ids=lambda patient: patient.name)
def test_a_chart_never_shows_two_cards_of_a_kind(patient: TreatedPatient) -> None:
    shown = cards_on(patient, NOW.date(), CONTENT)

    assert len([card for card in shown if card != "new-risk"]) <= 1
    assert list(shown).count("new-risk") <= 1
