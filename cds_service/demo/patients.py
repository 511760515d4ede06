"""The invented patients of the fixtures, with their dates moved to the present.

The fixtures are written for one fixed day. Unchanged, every result would soon be too old to be used, so each date is
moved by the same number of whole days, and every patient keeps their age.
"""

import re
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cds_service.errors import DemoDataMissing
from cds_service.fhir.json import UNREADABLE, Json, Resource, decode, member
from cds_service.fhir.searching import resources_in

FIXTURES_NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)  # see fixtures/README.md
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(T.*)?", re.ASCII)


def load_patients(fixtures: Path) -> list[Resource]:
    """Every resource of every patient. Raises `DemoDataMissing` if there are none."""
    folder = fixtures / "patients"
    try:
        bundles = [decode(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    except (OSError, *UNREADABLE):
        raise DemoDataMissing(folder) from None
    resources = [resource for bundle in bundles if member(bundle, "entry") for resource in resources_in(bundle)]
    if not resources:
        raise DemoDataMissing(folder)
    return resources


def load_sentences(fixtures: Path) -> dict[str, str]:
    """By patient, a short sentence about the case; empty where the folder has no file of them."""
    try:
        sentences = tomllib.loads((fixtures / "patients" / "sentences.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    return {patient: sentence for patient, sentence in sentences.items() if isinstance(sentence, str)}


def days_since_fixtures(now: datetime) -> int:
    """Whole days from the date of the fixtures until now, rounded down, so that no moved date is in the future."""
    return (now - FIXTURES_NOW).days


def shift_dates(value: Json, days: int) -> Json:
    """A copy in which every full date is moved by some days; a year or a month on its own stays as it is."""
    if isinstance(value, list):
        return [shift_dates(item, days) for item in value]
    if isinstance(value, dict):
        return {
            name: _shift(item, days, _shift_birth_date) if name == "birthDate" else shift_dates(item, days)
            for name, item in value.items()
        }
    return _shift(value, days, _add_days)


def _shift(value: Json, days: int, move: Callable[[date, int], date]) -> Json:
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    return value if match is None else f"{move(date.fromisoformat(match[1]), days)}{match[2] or ''}"


def _add_days(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _shift_birth_date(birth_date: date, days: int) -> date:
    """The birth date that gives the same age, in years and days, on the new date as in the fixtures."""
    today = FIXTURES_NOW.date()
    years = today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))
    return _add_years(_add_days(_add_years(birth_date, years), days), -years)


def _add_years(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
