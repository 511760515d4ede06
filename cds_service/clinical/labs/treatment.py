"""Acetylcysteine that is being taken, and since when: whether a sample is a baseline rests on it.

Only active prescriptions and statements are looked at. Ophthalmic acetylcysteine never is a treatment, inhaled is said
and is none, intravenous is one for some days after its start.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known
from cds_service.clinical.labs.results import AnalyteResults, Result
from cds_service.clinical.orders.drugs import (
    Medications,
    drug_concepts,
    drug_of,
    index_medications_on_record,
    is_active_medication,
    medications_on_record,
)
from cds_service.clinical.orders.duration import start_of, stated_starts
from cds_service.clinical.orders.recognise import recognise
from cds_service.clinical.orders.route import INHALATION, INTRAVENOUS, OPHTHALMIC, routes_of, sure_routes_of
from cds_service.clinical.screens.finding import find_unreadable
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import CodeRow
from cds_service.fhir.datetimes import Moment, format_day, read_moment
from cds_service.fhir.json import Resource, relative_reference
from cds_service.fhir.versions.elements import is_about


@dataclass(frozen=True, slots=True)
class Treatment:
    """An active acetylcysteine medication: where it stands, its route, and when it began (None: that cannot be read).

    `is_named` is False for one whose drug cannot be read: it may be acetylcysteine.
    """

    reference: str
    began: Moment | None
    route: str = ""
    is_named: bool = True

    def had_begun_by(self, sample: Moment, days_of_intravenous: int) -> bool:
        """Whether it was a treatment when the sample was taken: by the day, since most starts are no more exact."""
        if self.route == INHALATION or self.began is None or self.began.day > sample.day:
            return False
        return self.route != INTRAVENOUS or sample.day - self.began.day <= timedelta(days=days_of_intravenous)


def find_treatments(
    chart: Chart,
    vocabulary: Vocabulary,
    draft_orders: Sequence[Resource] = (),
    gathered_medications: Medications = MappingProxyType({}),
) -> list[Treatment]:
    """Each active medication that is acetylcysteine, or may be. An active draft is one that is signed already.

    `gathered_medications` came with the call or from the FHIR server: orders may point to them as to those on record.
    """
    medications = {**index_medications_on_record(chart), **gathered_medications}
    treatments = []
    for resource in _active_medications(chart, draft_orders):
        rows, named = recognise(drug_concepts(resource, medications), vocabulary)
        reference, route = relative_reference(resource), _route(resource, rows, vocabulary)
        if route == OPHTHALMIC:
            continue
        if rows or named:
            treatments.append(Treatment(reference, start_of(resource), route))
        elif _may_be_any(resource, medications, vocabulary):
            treatments.append(Treatment(reference, None, route, is_named=False))
    return treatments


def _active_medications(chart: Chart, draft_orders: Iterable[Resource]) -> Iterator[Resource]:
    """Those on record; and of the drafts those that run already, since their start can be read."""
    running = (order for order in draft_orders if any(map(read_moment, stated_starts(order))))
    for resource in (*medications_on_record(chart), *running):
        if is_active_medication(resource) and is_about(resource, chart.patient_id):
            yield resource


def _may_be_any(resource: Resource, medications: Medications, vocabulary: Vocabulary) -> bool:
    """True where nothing says what the drug is, in words or by a code of any list."""
    excludes = vocabulary.code_lists["acetylcysteine"].excludes
    return find_unreadable(drug_of(resource, medications), vocabulary, excludes) is not None


def _route(resource: Resource, rows: Sequence[CodeRow], vocabulary: Vocabulary) -> str:
    """The route that matters here, as stated, else by the product; empty for any other.

    One whose code is not verified is any other: it never makes a sample count as one before treatment.
    """
    is_stated = bool(routes_of(resource, vocabulary))
    routes = sure_routes_of(resource, vocabulary) if is_stated else {row.extra.get("route", "") for row in rows}
    return next((route for route in (OPHTHALMIC, INTRAVENOUS, INHALATION) if route in routes), "")


def earliest_start(
    results: AnalyteResults, treatments: Iterable[Treatment], days_of_intravenous: int
) -> Treatment | None:
    """The first treatment that had begun when the newest sample was taken."""
    newest = results.newest
    if newest is None:
        return None
    begun = [treatment for treatment in treatments if treatment.had_begun_by(newest.moment, days_of_intravenous)]
    return min(begun, key=_start, default=None)


def _start(treatment: Treatment) -> tuple[str, str]:
    return treatment.began.day.isoformat() if treatment.began else "", treatment.reference


def read_inhaled(treatments: Iterable[Treatment], newest: Result | None) -> Fact:
    """Inhaled acetylcysteine that had begun when the newest sample was taken: said, and no treatment."""
    for treatment in treatments:
        began = treatment.began
        if newest and began and treatment.route == INHALATION and began.day <= newest.moment.day:
            day = format_day(began.day)
            return known("present", (Origin(treatment.reference, f"began {day}"),), since=day)
    return absent("none")
