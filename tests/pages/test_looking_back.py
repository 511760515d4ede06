"""The chart of /try on a day of the past: what stood in it, what opening it would have shown, and nothing of later."""

import asyncio
import json
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds_service.answering import answer
from cds_service.content.explaining import explain_request
from cds_service.demo.patients import load_patients
from cds_service.errors import InvalidRequest
from cds_service.pages.looking_back import (
    MOST_DAYS,
    ChartOnDay,
    Timeline,
    furthest_day,
    moment_of,
    read_day,
    say_ago,
)
from cds_service.pages.trying import Demo
from cds_service.replay.rewinding import request_at
from tests.builders import SNOMED, allergy, concept, medication_request, observation
from tests.pages.looking import DEMO, Page, Visit, demo_client, look
from tests.support import CONTENT, FIXTURES, NOW, PATIENTS, Body, Unrecorded, counted_ids, new_client

GRETA = "greta-on-treatment"  # acetylcysteine since 1 September; glutamate 131 on 20 August, 96 on 28 October
RESOURCES = load_patients(FIXTURES)


@pytest.fixture
def demo() -> Iterator[TestClient]:
    with demo_client() as client:
        yield client


def days_ago(day: date) -> int:
    """The number of a day."""
    return (day - NOW.date()).days


def demo_of(*resources: Body) -> Demo:
    return Demo(resources or RESOURCES, {}, CONTENT, NOW)


def shown(patient: str, day: int, demo: Demo | None = None) -> ChartOnDay:
    answering = partial(answer, content=CONTENT, new_id=lambda: "")
    return asyncio.run(Timeline(demo or demo_of(), CONTENT, answering).show(patient, str(day)))


# ---------------------------------------------------------------- days

FIRST: dict[str, tuple[list[Body], int]] = {
    "no entry": ([], 0),
    "no date": ([allergy(concept("1", SNOMED))], 0),
    "a date that cannot be read": ([allergy(concept("1", SNOMED), recordedDate="soon")], 0),
    "today": ([allergy(concept("1", SNOMED), recordedDate="2026-11-23")], 0),
    "later": ([allergy(concept("1", SNOMED), recordedDate="2027-01-01")], 0),
    "three days ago": ([observation(concept("1", SNOMED))], -3),
    "the earlier of two": ([observation(concept("1", SNOMED)), allergy({}, recordedDate="2026-11-13")], -10),
    "some time this month": ([allergy(concept("1", SNOMED), recordedDate="2026-11")], -22),
    "52 weeks ago": ([medication_request({}, authoredOn="2025-11-24")], -MOST_DAYS),
    "longer ago": ([medication_request({}, authoredOn="2025-11-23")], -MOST_DAYS),
}


@pytest.mark.parametrize(("resources", "day"), FIRST.values(), ids=FIRST)
def test_the_days_begin_with_the_first_entry_and_are_52_weeks_at_most(resources: list[Body], day: int) -> None:
    assert furthest_day(resources, NOW.date()) == day


@pytest.mark.parametrize(("written", "day"), [("0", 0), ("-0", 0), ("-1", -1), ("-007", -7), ("-90", -90)])
def test_a_day_is_a_number(written: str, day: int) -> None:
    assert read_day(written, -90) == day


NO_DAYS = [
    "",
    "x",
    "1",
    "-91",
    "-365",
    "-1000",
    "--1",
    "- 1",
    " 0",
    "0\n",
    "-1.5",
    "1e1",
    "٣",
    "-٣",
    "9" * 5000,
    "2026-11-01",
]


@pytest.mark.parametrize("written", NO_DAYS, ids=lambda written: repr(written[:12]))
def test_what_is_no_day_of_the_chart_is_refused_in_words(written: str, demo: TestClient) -> None:
    with pytest.raises(InvalidRequest, match="is not a number of days from -90"):
        read_day(written, -90)

    response = demo.get("/try", params={"patient": GRETA, "day": f"{written}<b>" if written == "x" else written})
    assert response.status_code == (200 if written == "-91" else 400)
    assert "<b>" not in response.text
    assert ("day: is not a number of days from -95 (the first of this chart) to 0 (today)" in response.text) is (
        response.status_code == 400
    )


@pytest.mark.parametrize(
    ("day", "words"),
    [(0, "today"), (-1, "1 day ago"), (-7, "1 week ago"), (-9, "1 week and 2 days ago"), (-364, "52 weeks ago")],
)
def test_how_long_ago_a_day_is_is_said_in_words(day: int, words: str) -> None:
    assert say_ago(day) == words


# ---------------------------------------------------------------- what is shown


@pytest.mark.parametrize("patient", PATIENTS)
@pytest.mark.parametrize("weeks", [1, 4, 26, 52])
def test_a_day_says_what_explain_says_at_that_day(patient: str, weeks: int) -> None:
    """The demo's patients have nothing that has ended since, so that the call of today holds all that was there."""
    demo = demo_of()
    day = max(-7 * weeks, furthest_day(demo.record(patient), NOW.date()))
    moment = moment_of(day, NOW)
    on_day = shown(patient, day, demo)
    explained = explain_request(request_at(demo.open_chart(patient, None), moment), CONTENT, moment)

    titles = {card.id: card.title for card in CONTENT.cards}
    assert on_day.opening.titles == tuple(titles[card] for card in explained.cards)
    assert on_day.opening.silence == explained.silence
    assert bool(on_day.opening.silence) is not bool(on_day.opening.cards)


