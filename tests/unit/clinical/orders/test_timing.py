"""How often a day: every form of FHIR timing that states it, and a reason for every one that does not."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.orders.timing import Schedule, read_schedule, round_rate
from cds_service.fhir.quantities import Refusal
from cds_service.fhir.versions.elements import has_unread_instruction, instructions_of

Json = Any
NO_SUCH_TIMING = "its timing is not one that can be read"
NO_SUCH_RATE = "its frequency and period cannot be read"
NO_SUCH_TIMES = "its times of day cannot be read"
CONTRADICTION = "the parts of its timing contradict each other"
CONTRADICTING_CODES = "the codes of its timing contradict each other"
DATES = "its timing is a list of dates"

ALL_EVENTS = ["MORN", "MORN.early", "MORN.late", "NOON", "AFT", "EVE", "NIGHT", "HS", "WAKE"]
ALL_EVENTS += [f"{when}{meal}" for when in ("C", "AC", "PC") for meal in "MDV"]


def repeat(**members: Json) -> Json:
    """A timing with this `repeat`."""
    return {"repeat": members}


def rate(frequency: Json, period: Json, unit: Json, **members: Json) -> Json:
    """A timing of so many times in so long."""
    return repeat(frequency=frequency, period=period, periodUnit=unit, **members)


def code(written: str, **members: Json) -> Json:
    """A timing with a code."""
    return {"code": {"coding": [{"code": written}]}, **members}


def said(written: str) -> Json:
    """A timing with a text for a code."""
    return {"code": {"text": written}}


TIMES = [
    pytest.param(rate(2, 1, "d"), "2", id="twice-a-day"),
    pytest.param(rate(1, 1, "d"), "1", id="once-a-day"),
    pytest.param(rate(1, 2, "d"), "1", id="every-second-day"),
    pytest.param(rate(1, 8, "h"), "3", id="every-8-hours"),
    pytest.param(rate(1, 6, "h"), "4", id="every-6-hours"),
    pytest.param(rate(4, 24, "h"), "4", id="four-times-in-24-hours"),
    pytest.param(rate(1, 36, "h"), "1", id="every-36-hours"),
    pytest.param(rate(7, 1, "wk"), "1", id="seven-times-a-week"),
    pytest.param(rate(14, 1, "wk"), "2", id="fourteen-times-a-week"),
    pytest.param(rate(1, 1, "wk"), "1", id="once-a-week"),
    pytest.param(rate(1, 480, "min"), "3", id="every-480-minutes"),
    pytest.param(rate(1, Decimal("0.5"), "d"), "2", id="every-half-day"),
    pytest.param(rate(1, 1, "d", frequencyMax=3), "3", id="up-to-three-times"),
    pytest.param(repeat(frequencyMax=4, period=1, periodUnit="d"), "4", id="only-the-most-often"),
    pytest.param(rate(1, 4, "h", periodMax=6), "6", id="every-4-to-6-hours-is-every-4"),
    pytest.param(repeat(frequency=2, period=1, periodUnits="d"), "2", id="DSTU2-periodUnits"),
    pytest.param(rate(2, 1, " d "), "2", id="space-around-the-unit"),
    *[pytest.param(code(f"Q{n}H"), str(Decimal(24) / n), id=f"Q{n}H") for n in (4, 6, 8, 12, 24)],
    pytest.param(code("Q5H"), "5", id="Q5H"),
    pytest.param(code("Q7H"), "4", id="Q7H"),
    pytest.param(code("QD"), "1", id="QD"),
    pytest.param(code("BID"), "2", id="BID"),
    pytest.param(code("TID"), "3", id="TID"),
    pytest.param(code("QID"), "4", id="QID"),
    pytest.param(code("bid"), "2", id="bid-in-small-letters"),
    pytest.param(code("q8h"), "3", id="q8h-in-small-letters"),
    pytest.param(said("TID"), "3", id="TID-as-text"),
    pytest.param(said("qid"), "4", id="qid-as-text"),
    pytest.param(said(" Q6H "), "4", id="Q6H-as-text-with-space"),
    pytest.param({"code": {"coding": [{"code": "BID"}, {"code": "X"}]}}, "2", id="a-code-beside-an-unknown-one"),
    pytest.param({"code": {"coding": [{"code": "BID"}, {"code": "Q12H"}]}}, "2", id="two-codes-that-agree"),
    pytest.param({"code": {"coding": [{"code": "X"}], "text": "BID"}}, "2", id="a-text-beside-an-unknown-code"),
    pytest.param({"code": {"coding": [{"code": "BID"}], "text": "as told"}}, "2", id="a-code-beside-other-words"),
    pytest.param(repeat(timeOfDay=["08:00:00", "20:00:00"]), "2", id="two-times-of-day"),
    pytest.param(repeat(timeOfDay="08:00:00"), "1", id="one-time-of-day-and-no-list"),
    pytest.param(repeat(timeOfDay=["08:00:00", "08:00:00"]), "1", id="the-same-time-twice-is-one"),
    pytest.param(repeat(when=["MORN", "EVE"]), "2", id="morning-and-evening"),
    pytest.param(repeat(when=["ACM", "ACD", "ACV"]), "3", id="before-each-meal-by-name"),
    pytest.param(repeat(when=["HS", "HS"]), "1", id="the-same-event-twice-is-one"),
    pytest.param(repeat(when="HS"), "1", id="one-event-and-no-list"),
    pytest.param(repeat(timeOfDay=["08:00:00"], when=["HS"]), "2", id="a-time-and-an-event"),
    pytest.param(repeat(frequency=2, period=1, periodUnit="d", when=["MORN", "EVE"]), "2", id="rate-and-events-agree"),
    pytest.param(repeat(frequency=3, period=1, periodUnit="d", when=["C"]), "3", id="with-meals-counted-by-the-rate"),
    pytest.param(code("TID", repeat={"frequency": 3, "period": 1, "periodUnit": "d"}), "3", id="rate-and-code-agree"),
    pytest.param(code("Q8H", repeat={"frequency": 1, "period": 8, "periodUnit": "h"}), "3", id="Q8H-and-rate-agree"),
    pytest.param(code("Q7H", repeat={"frequency": 1, "period": 7, "periodUnit": "h"}), "4", id="Q7H-agrees"),
    pytest.param(repeat(period=1, periodUnit="d"), "1", id="a-period-alone-is-once-in-it"),
    pytest.param(repeat(period=4, periodUnit="h"), "6", id="a-period-of-hours-alone"),
    pytest.param(repeat(frequency=None, period=1, periodUnit="d"), "1", id="a-period-and-a-null-frequency"),
    pytest.param(rate(3, 1, "wk"), "1", id="three-times-a-week"),
    pytest.param(rate(10, 1, "wk"), "2", id="ten-times-a-week-is-twice-on-some-days"),
    pytest.param(rate(1, 1, "mo"), "1", id="once-a-month"),
    pytest.param(rate(3, 1, "wk", dayOfWeek=["mon", "wed", "fri"]), "1", id="three-days-a-week"),
    pytest.param(rate(6, 1, "wk", dayOfWeek=["mon", "wed", "fri"]), "2", id="twice-on-three-days-a-week"),
    pytest.param(rate(2, 1, "d", dayOfWeek=["mon"]), "2", id="twice-daily-on-mondays"),
    pytest.param(rate(1, 2, "wk", dayOfWeek=["mon"]), "1", id="every-second-monday"),
    pytest.param(repeat(dayOfWeek=["mon", "thu"]), "1", id="days-alone-are-once-on-each"),
    pytest.param(repeat(dayOfWeek=["mon"], when=["MORN", "EVE"]), "2", id="events-on-a-day-of-the-week"),
    pytest.param(rate(2, 1, "wk", dayOfWeek=["mon", "thu"], when=["MORN"]), "1", id="days-and-an-event-agree"),
    pytest.param(rate(1, 1, "wk", dayOfWeek=["mon"], when=["MORN"]), "1", id="a-weekly-dose-in-the-morning"),
    pytest.param(rate(3, 1, "wk", when=["HS"]), "1", id="a-weekly-rate-at-bedtime"),
    *[pytest.param(code(one), "1", id=one) for one in ("AM", "PM", "BED", "QOD", "WK", "MO", "Q25H", "Q48H")],
    pytest.param(code("Q3H"), "8", id="Q3H"),
    pytest.param(code("QOD", repeat={"frequency": 1, "period": 2, "periodUnit": "d"}), "1", id="QOD-and-rate-agree"),
    pytest.param(repeat(count=1), "1", id="once"),
    pytest.param({"event": ["2026-11-23T09:00:00Z"]}, "1", id="one-date"),
    pytest.param({"event": "2026-11-23T09:00:00Z"}, "1", id="one-date-and-no-list"),
    pytest.param(
        {"event": ["2026-11-23", "2026-11-24"], "repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
        "2",
        id="a-rate-beside-dates",
    ),
]

SELDOM = [
    pytest.param(rate(1, 2, "d"), True, id="every-second-day"),
    pytest.param(rate(1, 25, "h"), True, id="every-25-hours"),
    pytest.param(rate(3, 1, "wk"), True, id="three-times-a-week"),
    pytest.param(code("QOD"), True, id="QOD"),
    pytest.param(rate(3, 1, "wk", dayOfWeek=["mon", "wed", "fri"]), True, id="on-days-that-are-apart"),
    pytest.param(rate(1, 1, "d", dayOfWeek=["mon", "thu"]), True, id="daily-on-days-that-are-apart"),
    pytest.param(repeat(dayOfWeek=["mon", "thu"]), True, id="days-that-are-apart-alone"),
    pytest.param(repeat(dayOfWeek=["mon"], when=["HS"]), True, id="an-event-on-a-day-of-the-week"),
]
OFTEN = [
    pytest.param(rate(1, 1, "d"), False, id="daily"),
    pytest.param(rate(1, 24, "h"), False, id="every-24-hours"),
    pytest.param(rate(7, 1, "wk"), False, id="seven-times-a-week"),
    pytest.param(rate(2, 1, "wk", dayOfWeek=["sun", "mon"]), False, id="on-days-that-follow-each-other"),
    pytest.param(rate(4, 1, "wk", dayOfWeek=["mon", "thu"]), False, id="twice-on-days-that-are-apart"),
    pytest.param(repeat(dayOfWeek=["mon"], when=["MORN", "HS"]), False, id="two-events-on-a-day"),
    pytest.param(repeat(when=["HS"]), False, id="an-event"),
    pytest.param(repeat(count=1), False, id="once"),
]

UNREADABLE = [
    pytest.param({}, NO_SUCH_TIMING, id="nothing-in-it"),
    pytest.param("twice daily", NO_SUCH_TIMING, id="a-string"),
    pytest.param([rate(2, 1, "d")], NO_SUCH_TIMING, id="a-list"),
    pytest.param(repeat(), NO_SUCH_TIMING, id="an-empty-repeat"),
    pytest.param(repeat(boundsPeriod={"start": "2026-11-23"}), NO_SUCH_TIMING, id="only-its-bounds"),
    pytest.param(repeat(count=2), NO_SUCH_TIMING, id="twice-without-a-rate"),
    pytest.param(repeat(count="1"), NO_SUCH_TIMING, id="a-count-in-quotes"),
    pytest.param({"event": [""]}, NO_SUCH_TIMING, id="a-blank-date"),
    pytest.param(said("twice daily"), NO_SUCH_TIMING, id="words"),
    pytest.param(code("XQ8H"), NO_SUCH_TIMING, id="letters-before-Q8H"),
    pytest.param(code("Q8HX"), NO_SUCH_TIMING, id="letters-after-Q8H"),
    pytest.param(rate(2, 1, "a"), NO_SUCH_RATE, id="a-year"),
    pytest.param(code("Q0H"), NO_SUCH_TIMING, id="Q0H"),
    pytest.param(rate(2, 1, "D"), NO_SUCH_RATE, id="a-unit-in-capitals"),
    pytest.param(rate(2, 1, "day"), NO_SUCH_RATE, id="a-unit-in-words"),
    pytest.param(repeat(frequency=2, period=1), NO_SUCH_RATE, id="no-unit"),
    pytest.param(repeat(frequency=2, periodUnit="d"), NO_SUCH_RATE, id="no-period"),
    pytest.param(rate("2", 1, "d"), NO_SUCH_RATE, id="a-frequency-in-quotes"),
    pytest.param(rate(2, "1", "d"), NO_SUCH_RATE, id="a-period-in-quotes"),
    pytest.param(rate(0, 1, "d"), NO_SUCH_RATE, id="zero-times"),
    pytest.param(rate(-2, 1, "d"), NO_SUCH_RATE, id="a-negative-frequency"),
    pytest.param(rate(2, 0, "d"), NO_SUCH_RATE, id="a-period-of-zero"),
    pytest.param(rate(2, -1, "d"), NO_SUCH_RATE, id="a-negative-period"),
    pytest.param(rate(2, 1, "d", frequencyMax="3"), NO_SUCH_RATE, id="a-maximum-in-quotes-is-not-passed-over"),
    pytest.param(repeat(when=["C"]), NO_SUCH_TIMES, id="with-meals-of-unknown-number"),
    pytest.param(repeat(when=["AC"]), NO_SUCH_TIMES, id="before-meals-of-unknown-number"),
    pytest.param(repeat(when=["MORN", "PC"]), NO_SUCH_TIMES, id="an-event-beside-meals"),
    pytest.param(repeat(when=["morn"]), NO_SUCH_TIMES, id="an-event-in-small-letters"),
    pytest.param(repeat(timeOfDay=["08:00:00", 20]), NO_SUCH_TIMES, id="a-time-that-is-a-number"),
    pytest.param(repeat(timeOfDay=["08:00:00", ""]), NO_SUCH_TIMES, id="a-blank-time"),
    pytest.param(
        code("TID", repeat={"frequency": 2, "period": 1, "periodUnit": "d"}), CONTRADICTION, id="2-a-day-coded-TID"
    ),
    pytest.param(rate(1, 1, "d", timeOfDay=["08:00:00", "20:00:00"]), CONTRADICTION, id="once-a-day-at-two-times"),
    pytest.param(code("BID", repeat={"when": ["MORN", "NOON", "EVE"]}), CONTRADICTION, id="BID-at-three-events"),
    pytest.param({"code": {"coding": [{"code": "BID"}, {"code": "TID"}]}}, CONTRADICTING_CODES, id="BID-and-TID"),
    pytest.param(
        code("TID", repeat={"frequency": "3", "period": 1, "periodUnit": "d"}), NO_SUCH_RATE, id="a-code-saves-no-rate"
    ),
    pytest.param({"event": ["2026-11-23", "2026-11-24"]}, DATES, id="two-dates"),
    pytest.param(
        code("QD", repeat={"frequency": 1, "period": 2, "periodUnit": "d"}), CONTRADICTION, id="QD-every-second-day"
    ),
    pytest.param(repeat(dayOfWeek=["someday"]), NO_SUCH_TIMING, id="no-day-of-the-week"),
    pytest.param(
        rate(2, 1, "wk", dayOfWeek=["mon", "thu"], when=["MORN", "EVE"]), CONTRADICTION, id="once-a-day-at-two-events"
    ),
]


def times(timing: Json) -> Decimal | Refusal | None:
    """The doses on the largest day of treatment, or why they are not known."""
    schedule = read_schedule({"timing": timing})
    return schedule.on_a_day if isinstance(schedule, Schedule) else schedule


@pytest.mark.parametrize(("timing", "expected"), TIMES)
def test_the_doses_of_the_largest_day_are_counted(timing: Json, expected: str) -> None:
    assert times(timing) == Decimal(expected)


@pytest.mark.parametrize(("timing", "expected"), [*SELDOM, *OFTEN])
def test_doses_more_than_a_day_apart_are_told_from_daily_ones(timing: Json, expected: bool) -> None:
    schedule = read_schedule({"timing": timing})
    assert isinstance(schedule, Schedule)
    assert schedule.seldom is expected


@pytest.mark.parametrize(("timing", "why"), UNREADABLE)
def test_a_timing_that_cannot_be_counted_says_why(timing: Json, why: str) -> None:
    assert times(timing) == Refusal(why)


def test_a_code_and_a_text_that_state_different_rates_are_not_chosen_between() -> None:
    assert isinstance(times({"code": {"coding": [{"code": "BID"}], "text": "QID"}}), Refusal)


@pytest.mark.parametrize("event", ALL_EVENTS)
def test_each_event_that_comes_once_a_day_is_one_dose(event: str) -> None:
    assert times(repeat(when=[event])) == Decimal(1)


@pytest.mark.parametrize("hours", range(1, 100))
def test_every_so_many_hours_is_the_same_by_code_and_by_rate(hours: int) -> None:
    by_code = read_schedule({"timing": code(f"Q{hours}H")})
    assert by_code == read_schedule({"timing": rate(1, hours, "h")})
    assert isinstance(by_code, Schedule)
    assert by_code.on_a_day == -(-24 // hours)
    assert by_code.seldom is (hours > 24)


@pytest.mark.parametrize("instruction", [{}, {"timing": None}], ids=["absent", "null"])
def test_an_instruction_without_timing_has_no_number_and_no_reason(instruction: Json) -> None:
    assert read_schedule(instruction) is None


@pytest.mark.parametrize(
    "timing",
    [
        pytest.param(rate(999_999_999_999, Decimal("1E-12"), "d"), id="as-often-as-can-be-written"),
        pytest.param(rate(999_999_999_999, Decimal("1E-9"), "min"), id="in-minutes"),
        pytest.param(rate(Decimal("1E+12"), Decimal("1E-12"), "wk"), id="in-weeks"),
        pytest.param(rate(1, 999_999_999_999, "wk"), id="as-seldom-as-can-be-written"),
    ],
)
def test_an_absurd_rate_is_refused_and_raises_nothing(timing: Json) -> None:
    assert times(timing) == Refusal(NO_SUCH_RATE)


@pytest.mark.parametrize(
    ("rate_or_dose", "expected"),
    [
        pytest.param("3.9999999999", Decimal(4), id="what-a-division-left"),
        pytest.param("0.0000000004", None, id="nothing"),
        pytest.param("1E12", Decimal("1E12"), id="the-largest"),
        pytest.param("1E13", None, id="larger"),
    ],
)
def test_a_rate_or_dose_is_tidied_to_nine_places(rate_or_dose: str, expected: Decimal | None) -> None:
    assert round_rate(Decimal(rate_or_dose)) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param({"dosageInstruction": [{"text": "a"}]}, [{"text": "a"}], id="of-a-request"),
        pytest.param({"dosageInstruction": {"text": "a"}}, [{"text": "a"}], id="one-object-for-a-list"),
        pytest.param({"dosage": [{"text": "a"}]}, [{"text": "a"}], id="of-a-statement"),
        pytest.param({"dosageInstruction": [], "dosage": [{"text": "a"}]}, [{"text": "a"}], id="an-empty-list-first"),
        pytest.param({"dosageInstruction": []}, [], id="an-empty-list"),
        pytest.param({}, [], id="none"),
    ],
)
def test_the_instructions_of_an_order_are_found_in_each_version(order: Json, expected: list[Json]) -> None:
    assert instructions_of(order) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param({"dosageInstruction": [{}, "600 mg"]}, True, id="one-of-a-request"),
        pytest.param({"dosageInstruction": "600 mg"}, True, id="the-only-one"),
        pytest.param({"dosage": [{}, "600 mg"]}, True, id="one-of-a-statement"),
        pytest.param({"dosageInstruction": [{}], "dosage": "600 mg"}, False, id="not-asked-beside-a-request's"),
        pytest.param({"dosage": [{}]}, False, id="all-of-a-statement"),
        pytest.param({"dosageInstruction": []}, False, id="an-empty-list"),
        pytest.param({}, False, id="none"),
    ],
)
def test_an_instruction_that_is_no_object_is_not_passed_over(order: Json, expected: bool) -> None:
    assert has_unread_instruction(order) is expected
