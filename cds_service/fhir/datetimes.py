"""Dates and times as FHIR sends them: exact to a day or to an instant, or less exact than that.

`today` and `now` always come from the caller. The day of a dateTime is the day as written, whatever its time zone.
"""

import re
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from cds_service.fhir.json import Json, Resource, member, text

_YEAR_OR_MONTH = re.compile(r"(\d{4})(?:-(\d{2}))?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]  # not strftime, whose month names follow the machine's locale
_DAY_IN_WORDS = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}})\b")
_LAST_SECOND = time(23, 59, 59)
WIDEST_ZONE = timedelta(hours=14)  # the largest offset from UTC that is in use


class Moment(msgspec.Struct, frozen=True):
    """When something happened: the day as written, and the earliest and latest instant that it can mean."""

    day: date
    earliest: datetime
    latest: datetime

    def days_before(self, now: datetime) -> int:
        """Whole calendar days from this day to the day of `now`."""
        return (now.date() - self.day).days

    def is_later_than(self, other: "Moment") -> bool:
        """True if its day is later; of one day, if it is later whatever the times that are not stated."""
        return self.day > other.day or (self.day == other.day and self.earliest > other.latest)

    def is_after(self, now: datetime) -> bool:
        """True if it lies in the future in every time zone in which it can have been written."""
        return self.earliest > now


def read_moment(value: Json) -> Moment | None:
    """A FHIR date, dateTime or instant; None if it is less exact than a day or cannot be read."""
    written = text(value)
    if _DAY.match(written) is None:
        return None
    try:
        return _whole_day(written) if len(written) == len("YYYY-MM-DD") else _instant(written)
    except (ValueError, OverflowError):
        return None


def _whole_day(written: str) -> Moment:
    day = date.fromisoformat(written)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Moment(day, midnight - WIDEST_ZONE, midnight + timedelta(days=1) + WIDEST_ZONE)


def _instant(written: str) -> Moment | None:
    if "T" not in written:
        return None
    local = datetime.fromisoformat(written)
    if local.tzinfo is not None:
        utc = local.astimezone(UTC)
        return Moment(local.date(), utc, utc)
    utc = local.replace(tzinfo=UTC)
    return Moment(local.date(), utc - WIDEST_ZONE, utc + WIDEST_ZONE)


def last_day(value: Json) -> date | None:
    """The last day that a FHIR date, dateTime or instant can mean, be it exact to the year or month; None if unread."""
    days = possible_days(value)
    return days[1] if days else None


def possible_days(value: Json) -> tuple[date, date] | None:
    """The first and the last day that a FHIR date, dateTime or instant can mean; None if it cannot be read."""
    written = text(value)
    exact = read_moment(written)
    if exact is not None:
        return exact.day, exact.day
    parts = _YEAR_OR_MONTH.fullmatch(written)
    year, month = (int(parts[1]), int(parts[2] or 12)) if parts else (0, 0)
    if not 1 <= month <= 12 or not 1 <= year < 9999:
        return None
    first = date(year, month if parts and parts[2] else 1, 1)
    return first, date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def sample_moment(observation: Resource) -> Moment | None:
    """When the sample was taken: the effective time, or the start of the effective period. Never `issued`."""
    for name in ("effectiveDateTime", "effectiveInstant"):
        if observation.get(name) is not None:
            return read_moment(observation[name])
    return read_moment(member(observation.get("effectivePeriod"), "start"))


def completed_years(born: date, on: date) -> int:
    """Age in completed years on a day."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def completed_months(born: date, on: date) -> int:
    """Age in completed months on a day."""
    return (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)


def end_of_day(day: date) -> datetime:
    """The last second of a day in UTC: what is dated by the day alone has happened by then."""
    return datetime.combine(day, _LAST_SECOND, UTC)


def format_short_day(day: date) -> str:
    """A day where there is little room: 3 Nov 2026."""
    return f"{day.day} {_MONTHS[day.month - 1][:3]} {day.year}"


def shorten_days(words: str) -> str:
    """Words in which days have short months, where there is little room."""
    return _DAY_IN_WORDS.sub(lambda found: f"{found[1]} {found[2][:3]} {found[3]}", words)


def format_day(day: date) -> str:
    """A day with its month in words, which no country reads as another day: 3 November 2026."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
