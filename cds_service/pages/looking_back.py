"""The chart of /try on a day of the last year: what stood in it then, and what the service says when it is opened.

A day is a number: 0 is today, -7 a week ago. Of a past day it is the end, in UTC; of today it is now. Nothing of this
is recorded.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from cds_service.answering import Answer
from cds_service.content.silence import explain_silence
from cds_service.errors import CdsServiceError, InvalidRequest
from cds_service.fhir.datetimes import end_of_day, format_day, format_short_day, possible_days
from cds_service.fhir.json import Resource
from cds_service.fhir.versions.elements import record_dates
from cds_service.guidance.model import Content
from cds_service.hooks.cards import Card
from cds_service.pages.charting import ShownChart, show_chart
from cds_service.pages.trying import Demo, PatientSummary

_WEEK = 7
MOST_DAYS = 52 * _WEEK
_DAY = re.compile(r"-?[0-9]{1,3}", re.ASCII)
TODAY = "0"
Answering = Callable[..., Awaitable[Answer]]  # of a HookRequest, and of the moment `now`


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days that follow one another and on which the same cards are shown, by their titles."""

    first: int
    last: int
    first_day: str
    last_day: str
    cards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """What the service says when a chart is opened: its cards, or why there is none."""

    cards: tuple[Card, ...]
    titles: tuple[str, ...]
    silence: str


@dataclass(frozen=True, slots=True)
class ChartOnDay:
    """A chart on a day, in words how long ago that is, and the days on which the service speaks."""

    day: int
    furthest: int
    today: str
    first_day: str
    date: str
    ago: str
    patient: PatientSummary
    chart: ShownChart
    opening: Opening
    stretches: tuple[Stretch, ...]


def furthest_day(resources: Iterable[Resource], today: date) -> int:
    """The day of the first entry of a record that has a date, at most 52 weeks back."""
    dates = (value for resource in resources for value in record_dates(resource))
    first = min((days[0] for value in dates if (days := possible_days(value))), default=today)
    return -min(max((today - first).days, 0), MOST_DAYS)


def read_day(written: str, furthest: int) -> int:
    """The day that a form sent. Raises `InvalidRequest` for one on which there is no chart to look at."""
    day = int(written) if _DAY.fullmatch(written) else 1
    if not furthest <= day <= 0:
        raise InvalidRequest("day", f"is not a number of days from {furthest} (the first of this chart) to 0 (today)")
    return day


def moment_of(day: int, now: datetime) -> datetime:
    """The end of a past day, in UTC; of today, which has no end yet, now."""
    return end_of_day(now.date() + timedelta(days=day)) if day else now


class Timeline:
    """The charts on days. `answering` says what the service answers to a call as of a moment."""

    def __init__(self, demo: Demo, content: Content, answering: Answering) -> None:
        self._demo, self._content, self._answering = demo, content, answering

    async def show(self, patient_id: str, written_day: str) -> ChartOnDay:
        """The chart of a patient on a day. Raises `InvalidRequest` for a day that the page never sends."""
        now = self._demo.now
        furthest = furthest_day(self._demo.record(patient_id), now.date())
        day = read_day(written_day, furthest)
        moment = moment_of(day, now)
        opened = await self._open(patient_id, day)
        chart = self._demo.chart_at(patient_id, moment) if day else self._demo.chart(patient_id)
        return ChartOnDay(
            day=day,
            furthest=furthest,
            today=now.date().isoformat(),
            first_day=format_day(now.date() + timedelta(days=furthest)),
            date=format_day(moment.date()),
            ago=say_ago(day),
            patient=self._demo.patient(patient_id, moment.date()),
            chart=show_chart(
                chart, self._content.vocabulary, moment, format_short_day(moment.date()) if day else "today"
            ),
            opening=opened,
            stretches=await self._find_stretches(patient_id, furthest),
        )

    async def _open(self, patient_id: str, day: int) -> Opening:
        moment = moment_of(day, self._demo.now)
        request = self._demo.open_chart(patient_id, moment if day else None)
        try:
            answered = await self._answering(request, now=moment)
        except CdsServiceError as error:
            return Opening((), (), f"Not answered: {error}.")
        titles = {card.id: card.title for card in self._content.cards}
        silence = explain_silence(request, answered, self._content.vocabulary)
        shown = tuple(titles[card_id] for card_id in answered.card_ids)
        return Opening(tuple(answered.response.cards), shown, silence)

    async def _find_stretches(self, patient_id: str, furthest: int) -> tuple[Stretch, ...]:
        """What is said on each day, the earliest first.

        It is asked for at the end of each week, and day by day in weeks in which that changes: a card that comes and
        goes between two ends of weeks that are alike is not found. At most 365 answers, and usually some sixty.
        """
        said: dict[int, tuple[str, ...]] = {}
        ends = sorted({furthest, *range(0, furthest - 1, -_WEEK)})
        for before, day in zip([furthest, *ends], ends, strict=False):
            said[day] = await self._titles(patient_id, day)
            for between in range(before + 1, day):
                same = said[before] == said[day]
                said[between] = said[day] if same else await self._titles(patient_id, between)
        grouped = [(cards, [*days]) for cards, days in groupby(sorted(said), key=said.__getitem__) if cards]
        return tuple(
            Stretch(days[0], days[-1], self._say(days[0]), self._say(days[-1]), cards) for cards, days in grouped
        )

    async def _titles(self, patient_id: str, day: int) -> tuple[str, ...]:
        return (await self._open(patient_id, day)).titles

    def _say(self, day: int) -> str:
        return format_day(moment_of(day, self._demo.now).date()) if day else "today"


def say_ago(day: int) -> str:
    """How long ago a day is, in words."""
    weeks, days = divmod(-day, _WEEK)
    parts = [
        f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in ((weeks, "week"), (days, "day")) if number
    ]
    return f"{' and '.join(parts)} ago" if day else "today"
