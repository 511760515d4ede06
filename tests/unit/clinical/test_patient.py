"""The age of a patient on a day."""

from datetime import date

from cds_service.clinical.patient import Patient


def test_the_age_of_a_newborn_is_nothing_and_before_the_birth_there_is_none() -> None:
    child = Patient(date(2026, 11, 3), "female")
    ages = [(child.age_on(day), child.months_on(day)) for day in (date(2026, 11, 2), date(2026, 11, 3))]
    assert ages == [(None, None), (0, 0)]
    assert Patient(None, "").months_on(date(2026, 11, 3)) is None
