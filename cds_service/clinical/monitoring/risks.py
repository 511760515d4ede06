"""Risks that came on record after a treatment began, by the date of recording: the same screens, on fewer entries.

An entry that has no such date is not new. One whose date leaves open on which side of the start it lies leaves its list
incomplete.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from cds_service.clinical.chart import Chart, Data
from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN, Fact, absent, known
from cds_service.clinical.orders.drafts import DraftOrders
from cds_service.clinical.patient import Patient
from cds_service.clinical.screens.allergies import INTOLERANCE, read_hypersensitivity
from cds_service.clinical.screens.conditions import screen_conditions
from cds_service.clinical.screens.medications import (
    concomitant_medications,
    screen_nitroglycerin,
    screen_parenteral_glutamine,
)
from cds_service.clinical.screens.pregnancy import screen_pregnancy
from cds_service.clinical.screens.screening import PRESENT
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import format_short_day, possible_days, read_moment
from cds_service.fhir.json import Resource, relative_reference
from cds_service.fhir.versions.elements import record_dates, resource_type

_LISTS = (queries.PROBLEMS, queries.ALLERGIES, queries.MEDICATIONS, queries.STATEMENTS)
_KIDNEY_LISTS = (
    "dialysis",
    "kidney-disease-stage-5",
    "kidney-disease-stage-4",
    "kidney-failure",
    "kidney-disease",
    "kidney-injury",
)
_NOT_AT_ONCE = absent("neither parenteral glutamine nor a kidney disease beside it was recorded after the start")
_SINCE_THEN = "since then"


def recorded_after(chart: Chart, day: date, *, is_first: bool = True) -> Chart:
    """The chart with only those entries of its lists that were recorded on a later day.

    `is_first` is False where the treatment may have begun on an earlier day than this.
    """
    later = {key: _after(chart.get(key), day, is_first=is_first) for key in _LISTS}
    return replace(chart, data={**chart.data, **later})


def _after(data: Data, day: date, *, is_first: bool) -> Data:
    later = [(resource, _is_later(resource, day, is_first=is_first)) for resource in data.resources]
    kept = tuple(resource for resource, is_later in later if is_later)
    if all(is_later is not None for _, is_later in later):
        return Data(data.arrival, kept, data.gap)
    unclear = "an entry may have been recorded before or after the start"
    return Data(data.arrival, kept, "; ".join(filter(None, (data.gap, unclear))))


def _is_later(resource: Resource, day: date, *, is_first: bool) -> bool | None:
    """Whether an entry was recorded on a later day; None where its date leaves that open, or cannot be read."""
    if resource_type(resource) == "Medication":
        return True  # it is the drug of entries, and none itself
    stated = [value for value in record_dates(resource) if value is not None]
    days = next((days for value in stated if (days := possible_days(value))), None)
    if days is None:
        return None if stated else False
    if days[0] > day:
        return True
    return False if is_first and days[1] <= day else None


def _newly(screen: Callable[[Chart], Fact], chart: Chart, later: Chart) -> Fact:
    """What a screen finds among the later entries; absent where it finds nothing among all of them.

    Where neither can be told, what is wrong with all of them is the reason.
    """
    on_record, found = screen(chart), screen(later)
    if on_record.state is ABSENT or on_record.state is found.state is UNKNOWN:
        return on_record
    return _dated(found, later)


def read_new_hypersensitivity(chart: Chart, later: Chart, vocabulary: Vocabulary) -> Fact:
    """An allergy to acetylcysteine among the later entries. An intolerance is none."""

    def screen(part: Chart) -> Fact:
        fact = read_hypersensitivity(part, vocabulary)
        return absent("an intolerance, and no allergy") if fact.value == INTOLERANCE else fact

    return _newly(screen, chart, later)


def read_new_nitroglycerin(orders: DraftOrders, chart: Chart, later: Chart, vocabulary: Vocabulary) -> Fact:
    """Nitroglycerin among the later entries."""
    return _newly(
        lambda part: screen_nitroglycerin(concomitant_medications(orders, part), part, vocabulary), chart, later
    )


def read_new_bleeding_risk(chart: Chart, later: Chart, vocabulary: Vocabulary) -> Fact:
    """Oesophageal varices or peptic ulcer among the later entries."""
    return _newly_on_problem_list("bleeding-risk", chart, later, vocabulary)


def _newly_on_problem_list(codes: str, chart: Chart, later: Chart, vocabulary: Vocabulary) -> Fact:
    return _newly(lambda part: screen_conditions(part, vocabulary, codes, f"{codes}-words"), chart, later)


def read_new_pregnancy(chart: Chart, later: Chart, patient: Patient, vocabulary: Vocabulary, today: date) -> Fact:
    """A pregnancy among the later entries. Breast-feeding is none."""
    return _newly(lambda part: screen_pregnancy(part, patient, vocabulary, today), chart, later)


def read_new_glutamine(orders: DraftOrders, chart: Chart, later: Chart, vocabulary: Vocabulary) -> Fact:
    """Parenteral glutamine among the later entries; beside an earlier one, a kidney disease among them.

    Its words and its day are those of what is new.
    """

    def screen(part: Chart) -> Fact:
        return screen_parenteral_glutamine(concomitant_medications(orders, part), part, vocabulary)

    on_record, found = screen(chart), _newly(screen, chart, later)
    if on_record.state is ABSENT or found.state is KNOWN:
        return found
    kidney = [_newly_on_problem_list(name, chart, later, vocabulary) for name in _KIDNEY_LISTS]
    new = next((fact for fact in kidney if fact.state is KNOWN), None)
    if new is None:
        return next((fact for fact in (found, *kidney) if fact.state is UNKNOWN), _NOT_AT_ONCE)
    if on_record.state is UNKNOWN:
        return on_record
    return known(PRESENT, (*on_record.origins, *new.origins), term=new.texts["term"], day=new.texts["day"])


def _dated(fact: Fact, chart: Chart) -> Fact:
    """The fact with the day on which its entry was recorded, in words: where several entries may be it, without one."""
    if fact.state is not KNOWN:
        return fact
    reference = fact.origins[0].resource
    entries = (resource for key in _LISTS for resource in chart.get(key).resources)
    days = {_recorded_on(resource) for resource in entries if relative_reference(resource) == reference}
    day = days.pop() if len(days) == 1 else _SINCE_THEN
    return known(PRESENT, fact.origins, term=fact.texts["term"], day=day)


def _recorded_on(entry: Resource) -> str:
    moment = next((moment for value in record_dates(entry) if (moment := read_moment(value))), None)
    return format_short_day(moment.day) if moment else _SINCE_THEN