def test_the_chart_of_a_day_has_nothing_of_later() -> None:
    before, on_treatment = shown(GRETA, days_ago(date(2026, 8, 25))), shown(GRETA, days_ago(date(2026, 10, 1)))
    today = shown(GRETA, 0)

    assert before.chart.sections["Medications"] == ()
    assert [entry.name for entry in on_treatment.chart.sections["Medications"]] == [
        "Acetylcysteine 600 MG Oral Capsule"
    ]
    assert on_treatment.chart.sections["Weight and height"] == ()
    assert [len(on_day.chart.plots[0].points) for on_day in (before, on_treatment, today)] == [1, 1, 2]
    assert [on_day.chart.plots[0].x_ticks[-1][1] for on_day in (before, on_treatment, today)] == [
        "25 Aug 2026",
        "1 Oct 2026",
        "today",
    ]


def test_a_patient_is_as_old_as_on_the_day(demo: TestClient) -> None:
    assert shown("mona-birthday", 0).patient.age == "18 years"
    assert "17 years" in look(demo, "/try?patient=mona-birthday&day=-1").text


def test_what_has_ended_since_was_there() -> None:
    over = {"timing": {"repeat": {"boundsPeriod": {"start": "2026-09-01", "end": "2026-10-31"}}}}
    patient = {"resourceType": "Patient", "id": "p"}
    medication = medication_request(
        concept("606971", "http://www.nlm.nih.gov/research/umls/rxnorm", text="Acetylcysteine 600 MG Oral Capsule"),
        status="completed",
        authoredOn="2026-09-01",
        dosageInstruction=[over],
    )
    demo = demo_of(patient, medication)
    names = [
        [entry.name for entry in shown("p", day, demo).chart.sections["Medications"]] for day in (-83, -30, -23, -22, 0)
    ]

    assert names == [["Acetylcysteine 600 MG Oral Capsule"]] * 3 + [[]] * 2


STRETCHES = {  # patient -> first and last day of each stretch, and its card
    GRETA: [("27 October 2026", "27 October 2026", "follow-up-due"), ("28 October 2026", "today", "response")],
    "alma-glutamate-high": [],
    "berta-intravenous-lately": [],
}


@pytest.mark.parametrize("patient", STRETCHES)
def test_the_days_on_which_a_card_is_shown(patient: str) -> None:
    ids = {card.title: card.id for card in CONTENT.cards}
    stretches = shown(patient, 0).stretches

    assert [(stretch.first_day, stretch.last_day, *map(ids.get, stretch.cards)) for stretch in stretches] == STRETCHES[
        patient
    ]


def test_every_day_of_a_stretch_has_its_cards() -> None:
    """Every day, asked for one by one, is in a stretch with its cards, or in none."""
    stretches = shown(GRETA, 0).stretches
    for day in range(-95, 1, 4):
        titles = shown(GRETA, day).opening.titles
        in_stretch = [stretch.cards for stretch in stretches if stretch.first <= day <= stretch.last]
        assert in_stretch == ([titles] if titles else [])


# ---------------------------------------------------------------- the page


def slider_of(page: Page) -> dict[str, str | None]:
    (slider,) = [given for given in page.all("input") if given.get("type") == "range"]
    return slider


def test_the_page_of_today_has_a_slider_at_its_end(demo: TestClient) -> None:
    page = look(demo, f"/try?patient={GRETA}")
    slider = slider_of(page)

    assert (slider["min"], slider["max"], slider["value"]) == ("-95", "0", "0")
    assert slider["aria-valuetext"] == "23 November 2026, today"
    assert "The chart as of 23 November 2026, today" in page.text
    assert "hidden" not in next(given for given in page.all("section") if "data-today" in given)


def test_the_page_of_a_past_day_has_no_order_to_write(demo: TestClient) -> None:
    page = look(demo, f"/try?patient={GRETA}&day=-35")

    assert slider_of(page)["value"] == "-35"
    assert slider_of(page)["aria-valuetext"] == "19 October 2026, 5 weeks ago"
    assert "hidden" in next(given for given in page.all("section") if "data-today" in given)
    assert f"/try?patient={GRETA}" in {given.get("href") for given in page.all("a")}


def test_a_chart_without_a_date_has_no_slider(tmp_path: Path) -> None:
    (tmp_path / "patients").mkdir()
    bundle = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "p"}}]}
    (tmp_path / "patients" / "p.json").write_text(json.dumps(bundle), encoding="utf-8")
    with demo_client(fixtures=tmp_path) as demo:
        page = look(demo, "/try?patient=p")

    assert [given for given in page.all("input") if given.get("type") == "range"] == []
    assert "23 November 2026: " in page.text


def test_what_an_order_is_answered_stands_beside_today(demo: TestClient) -> None:
    visit = Visit(demo, GRETA)
    visit.click("order", day="-35")

    assert slider_of(visit.page)["value"] == "0"
    assert "Answered in" in visit.page.text


class Kept(Unrecorded):
    """Records that say what they are given."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def add_answer(self, *given: object) -> None:
        """Keeps it."""
        self.kept.append(given)

    def add_cards(self, *given: object) -> None:
        """Keeps it."""
        self.kept.append(given)


def test_looking_back_is_not_recorded() -> None:
    records = Kept()
    with new_client(DEMO, records=records, new_id=counted_ids()) as client:
        look(client, f"/try?patient={GRETA}&day=-26")
        look(client, f"/try?patient={GRETA}")
        assert records.kept == []
