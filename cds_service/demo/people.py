"""The people of the demo: the invented ones of the fixtures, as if their story happened today.

All dates in the fixtures belong to one day. Served as they are, every result would soon be too old to be used; so each
date moves by the same number of whole days, and everybody keeps their age.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cds_service.errors import DemoDataMissing
from cds_service.fhir.json import UNREADABLE, Json, Resource, decode, member
from cds_service.fhir.searching import resources_in

STORY_NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)  # as fixtures/README.md says
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(T.*)?", re.ASCII)


def load_people(fixtures: Path) -> list[Resource]:
    """Every resource of every person. Raises `DemoDataMissing` where there are none."""
    folder = fixtures / "patients"
    try:
        bundles = [decode(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    except (OSError, *UNREADABLE):
        raise DemoDataMissing(folder) from None
    people = [one for bundle in bundles if member(bundle, "entry") for one in resources_in(bundle)]
    if not people:
        raise DemoDataMissing(folder)
    return people


def days_since_story(now: datetime) -> int:
    """Whole days, rounded down: what is two hours old in the story may be older today, but never in the future."""
    return (now - STORY_NOW).days


def moved(value: Json, days: int) -> Json:
    """A copy in which every whole date has moved by some days. A year or a month alone stays as it is."""
    if isinstance(value, list):
        return [moved(one, days) for one in value]
    if isinstance(value, dict):
        return {
            name: _moved(one, days, _born) if name == "birthDate" else moved(one, days) for name, one in value.items()
        }
    return _moved(value, days, _later)


def _moved(value: Json, days: int, move: Callable[[date, int], date]) -> Json:
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else f"{move(date.fromisoformat(found[1]), days)}{found[2] or ''}"


def _later(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _born(born: date, days: int) -> date:
    """The birth date of somebody who is as old, in years and days, on the day of the demo as in the story."""
    today = STORY_NOW.date()
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return _years_later(_later(_years_later(born, years), days), -years)


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
