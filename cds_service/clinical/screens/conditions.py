"""Screens of the problem list for active conditions."""

from collections.abc import Callable

from cds_service.clinical.chart import Chart, Data
from cds_service.clinical.facts import Fact, State, known
from cds_service.clinical.screens.screening import NAMELESS, PRESENT, Finding, is_nameless, screen_list
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import Moment, read_moment
from cds_service.fhir.json import Concept, Resource, code_or_concept, read_concept
from cds_service.fhir.versions.elements import onset_dates

_LIVE_CLINICAL = {"active", "recurrence", "relapse"}
NOT_TRUE = {"refuted", "entered-in-error"}


def is_active(condition: Resource) -> bool:
    """True unless a status says that the condition is over, refuted or entered in error."""
    clinical = code_or_concept(condition.get("clinicalStatus"))
    verification = code_or_concept(condition.get("verificationStatus"))
    return (not clinical or bool(clinical & _LIVE_CLINICAL)) and not verification & NOT_TRUE


def screen_conditions(
    chart: Chart, vocabulary: Vocabulary, codes: str, words: str, counts: Callable[[Resource], bool] | None = None
) -> Fact:
    """An active condition of a code list; one that only has a name of the word list makes the fact *unknown*.

    `counts` says of a condition whether it is looked at, such as by its age; all are, where it is None.
    """

    def find(condition: Concept) -> Finding:
        if is_nameless(condition):
            return NAMELESS
        rows = vocabulary.code_lists[codes].rows_of(condition.codings)
        included = next((row for row in rows if row.included), None)
        unsure = next((row.term for row in rows if row.unsure), None)
        if rows:  # a refused code is an answer: the name beside it is not looked up
            return included or unsure
        hint = vocabulary.name_lists[words].included_among(condition.names)
        return hint.name if hint else None

    active = [
        (condition, concept)
        for condition, concept in _active_conditions(chart.get(queries.PROBLEMS))
        if counts is None or counts(condition)
    ]
    return screen_list(chart, queries.PROBLEMS, ((condition, find(concept)) for condition, concept in active))


def onset_of(condition: Resource) -> Moment | None:
    """When a condition began, else when it was recorded; None where neither is exact to the day."""
    return next((moment for value in onset_dates(condition) if (moment := read_moment(value)) is not None), None)


def _active_conditions(problems: Data) -> list[tuple[Resource, Concept]]:
    """The active conditions and what each is, read once for all screens."""
    if "active" not in problems.cache:
        problems.cache["active"] = [
            (condition, read_concept(condition.get("code"))) for condition in problems.resources if is_active(condition)
        ]
    active: list[tuple[Resource, Concept]] = problems.cache["active"]
    return active


def on_problem_list(
    chart: Chart, vocabulary: Vocabulary, codes: str, label: str, counts: Callable[[Resource], bool] | None = None
) -> Fact:
    """The same screen, with `label` in the fact's summary: chronic kidney disease on the problem list."""
    fact = screen_conditions(chart, vocabulary, codes, f"{codes}-words", counts)
    if fact.state is not State.KNOWN:
        return fact
    return known(PRESENT, fact.origins, summary=f"{label} on the problem list")
