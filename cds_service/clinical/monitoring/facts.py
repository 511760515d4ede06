"""The facts about a treatment that is under way, beside those of its patient and of its order."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Facts
from cds_service.clinical.labs.amino_acids import read_analyte, treatments_unread
from cds_service.clinical.labs.treatment import Treatment, find_treatments
from cds_service.clinical.monitoring.results import (
    before_treatment,
    read_baseline,
    read_follow_up,
    read_follow_up_age,
    read_measured_since,
    since_treatment,
)
from cds_service.clinical.monitoring.risks import (
    read_new_bleeding_risk,
    read_new_glutamine,
    read_new_hypersensitivity,
    read_new_nitroglycerin,
    read_new_pregnancy,
    recorded_after,
)
from cds_service.clinical.monitoring.treatments import NO_START, UNCLEAR_STATUS, first_start, read_treatment_days
from cds_service.clinical.orders.drafts import DraftOrders
from cds_service.clinical.orders.laboratory import read_amino_acids_pending
from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.patient import Patient, read_patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.datetimes import Moment

_RESULTS = ("baseline_glutamate", "baseline_cystine", "follow_up_glutamate", "measured_since", "follow_up_age")
_RISKS = ("new_hypersensitivity", "new_nitroglycerin", "new_glutamine", "new_bleeding_risk", "new_pregnancy")


class _Course(NamedTuple):
    """Since when acetylcysteine has been taken, all of it on record, and why it may have begun earlier (None: not)."""

    began: Moment
    on_record: Sequence[Treatment]
    earlier: Fact | None


def read_treatment_facts(
    treatments: Sequence[Order], orders: DraftOrders, chart: Chart, vocabulary: Vocabulary, now: datetime
) -> Facts:
    """Everything that rests on when these treatments began. `orders` holds all acetylcysteine that is active."""
    began, on_record = first_start(treatments), find_treatments(chart, vocabulary)
    earlier = treatments_unread(on_record, chart)
    facts = {
        "treatment_days": read_treatment_days(treatments, began, now, earlier),
        "amino_acids_pending": read_amino_acids_pending(chart, vocabulary),
    }
    if began is None:
        unknown = NO_START if treatments else UNCLEAR_STATUS
        return {**facts, **dict.fromkeys((*_RESULTS, *_RISKS), unknown)}
    course = _Course(began, on_record, earlier)
    patient = read_patient(chart, int(vocabulary.thresholds["oldest-age"]), now.date())
    results = _read_results(course, chart, patient, vocabulary, now)
    return {**facts, **results, **_read_risks(course, orders, chart, patient, vocabulary, now)}


def _read_results(course: _Course, chart: Chart, patient: Patient, vocabulary: Vocabulary, now: datetime) -> Facts:
    glutamate, cystine = (read_analyte(name, chart, vocabulary, now) for name in ("glutamate", "cystine"))
    before, cystine_before = (
        before_treatment(results, course.began, course.on_record, vocabulary, now) for results in (glutamate, cystine)
    )
    since = since_treatment(glutamate, course.began, vocabulary, now)
    of_glutamate, of_cystine = (vocabulary.site_intervals.get(name, ()) for name in ("glutamate", "cystine"))
    follow_up = read_follow_up(since, before, chart, patient, of_glutamate)
    return {
        "baseline_glutamate": read_baseline(before, chart, patient, course.on_record, of_glutamate),
        "baseline_cystine": read_baseline(cystine_before, chart, patient, course.on_record, of_cystine),
        "follow_up_glutamate": follow_up,
        "measured_since": read_measured_since(follow_up),
        "follow_up_age": read_follow_up_age(since, follow_up, now),
    }


def _read_risks(
    course: _Course, orders: DraftOrders, chart: Chart, patient: Patient, vocabulary: Vocabulary, now: datetime
) -> Facts:
    later = recorded_after(chart, course.began.day, is_first=course.earlier is None)
    return {
        "new_hypersensitivity": read_new_hypersensitivity(chart, later, vocabulary),
        "new_nitroglycerin": read_new_nitroglycerin(orders, chart, later, vocabulary),
        "new_glutamine": read_new_glutamine(orders, chart, later, vocabulary),
        "new_bleeding_risk": read_new_bleeding_risk(chart, later, vocabulary),
        "new_pregnancy": read_new_pregnancy(chart, later, patient, vocabulary, now.date()),
    }
