"""The patient record: date of birth and administrative sex, and the age on a day."""

from dataclasses import dataclass
from datetime import date

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.fhir import queries
from cds_service.fhir.datetimes import completed_months, completed_years, read_moment
from cds_service.fhir.json import Resource, text


class Demographics(msgspec.Struct, frozen=True):
    """Age on a day, in completed years and in completed months, and administrative sex; None or empty if not known."""

    years: int | None
    months: int | None
    sex: str


@dataclass(frozen=True, slots=True)
class Patient:
    """Date of birth, exact to the day, and administrative sex; None or empty where they are not known.

    `birth_date_problem` says why the date of birth is not used; empty if it is.
    """

    born: date | None
    sex: str
    birth_date_problem: str = ""

    def age_on(self, day: date) -> int | None:
        """Age in completed years on a day, None if the date of birth is not known or lies after it."""
        if self.born is None or self.born > day:
            return None
        return completed_years(self.born, day)

    def months_on(self, day: date) -> int | None:
        """Age in completed months on a day, None as for years."""
        if self.born is None or self.born > day:
            return None
        return completed_months(self.born, day)

    def demographics_on(self, day: date) -> Demographics:
        """What a reference interval may depend on, as of a day."""
        return Demographics(self.age_on(day), self.months_on(day), self.sex)


def read_patient(chart: Chart, oldest_age: int, today: date) -> Patient:
    """The patient as the Patient resource says.

    A birth date that is less exact than a day is not known, nor is one in the future or of an age above `oldest_age`.
    """
    record: Resource = next(iter(chart.get(queries.PATIENT).resources), {})
    born, sex = read_moment(record.get("birthDate")), text(record.get("gender"))
    if born is None:
        return Patient(None, sex, "the patient record has no date of birth that can be read")
    if born.day > today:
        return Patient(None, sex, "the date of birth is implausible: it lies in the future")
    if completed_years(born.day, today) > oldest_age:
        return Patient(None, sex, f"the date of birth is implausible: an age above {oldest_age} years")
    return Patient(born.day, sex)
