"""Dates and times: exact to the day or not used, and a day is the day that was written down."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cds_service.fhir.datetimes import (
    Moment,
    completed_months,
    completed_years,
    end_of_day,
    format_day,
    last_day,
    read_moment,
    sample_moment,
)
from tests.support import NOW


def moment(written: str) -> Moment:
    """The moment of a text that can be read."""
    found = read_moment(written)
    assert found is not None, f"{written} was not read"
    return found


@pytest.mark.parametrize(
    ("written", "day", "instant"),
    [
        pytest.param("2026-11-03T10:30:00Z", date(2026, 11, 3), datetime(2026, 11, 3, 10, 30, tzinfo=UTC), id="utc"),
        pytest.param(
            "2026-11-03T23:30:00-05:00",
            date(2026, 11, 3),
            datetime(2026, 11, 4, 4, 30, tzinfo=UTC),
            id="west-the-written-day-is-before-the-day-in-utc",
        ),
        pytest.param(
            "2026-11-03T00:30:00+10:00",
            date(2026, 11, 3),
            datetime(2026, 11, 2, 14, 30, tzinfo=UTC),
            id="east-the-written-day-is-after-the-day-in-utc",
        ),
        pytest.param(
            "2026-11-03T10:30:00.250Z",
            date(2026, 11, 3),
            datetime(2026, 11, 3, 10, 30, 0, 250_000, tzinfo=UTC),
            id="an-instant-with-milliseconds",
        ),
        pytest.param(
            " 2026-11-03T10:30:00Z ",
            date(2026, 11, 3),
            datetime(2026, 11, 3, 10, 30, tzinfo=UTC),
            id="space-around-it",
        ),
    ],
)
def test_a_time_with_a_zone_is_one_instant_of_the_written_day(written: str, day: date, instant: datetime) -> None:
    assert moment(written) == Moment(day, instant, instant)


def test_a_day_reaches_from_its_start_in_the_east_to_its_end_in_the_west() -> None:
    assert moment("2026-11-03") == Moment(
        date(2026, 11, 3),
        datetime(2026, 11, 2, 10, tzinfo=UTC),
        datetime(2026, 11, 4, 14, tzinfo=UTC),
    )


def test_a_time_without_a_zone_may_be_in_any_zone() -> None:
    assert moment("2026-11-03T12:00:00") == Moment(
        date(2026, 11, 3),
        datetime(2026, 11, 2, 22, tzinfo=UTC),
        datetime(2026, 11, 4, 2, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("2026", id="year-only"),
        pytest.param("2026-11", id="month-only"),
        pytest.param("2026-02-30", id="no-such-day"),
        pytest.param("2025-02-29", id="no-leap-year"),
        pytest.param("2026-13-01", id="no-such-month"),
        pytest.param("2026-11-03T25:00:00Z", id="no-such-hour"),
        pytest.param("03/11/2026", id="slashes"),
        pytest.param("20261103", id="no-hyphens"),
        pytest.param("20261103T103000Z", id="basic-format-with-time"),
        pytest.param("2026-W45-2T10:00:00Z", id="week-date"),
        pytest.param("2026-11-03 10:30:00", id="space-for-T"),
        pytest.param("2026-11-03T", id="a-T-and-no-time"),
        pytest.param("yesterday", id="words"),
        pytest.param("", id="empty"),
        pytest.param(None, id="null"),
        pytest.param(20261103, id="number"),
        pytest.param(["2026-11-03"], id="list"),
        pytest.param({"value": "2026-11-03"}, id="object"),
        pytest.param("0001-01-01", id="before-the-calendar-of-the-machine"),
        pytest.param("9999-12-31", id="after-the-calendar-of-the-machine"),
        pytest.param("9999-12-31T23:00:00-05:00", id="an-instant-after-it"),
        pytest.param("0001-01-01T00:00:00+05:00", id="an-instant-before-it"),
    ],
)
def test_what_is_not_exact_to_the_day_is_not_a_moment(written: Any) -> None:
    assert read_moment(written) is None


@pytest.mark.parametrize(
    ("written", "days"),
    [
        pytest.param("2026-11-23", 0, id="today"),
        pytest.param("2026-11-22", 1, id="yesterday"),
        pytest.param("2025-11-23", 365, id="a-year-ago"),
        pytest.param("2025-11-22", 366, id="a-year-and-a-day-ago"),
        pytest.param("2026-11-24", -1, id="tomorrow"),
        pytest.param("2026-11-22T23:59:59-11:00", 1, id="the-written-day-counts-not-the-hours"),
        pytest.param("2026-11-23T00:00:01Z", 0, id="a-few-hours-ago"),
    ],
)
def test_days_are_counted_from_the_written_day(written: str, days: int) -> None:
    assert moment(written).days_before(NOW) == days


@pytest.mark.parametrize(
    ("written", "is_after"),
    [
        pytest.param("2026-11-23T09:00:00Z", False, id="this-very-moment"),
        pytest.param("2026-11-23T09:00:01Z", True, id="a-second-later"),
        pytest.param("2026-11-23T11:00:00+02:00", False, id="this-moment-in-another-zone"),
        pytest.param("2026-11-23T11:00:01+02:00", True, id="a-second-later-in-another-zone"),
        pytest.param("2026-11-23", False, id="today"),
        pytest.param("2026-11-24", True, id="tomorrow-has-begun-nowhere-at-nine"),
        pytest.param("2026-11-23T23:00:00", False, id="tonight-without-a-zone-may-be-past-in-the-east"),
        pytest.param("2026-11-23T23:00:01", True, id="one-second-more-is-past-nowhere"),
    ],
)
def test_the_future_is_what_has_begun_in_no_time_zone(written: str, is_after: bool) -> None:
    assert moment(written).is_after(NOW) is is_after


def test_tomorrow_is_not_the_future_once_it_has_begun_somewhere() -> None:
    tomorrow = moment("2026-11-24")
    begins = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert not tomorrow.is_after(begins)
    assert tomorrow.is_after(begins - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("observation", "day"),
    [
        pytest.param({"effectiveDateTime": "2026-11-03"}, date(2026, 11, 3), id="moment"),
        pytest.param({"effectiveInstant": "2026-11-03T10:00:00Z"}, date(2026, 11, 3), id="instant"),
        pytest.param(
            {"effectivePeriod": {"start": "2026-11-03", "end": "2026-11-05"}},
            date(2026, 11, 3),
            id="start-of-the-period",
        ),
        pytest.param({"effectivePeriod": {"end": "2026-11-05"}}, None, id="a-period-without-a-start"),
        pytest.param({"effectivePeriod": "2026-11-03"}, None, id="a-period-of-the-wrong-type"),
        pytest.param({"issued": "2026-11-03T10:00:00Z"}, None, id="never-the-time-of-issue"),
        pytest.param(
            {"effectiveDateTime": "2026-11", "issued": "2026-11-03T10:00:00Z"},
            None,
            id="nor-beside-a-month",
        ),
        pytest.param(
            {"effectiveDateTime": "2026-11", "effectivePeriod": {"start": "2026-11-03"}},
            None,
            id="an-unreadable-moment-is-not-replaced",
        ),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_the_sample_was_taken_at_its_effective_moment(observation: dict[str, Any], day: date | None) -> None:
    found = sample_moment(observation)
    assert (found.day if found else None) == day


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        pytest.param(date(2008, 11, 23), date(2026, 11, 23), 18, id="on-the-birthday"),
        pytest.param(date(2008, 11, 24), date(2026, 11, 23), 17, id="the-day-before-it"),
        pytest.param(date(2008, 12, 1), date(2026, 11, 30), 17, id="a-later-month-and-an-earlier-day"),
        pytest.param(date(2008, 10, 31), date(2026, 11, 1), 18, id="an-earlier-month-and-a-later-day"),
        pytest.param(date(2008, 2, 29), date(2026, 2, 28), 17, id="a-leap-child-on-28-February"),
        pytest.param(date(2008, 2, 29), date(2026, 3, 1), 18, id="a-leap-child-on-1-March"),
        pytest.param(date(2026, 11, 23), date(2026, 11, 23), 0, id="newborn"),
    ],
)
def test_age_is_in_completed_years(born: date, on: date, years: int) -> None:
    assert completed_years(born, on) == years


@pytest.mark.parametrize(
    ("born", "on", "months"),
    [
        pytest.param(date(2026, 8, 23), date(2026, 11, 23), 3, id="on-the-day"),
        pytest.param(date(2026, 8, 24), date(2026, 11, 23), 2, id="the-day-before-it"),
        pytest.param(date(2026, 8, 22), date(2026, 11, 23), 3, id="the-day-after-it"),
        pytest.param(date(2024, 12, 1), date(2026, 11, 30), 23, id="just-under-two-years"),
        pytest.param(date(2024, 11, 30), date(2026, 11, 30), 24, id="two-years"),
        pytest.param(date(2026, 11, 23), date(2026, 11, 23), 0, id="newborn"),
    ],
)
def test_age_of_an_infant_is_in_completed_months(born: date, on: date, months: int) -> None:
    assert completed_months(born, on) == months


@pytest.mark.parametrize(
    ("day", "said"),
    [
        pytest.param(date(2026, 11, 3), "3 November 2026", id="no-leading-zero"),
        pytest.param(date(2026, 1, 31), "31 January 2026", id="first-month"),
        pytest.param(date(2026, 12, 1), "1 December 2026", id="last-month"),
        pytest.param(date(2026, 5, 9), "9 May 2026", id="a-month-in-between"),
    ],
)
def test_a_day_is_said_with_its_month_in_words(day: date, said: str) -> None:
    assert format_day(day) == said


def test_each_month_has_its_name() -> None:
    said = " ".join(format_day(date(2026, month, 1)).split()[1] for month in range(1, 13))
    assert said == ("January February March April May June July August September October November December")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026", date(2026, 12, 31)),
        ("2026-02", date(2026, 2, 28)),
        ("2024-02", date(2024, 2, 29)),
        ("2026-12", date(2026, 12, 31)),
        ("2026-11-28", date(2026, 11, 28)),
        ("2026-11-28T23:00:00-05:00", date(2026, 11, 28)),
        ("2026-13", None),
        ("2026-00", None),
        ("0000", None),
        ("9999", None),
        ("2026-02-30", None),
        ("in spring", None),
        (None, None),
        (2026, None),
    ],
)
def test_the_last_day_that_a_date_can_mean(written: Any, expected: date | None) -> None:
    assert last_day(written) == expected


def test_a_day_ends_with_its_last_second() -> None:
    assert end_of_day(date(2026, 11, 23)) == datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
