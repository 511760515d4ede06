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
    """Date of birth, exact to the day, and administrative sex; None or empty where they are not known."""

    born: date | None
    sex: str

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


def read_patient(chart: Chart) -> Patient:
    """The patient as the Patient resource says; a birth date that is less exact than a day is not known."""
    record: Resource = next(iter(chart.get(queries.PATIENT).resources), {})
    born = read_moment(record.get("birthDate"))
    return Patient(born.day if born else None, text(record.get("gender")))
