"""Dialysis, chronic kidney disease or impairment, and the summary of kidney function."""

from decimal import Decimal

from cds_service.clinical.chart import Chart, is_valid
from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN, Fact, Facts, Origin, absent, known, unknown
from cds_service.clinical.kidney.egfr import Egfr, KidneyResults
from cds_service.clinical.screens.conditions import on_problem_list
from cds_service.clinical.screens.screening import PRESENT
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.versions.elements import is_about

DIALYSIS, INJURY, DISEASE, IMPAIRMENT, NONE = "dialysis", "injury", "disease", "impairment", "none"
EARLIER_INJURY = "earlier injury"
STAGE_5, STAGE_4, FAILURE = "stage 5", "stage 4", "failure"
_BY_SEVERITY = (
    (STAGE_5, "kidney-disease-stage-5", "chronic kidney disease stage 5"),
    (STAGE_4, "kidney-disease-stage-4", "chronic kidney disease stage 4"),
    (FAILURE, "kidney-failure", "kidney failure, acute or chronic not stated,"),
    (DISEASE, "kidney-disease", "chronic kidney disease"),
)


def read_dialysis(chart: Chart, vocabulary: Vocabulary) -> Fact:
    """Dialysis on the problem list, or a creatinine that was taken before or after it."""
    for result in chart.get(queries.KIDNEY).elements_with(vocabulary.code_lists["dialysis-creatinine"]):
        if is_valid(result.resource) and is_about(result.resource, chart.patient_id):
            origin = Origin(result.reference, "creatinine before or after dialysis")
            return known(PRESENT, (origin,), summary="creatinine taken before or after dialysis on record")
    problem = on_problem_list(chart, vocabulary, "dialysis", "dialysis")
    return problem if problem.state is not ABSENT else chart.gap(queries.KIDNEY) or problem


def read_kidney_disease(chart: Chart, vocabulary: Vocabulary, recent: KidneyResults, clearance: Fact) -> Fact:
    """The gravest chronic kidney disease on the problem list; else impairment on the latest result, which is less.

    `recent` are the results of the last 90 days and `clearance` the clearance from them. Stage 4 beside such a number
    is a disease like any other, and so is an unspecified kidney failure beside an eGFR that is not reduced.
    """
    reduced = None if recent.egfr is None else _is_below(recent.egfr, vocabulary.thresholds["egfr-impairment"])
    problems = [(stage, on_problem_list(chart, vocabulary, codes, label)) for stage, codes, label in _BY_SEVERITY]
    for stage, problem in problems:
        if problem.state is KNOWN:
            return _disease(stage, problem, recent, clearance, reduced)
    if recent.egfr is not None and reduced:
        return known(IMPAIRMENT, (recent.egfr.result.origin,), summary=recent.egfr.describe())
    if recent.egfr is not None and reduced is None:
        return unknown("the comparator of the eGFR leaves its class open", (recent.egfr.result.origin,))
    unread = unknown(recent.unread) if recent.unread else None
    undetermined = next((problem for _, problem in problems if problem.state is UNKNOWN), None)
    return undetermined or chart.gap(queries.KIDNEY) or unread or problems[-1][1]


def _disease(stage: str, problem: Fact, recent: KidneyResults, clearance: Fact, reduced: bool | None) -> Fact:
    summary = str(problem.texts["summary"])
    if stage == FAILURE and recent.egfr is not None and reduced is False and not recent.unread:
        return known(DISEASE, problem.origins, summary=f"{summary}, beside {recent.egfr.describe()}")
    if stage == STAGE_4 and clearance.state is KNOWN:
        stage = DISEASE
    return known(stage, problem.origins, summary=summary)


def _is_below(egfr: Egfr, limit: Decimal) -> bool | None:
    """Whether the eGFR lies below the limit; None where its comparator leaves that open."""
    value, comparator = egfr.value, egfr.result.measure.comparator
    if comparator == "<":
        return True if value <= limit else None
    if comparator == "<=":
        return True if value < limit else None
    if comparator:
        return False if value >= limit else None
    return value < limit


def summarise_kidney(dialysis: Fact, injury: Fact, disease: Fact, results: KidneyResults, chart: Chart) -> Fact:
    """The gravest of dialysis, stage 5, injury and disease, with the eGFR of the last 365 days.

    Unknown where one of them is and none is known, and where the newest result cannot be read.
    """
    egfr = results.egfr
    by_gravity = [(DIALYSIS, dialysis), (INJURY, injury), (str(disease.value), disease)]
    by_gravity.sort(key=lambda graded: graded[0] not in (DIALYSIS, STAGE_5))
    for value, fact in by_gravity:
        if fact.state is KNOWN:
            return _with_egfr(value, fact, results)
    gap = next((fact for _, fact in by_gravity if fact.state is UNKNOWN), None)
    note = gap.note if gap else results.unread
    if note:
        return unknown(note, gap.origins if gap else (), summary=egfr.describe() if egfr else "")
    if egfr is None:
        return chart.gap(queries.KIDNEY) or absent("no eGFR, and no creatinine from which it can be computed")
    return known(NONE, (egfr.result.origin,), summary=egfr.describe())


def with_remarks(kidney: Fact, injury: Fact, falling: Fact) -> Fact:
    """The summary with what is said and is no finding of today: an injury of long ago, and a creatinine that fell."""
    if kidney.state is UNKNOWN:
        return kidney
    remarks, value, origins = [str(kidney.texts.get("summary", ""))], kidney.value, kidney.origins
    if injury.state is ABSENT and injury.origins:
        remarks.append(injury.note)
        value, origins = EARLIER_INJURY if value in (None, NONE) else value, origins + injury.origins
    if falling.state is KNOWN and value is not None:
        remarks.append(str(falling.texts["summary"]))
    return kidney if value is None else known(value, origins, summary="; ".join(filter(None, remarks)))


def _with_egfr(value: str, fact: Fact, results: KidneyResults) -> Fact:
    summary, egfr = str(fact.texts["summary"]), results.egfr
    if results.unread:
        summary = f"{summary}; {results.unread}"
    elif egfr is not None and egfr.describe() not in summary:
        summary = f"{summary}; {egfr.describe()}"
    return known(value, fact.origins, summary=summary)


def read_glutamine_kidney(facts: Facts) -> Fact:
    """Whether the kidney results of the last 90 days are enough to judge parenteral glutamine, where it is given."""
    clearance, falling = facts["clearance"], facts["falling_creatinine"]
    if facts["parenteral_glutamine"].state is not KNOWN:
        return absent("no parenteral glutamine")
    if falling.state is KNOWN:
        return unknown(f"{falling.texts['summary']}: no clearance computed from it reassures", falling.origins)
    if clearance.state is ABSENT:
        return unknown("no kidney result of the last 90 days that can be used")
    return known("recent", clearance.origins) if clearance.state is KNOWN else absent(clearance.note)  # named itself
