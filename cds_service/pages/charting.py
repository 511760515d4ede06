"""What the chart of a patient shows: every entry by name, value and date, and the plots of the amino acids.

`show_chart` is given the moment as of which the chart is looked at; nothing here reads a clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from cds_service.clinical.chart import Chart, ResultElement
from cds_service.clinical.labs.results import read_results, result_criteria, sample_time_of, value_as_sent
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import format_day, last_day, read_moment
from cds_service.fhir.json import Json, Resource, code_or_concept, names, objects, shorten, text
from cds_service.fhir.versions.elements import (
    allergens_of,
    allergy_verification_of,
    dates_written,
    drugs_of,
    onset_dates,
)
from cds_service.pages.plotting import Plot, make_plots

_RESULTS = {  # section -> its query, and the code lists of it that are read, each with its kind of unit
    "Kidney results": (queries.KIDNEY, {"creatinine": "creatinine", "egfr": "eGFR"}),
    "Weight and height": (queries.BODY, {"body-weight": "weight", "body-height": "height"}),
    "Acetaminophen levels": (queries.ACETAMINOPHEN, {}),
}
_USUAL = {"active", "confirmed"}  # statuses that go without saying


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a chart: what it is, its value or status, its day in words, and why it is not used if it is not."""

    name: str
    value: str = ""
    day: str = ""
    not_used: str = ""


@dataclass(frozen=True, slots=True)
class ShownChart:
    """A chart as of a moment: entries by section, newest first, and the plots."""

    sections: dict[str, tuple[Entry, ...]]
    plots: list[Plot]


def show_chart(chart: Chart, vocabulary: Vocabulary, now: datetime, day: str = "today") -> ShownChart:
    """Everything on record but the Patient resource, as of a moment, whose day is called so."""
    sections = {
        "Allergies": tuple(map(_allergy, chart.get(queries.ALLERGIES).resources)),
        "Problems": tuple(map(_problem, chart.get(queries.PROBLEMS).resources)),
        "Medications": tuple(map(_medication, _medications_of(chart))),
        **{label: tuple(_results(chart, *asked, vocabulary, now)) for label, asked in _RESULTS.items()},
    }
    return ShownChart(sections, make_plots(chart, vocabulary, now, day))


def _allergy(allergy: Resource) -> Entry:
    dates = [allergy.get("onsetDateTime"), allergy.get("recordedDate"), allergy.get("assertedDate")]
    statuses = code_or_concept(allergy.get("clinicalStatus")) | allergy_verification_of(allergy)
    kind = code_or_concept(allergy.get("type")) - {"allergy"}
    reactions = [name for reaction in objects(allergy.get("reaction")) for name in names(reaction.get("manifestation"))]
    value = ", ".join(filter(None, (_unusual(statuses | kind), *dict.fromkeys(reactions))))
    return Entry(_first_name(*allergens_of(allergy)), shorten(value), _day_in(dates))


def _problem(condition: Resource) -> Entry:
    statuses = code_or_concept(condition.get("clinicalStatus")) | code_or_concept(condition.get("verificationStatus"))
    return Entry(_first_name(condition.get("code")), _unusual(statuses), _day_in(onset_dates(condition)))


def _medications_of(chart: Chart) -> list[Resource]:
    return [*chart.get(queries.MEDICATIONS).resources, *chart.get(queries.STATEMENTS).resources]


def _medication(order: Resource) -> Entry:
    return Entry(_first_name(*drugs_of(order)), _unusual({text(order.get("status"))}), _day_in(dates_written(order)))


def _results(
    chart: Chart, query: str, code_lists: dict[str, str], vocabulary: Vocabulary, now: datetime
) -> Iterator[Entry]:
    """Each result that has a value, newest first, with the reason for which it is not used."""
    data = chart.get(query)
    reasons = {
        (rejected.reference, rejected.sent): rejected.reason
        for name, kind in code_lists.items()
        for rejected in read_results(data, result_criteria(vocabulary, name, kind), chart.patient_id, now).rejected
    }
    elements = [element for group in data.elements_by_codings.values() for element in group]
    for source in sorted(elements, key=_day_of, reverse=True):
        if value := value_as_sent(source.element):
            day = _day_of(source)
            written = format_day(day) if day > date.min else ""
            name = _first_name(source.element.get("code"))
            printed = value.replace("{1.73_m2}", "1.73 m²")  # of an eGFR, as a laboratory prints it
            yield Entry(name, printed, written, reasons.get((source.reference, value), ""))


def _day_of(source: ResultElement) -> date:
    moment = sample_time_of(source.element, source.resource)
    return moment.day if moment else date.min


def _first_name(*concepts: Json) -> str:
    return shorten(next((name for concept in concepts for name in names(concept)), "no name"))


def _unusual(statuses: set[str]) -> str:
    return shorten(", ".join(sorted(statuses - _USUAL - {""})))


def _day_in(dates: list[Json]) -> str:
    """The first date that can be read, in words; one that is exact to the year or month only, as it is written."""
    readable = next((written for written in dates if last_day(written) is not None), None)
    if (moment := read_moment(readable)) is not None:
        return format_day(moment.day)
    return text(readable)
