"""The chart of /try: every entry by name, value and date; what is not used, with its value and the reason."""

from datetime import timedelta

import pytest

from cds_service.fhir import queries
from cds_service.gathering.prefetch import build_chart
from cds_service.pages.charting import Entry, ShownChart, show_chart
from tests.support import NOW, PATIENTS, VOCABULARY, Body, prefetch_for


def chart_of(patient: str, **prefetch: Body) -> ShownChart:
    return show_chart(build_chart(patient, {**prefetch_for(patient), **prefetch}), VOCABULARY, NOW)


def test_a_chart_names_everything_on_record_with_its_date() -> None:
    sections = chart_of("bruno-glutamate-normal").sections

    assert sections["Problems"] == (
        Entry("Chronic kidney disease stage 3a", "", "12 February 2024"),
        Entry("High blood pressure", "", "3 September 2018"),
    )
    assert sections["Medications"] == (Entry("Lisinopril 10 mg tablet", "", "1 June 2026"),)
    assert sections["Kidney results"][0] == Entry("Creatinine", "1.61 mg/dL", "16 November 2026")
    assert [entry.value for entry in sections["Kidney results"][1:]] == ["51 mL/min/1.73 m²", "53 mL/min/1.73 m²"]
    assert sections["Weight and height"] == (Entry("Body weight", "84 kg", "16 November 2026"),)
    assert sections["Allergies"] == sections["Acetaminophen levels"] == ()


def test_a_status_that_changes_the_meaning_stands_with_the_name() -> None:
    sections = chart_of("petra-refuted").sections

    assert sections["Allergies"] == (Entry("Acetylcysteine", "refuted", "9 April 2019"),)
    assert sections["Problems"] == (Entry("Childhood asthma", "resolved", "1983"),)
    assert chart_of("ida-intolerant").sections["Allergies"] == (
        Entry("Acetylcysteine", "intolerance, Nausea", "8 July 2022"),
    )


def test_a_result_that_is_not_used_has_its_value_and_the_reason() -> None:
    (creatinine,) = chart_of("quentin-dialysis").sections["Kidney results"]
    (glutamate,) = chart_of("liam-old-result").plots

    assert (creatinine.value, creatinine.not_used) == ("3.1 mg/dL", "a different specimen or measure")
    assert [(result.value, result.reason) for result in glutamate.rejected] == [
        ("74 µmol/g{creat}", "a different specimen or measure"),
        ("130 µmol/L", "it is more than 365 days old"),
    ]


def test_an_entry_without_a_name_or_date_is_shown() -> None:
    allergies = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "AllergyIntolerance"}}]}

    assert chart_of("alma-glutamate-high", **{queries.ALLERGIES: allergies}).sections["Allergies"] == (
        Entry("no name"),
    )


def test_a_chart_is_of_the_moment_that_it_is_given() -> None:
    chart = build_chart("alma-glutamate-high", prefetch_for("alma-glutamate-high"))
    later = show_chart(chart, VOCABULARY, NOW + timedelta(days=400))

    assert [plot.points for plot in later.plots] == [(), ()]
    assert {result.reason for plot in later.plots for result in plot.rejected} == {"it is more than 365 days old"}


@pytest.mark.parametrize("patient", PATIENTS)
def test_every_entry_of_a_fixture_has_a_name(patient: str) -> None:
    entries = [entry for section in chart_of(patient).sections.values() for entry in section]

    assert entries or patient == "nobody"
    assert [entry for entry in entries if entry.name == "no name"] == []
