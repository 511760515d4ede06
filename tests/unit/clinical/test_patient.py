"""The age of a patient on a day."""

from datetime import date

from cds_service.clinical.patient import Demographics, Patient


def test_the_age_of_a_newborn_is_nothing_and_before_the_birth_there_is_none() -> None:
    child = Patient(date(2026, 11, 3), "female")
    ages = [(child.age_on(day), child.months_on(day)) for day in (date(2026, 11, 2), date(2026, 11, 3))]
    assert ages == [(None, None), (0, 0)]
    assert Patient(None, "").months_on(date(2026, 11, 3)) is None


def test_a_year_of_birth_gives_the_youngest_and_the_oldest_age_and_no_age_to_an_interval() -> None:
    day = date(2026, 11, 3)
    patient = Patient(date(1980, 12, 31), "male", earliest=date(1980, 1, 1))
    assert (patient.age_on(day), patient.oldest_on(day), patient.months_on(day)) == (45, 46, None)
    assert patient.demographics_on(day) == Demographics(None, None, "male")
    assert [patient.age_beside(edge, day) for edge in (45, 46, 47)] == [46, None, 46]


def test_an_age_that_is_not_known_lies_on_no_side_of_an_edge() -> None:
    assert Patient(None, "").age_beside(18, date(2026, 11, 3)) is None
    assert Patient(None, "").oldest_on(date(2026, 11, 3)) is None
