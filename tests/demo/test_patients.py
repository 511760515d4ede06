"""The demo patients: read from the fixtures, with their dates moved to the present."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cds_service.demo.patients import FIXTURES_NOW, days_since_fixtures, load_patients, load_sentences, shift_dates
from cds_service.errors import DemoDataMissing
from cds_service.fhir.searching import prefetch_from
from cds_service.hooks.requests import read_request
from tests.support import (
    CONTENT,
    FIXTURES,
    NOW,
    PATIENTS,
    answer_now,
    bundle_of,
    counted_ids,
    request_for,
    resources_of,
    to_bytes,
)

YEARS = range(1, 3000)


def test_the_moment_of_the_story_is_that_of_the_fixtures() -> None:
    assert NOW == FIXTURES_NOW
    assert NOW.isoformat() in (FIXTURES / "README.md").read_text(encoding="utf-8")


def test_everybody_is_there_and_no_two_resources_share_a_name() -> None:
    people = load_patients(FIXTURES)

    assert [one["id"] for one in people if one["resourceType"] == "Patient"] == PATIENTS
    assert len({(one["resourceType"], one["id"]) for one in people}) == len(people) > 100


def test_everybody_has_a_name_that_a_list_of_patients_can_show() -> None:
    for one in load_patients(FIXTURES):
        if one["resourceType"] == "Patient":
            assert one["name"][0]["family"], one["id"]
            assert one["name"][0]["given"][0], one["id"]


# --- no people --------------------------------------------------------------------------------------------------------


def write(name: str, text: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


SPOILT: dict[str, Callable[[Path], Any]] = {
    "there is no folder": lambda folder: folder.rmdir(),
    "the folder is empty": lambda folder: None,
    "a file holds nobody": write("nobody.json", '{"resourceType": "Bundle"}'),
    "a file is no Bundle": write("nobody.json", "[]"),
    "a file is not JSON": write("broken.json", "{"),
    "a file cannot be opened": lambda folder: (folder / "folder.json").mkdir(),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_without_people_it_says_what_to_set(spoil: Callable[[Path], Any], tmp_path: Path) -> None:
    (tmp_path / "patients").mkdir()
    spoil(tmp_path / "patients")

    with pytest.raises(DemoDataMissing, match=r"CDS_DEMO.*patients.*CDS_FIXTURES"):
        load_patients(tmp_path)


# --- dates that move --------------------------------------------------------------------------------------------------

MOVED = {
    "a day": ("2026-11-01", "2026-11-11"),
    "over a month's end": ("2026-11-23", "2026-12-03"),
    "over a leap day": ("2028-02-25", "2028-03-06"),
    "a moment keeps its time and zone": ("2026-11-01T23:30:00+02:00", "2026-11-11T23:30:00+02:00"),
    "a moment in UTC": ("2026-11-01T23:30:00Z", "2026-11-11T23:30:00Z"),
    "a year stays": ("1983", "1983"),
    "a month stays": ("2026-11", "2026-11"),
    "a text that holds a date stays": ("taken on 2026-11-01", "taken on 2026-11-01"),
    "a text that begins with a date stays": ("2026-11-01 or so", "2026-11-01 or so"),
    "a number stays": (20261101, 20261101),
    "nothing stays": (None, None),
}


@pytest.mark.parametrize(("value", "expected"), MOVED.values(), ids=MOVED)
def test_whole_dates_move_wherever_they_stand(value: Any, expected: Any) -> None:
    assert shift_dates(value, 10) == expected
    assert shift_dates({"deep": [{"down": value}]}, 10) == {"deep": [{"down": expected}]}


def test_the_original_is_left_alone() -> None:
    original = {"effectiveDateTime": "2026-11-01", "list": ["2026-11-01"], "birthDate": "2000-11-01"}
    shift_dates(original, 10)

    assert original == {"effectiveDateTime": "2026-11-01", "list": ["2026-11-01"], "birthDate": "2000-11-01"}


def age_on(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def born_after(birth_date: str, days: int) -> date:
    return date.fromisoformat(shift_dates({"birthDate": birth_date}, days)["birthDate"])


@pytest.mark.parametrize("patient", PATIENTS)
def test_everybody_keeps_their_age(patient: str) -> None:
    written = next(one["birthDate"] for one in resources_of(patient) if one["resourceType"] == "Patient")
    age = age_on(date.fromisoformat(written), NOW.date())
    ages = {age_on(born_after(written, days), NOW.date() + timedelta(days=days)) for days in YEARS}

    assert ages == {age}


def test_mona_turns_18_on_whatever_day_it_is() -> None:
    for days in YEARS:
        today = NOW.date() + timedelta(days=days)
        born = born_after("2008-11-23", days)
        assert (born.month, born.day) in ((today.month, today.day), (2, 28)), today
        assert age_on(born, today) == 18, today


DAYS = {
    "the moment of the story": (NOW, 0),
    "a minute before": (NOW - timedelta(minutes=1), -1),
    "a minute before the next day": (NOW + timedelta(hours=23, minutes=59), 0),
    "a day later": (NOW + timedelta(days=1), 1),
    "a leap day, in the morning": (datetime(2028, 2, 29, 0, 5, tzinfo=UTC), 462),
    "a leap day, later": (datetime(2028, 2, 29, 9, 0, tzinfo=UTC), 463),
}


@pytest.mark.parametrize(("now", "days"), DAYS.values(), ids=DAYS)
def test_days_are_rounded_down_so_that_nothing_lies_in_the_future(now: datetime, days: int) -> None:
    assert days_since_fixtures(now) == days


MOMENTS = [
    datetime(2026, 11, 24, 8, 59, tzinfo=UTC),
    datetime(2027, 11, 23, 9, tzinfo=UTC),
    datetime(2028, 2, 29, 12, tzinfo=UTC),
    datetime(2028, 3, 1, 0, 5, tzinfo=UTC),
    datetime(2031, 6, 15, 18, tzinfo=UTC),
]


def card_ids(patient: str, prefetch: dict[str, Any], now: datetime) -> list[str]:
    body = to_bytes(request_for(patient, prefetch=prefetch))
    return answer_now(read_request(body, "order-sign"), CONTENT, now, counted_ids()).card_ids


ON_THE_HOUR = {"carl-level-three-days-ago"}  # the level of exactly 72 hours ago is older at any later time of the day


@pytest.mark.parametrize("now", MOMENTS, ids=lambda now: now.isoformat())
@pytest.mark.parametrize("patient", PATIENTS)
def test_a_story_gives_its_cards_years_later_too(patient: str, now: datetime) -> None:
    code_lists = CONTENT.vocabulary.code_lists
    story = bundle_of(resources_of(patient))
    today = shift_dates(story, days_since_fixtures(now))
    if patient in ON_THE_HOUR:
        now = FIXTURES_NOW + timedelta(days=days_since_fixtures(now))

    expected = card_ids(patient, prefetch_from(story, patient, code_lists), NOW)
    assert card_ids(patient, prefetch_from(today, patient, code_lists), now) == expected


def test_unmoved_the_same_results_would_be_too_old() -> None:
    alma = "alma-glutamate-high"
    prefetch = prefetch_from(bundle_of(resources_of(alma)), alma, CONTENT.vocabulary.code_lists)

    assert "glutamate-high" in card_ids(alma, prefetch, NOW)
    assert "glutamate-not-measured" in card_ids(alma, prefetch, datetime(2028, 2, 29, tzinfo=UTC))


def test_every_patient_has_a_short_sentence_and_nobody_else_has() -> None:
    sentences = load_sentences(FIXTURES)

    assert sorted(sentences) == PATIENTS
    assert [one for one in sentences.values() if not 5 < len(one) < 75 or one.endswith(".")] == []
    assert len(set(sentences.values())) == len(sentences)


@pytest.mark.parametrize("written", [None, "[", "alma = 1"])
def test_without_sentences_there_are_none(written: str | None, tmp_path: Path) -> None:
    (tmp_path / "patients").mkdir()
    if written is not None:
        (tmp_path / "patients" / "sentences.toml").write_text(written, encoding="utf-8")

    assert load_sentences(tmp_path) == {}
