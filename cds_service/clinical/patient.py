"""The patient record: date of birth and administrative sex, and the age on a day."""

from dataclasses import dataclass
from datetime import date

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.fhir import queries
from cds_service.fhir.datetimes import completed_months, completed_years, possible_days
from cds_service.fhir.json import Resource, text


class Demographics(msgspec.Struct, frozen=True):
    """Age on a day, in completed years and in completed months, and administrative sex; None or empty if not known."""

    years: int | None
    months: int | None
    sex: str


@dataclass(frozen=True, slots=True)
class Patient:
    """Date of birth and administrative sex; None or empty where they are not known.

    A date that is exact to the year or month only is known by its last day, `born`, and its first, `earliest`: every
    age is then the youngest it can be, unless a function says otherwise. `birth_date_problem` says why the date of
    birth is not used; empty if it is.
    """

    born: date | None
    sex: str
    birth_date_problem: str = ""
    earliest: date | None = None

    def age_on(self, day: date) -> int | None:
        """Age in completed years on a day, None if the date of birth is not known or lies after it."""
        if self.born is None or self.born > day:
            return None
        return completed_years(self.born, day)

    def oldest_on(self, day: date) -> int | None:
        """The same, as old as the patient can be."""
        if self.born is None or self.born > day:
            return None
        return completed_years(self.earliest or self.born, day)

    def age_beside(self, edge: int, day: date) -> int | None:
        """The oldest age on a day; None also where it is not known on which side of an edge the age lies."""
        youngest, oldest = self.age_on(day), self.oldest_on(day)
        if youngest is None or oldest is None or (youngest < edge) != (oldest < edge):
            return None
        return oldest

    def months_on(self, day: date) -> int | None:
        """Age in completed months on a day, None as for years, and where the date is not exact to the day."""
        if self.born is None or self.earliest is not None or self.born > day:
            return None
        return completed_months(self.born, day)

    def demographics_on(self, day: date) -> Demographics:
        """What a reference interval may depend on, as of a day; no age of a date that is not exact to the day."""
        years = self.age_on(day) if self.earliest is None else None
        return Demographics(years, self.months_on(day), self.sex)


def read_patient(chart: Chart, oldest_age: int, today: date) -> Patient:
    """The patient as the Patient resource says.

    A birth date in the future is not known, nor is one of an age above `oldest_age`.
    """
    record: Resource = next(iter(chart.get(queries.PATIENT).resources), {})
    days, sex = possible_days(record.get("birthDate")), text(record.get("gender"))
    if days is None:
        return Patient(None, sex, "the patient record has no date of birth that can be read")
    earliest, latest = days[0], min(days[1], today)
    if earliest > today:
        return Patient(None, sex, "the date of birth is implausible: it lies in the future")
    if completed_years(latest, today) > oldest_age:
        return Patient(None, sex, f"the date of birth is implausible: an age above {oldest_age} years")
    return Patient(latest, sex, earliest=None if days[0] == days[1] else earliest)
