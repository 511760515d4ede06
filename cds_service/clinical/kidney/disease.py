"""Dialysis, chronic kidney disease or impairment, and the summary of kidney function."""

from datetime import datetime
from decimal import Decimal

from cds_service.clinical.chart import Chart, is_valid
from cds_service.clinical.facts import Fact, Origin, State, absent, known, unknown
from cds_service.clinical.kidney.egfr import Egfr, undetermined_egfr
from cds_service.clinical.screens.conditions import on_problem_list
from cds_service.clinical.screens.screening import PRESENT
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.versions.elements import is_about

DIALYSIS, INJURY, DISEASE, IMPAIRMENT, NONE = "dialysis", "injury", "disease", "impairment", "none"


def read_dialysis(chart: Chart, vocabulary: Vocabulary) -> Fact:
    """Dialysis on the problem list, or a creatinine that was taken before or after it."""
    for result in chart.get(queries.KIDNEY).elements_with(vocabulary.code_lists["dialysis-creatinine"]):
        if is_valid(result.resource) and is_about(result.resource, chart.patient_id):
            origin = Origin(result.reference, "creatinine before or after dialysis")
            return known(PRESENT, (origin,), summary="creatinine taken before or after dialysis on record")
    problem = on_problem_list(chart, vocabulary, "dialysis", "dialysis")
    return problem if problem.state is not State.ABSENT else chart.gap(queries.KIDNEY) or problem


def read_kidney_disease(chart: Chart, vocabulary: Vocabulary, egfr: Egfr | None, now: datetime) -> Fact:
    """Chronic kidney disease on the problem list; else impairment, a different finding, by the latest eGFR."""
    problem = on_problem_list(chart, vocabulary, "kidney-disease", "chronic kidney disease")
    if problem.state is State.KNOWN:
        return known(DISEASE, problem.origins, summary=str(problem.texts["summary"]))
    impaired = egfr is not None and _is_impaired(egfr, vocabulary.thresholds["egfr-impairment"])
    if egfr is not None and impaired is None:
        return unknown("the comparator of the eGFR leaves its class open", (egfr.result.origin,))
    if egfr is not None and impaired:
        return known(IMPAIRMENT, (egfr.result.origin,), summary=egfr.describe())
    if problem.state is not State.ABSENT:
        return problem
    undetermined = undetermined_egfr(chart, vocabulary, now) if egfr is None else None
    return chart.gap(queries.KIDNEY) or undetermined or problem


def _is_impaired(egfr: Egfr, limit: Decimal) -> bool | None:
    """Whether the eGFR lies below the limit; None where its comparator leaves that open."""
    comparator = egfr.result.measure.comparator
    if comparator == "<":
        return True if egfr.value <= limit else None
    if comparator == "<=":
        return True if egfr.value < limit else None
    if comparator:
        return False if egfr.value >= limit else None
    return egfr.value < limit


def summarise_kidney(dialysis: Fact, injury: Fact, disease: Fact, egfr: Egfr | None) -> Fact:
    """The gravest of dialysis, injury and disease, with the eGFR; unknown where one of them is and none is known."""
    by_gravity = ((DIALYSIS, dialysis), (INJURY, injury), (str(disease.value), disease))
    for value, fact in by_gravity:
        if fact.state is State.KNOWN:
            return _with_egfr(value, fact, egfr)
    gap = next((fact for _, fact in by_gravity if fact.state is State.UNKNOWN), None)
    if gap is not None:
        return unknown(gap.note, gap.origins, summary=egfr.describe() if egfr else "")
    if egfr is None:
        return absent("no eGFR, and no creatinine from which it can be computed")
    return known(NONE, (egfr.result.origin,), summary=egfr.describe())


def _with_egfr(value: str, fact: Fact, egfr: Egfr | None) -> Fact:
    summary = str(fact.texts["summary"])
    if egfr is not None and value != IMPAIRMENT:
        summary = f"{summary}; {egfr.describe()}"
    return known(value, fact.origins, summary=summary)
