"""Screens of the problem list for active conditions."""

from collections.abc import Callable
from datetime import date

from cds_service.clinical.chart import Chart, Data
from cds_service.clinical.facts import Fact, State, known
from cds_service.clinical.screens.finding import Doubt, Finding, find
from cds_service.clinical.screens.screening import PRESENT, screen_list
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.codes import CodeRow
from cds_service.fhir.datetimes import last_day
from cds_service.fhir.json import Concept, Resource, code_or_concept, names, read_concept
from cds_service.fhir.versions.elements import onset_dates

_LIVE = {"active", "recurrence", "relapse"}
_OVER = {"inactive", "remission", "resolved"}
NOT_TRUE = {"refuted", "entered-in-error"}
_UNCLEAR_STATUS = Doubt("has a clinical status that this service cannot read")


def is_active(condition: Resource) -> bool:
    """True unless a status says that the condition is over, refuted or entered in error.

    A clinical status that is not recognised does not say that.
    """
    clinical, verification = _clinical_status(condition), code_or_concept(condition.get("verificationStatus"))
    return (bool(clinical & _LIVE) or not clinical & _OVER) and not verification & NOT_TRUE


def _clinical_status(condition: Resource) -> set[str]:
    status = condition.get("clinicalStatus")
    return code_or_concept(status) or {name.lower() for name in names(status)}


def screen_conditions(
    chart: Chart, vocabulary: Vocabulary, codes: str, words: str, counts: Callable[[Resource], bool] | None = None
) -> Fact:
    """An active condition of a code list, or by a name of the word list; *unknown* where an entry is in doubt.

    `counts` says of a condition whether it is looked at, such as by its age; all are, where it is None.
    """
    code_list, name_list = vocabulary.code_lists[codes], vocabulary.name_lists[words]
    findings = (
        (condition, as_far_as_active(condition, find(concept, code_list, name_list, vocabulary)))
        for condition, concept in active_conditions(chart.get(queries.PROBLEMS))
        if counts is None or counts(condition)
    )
    return screen_list(chart, queries.PROBLEMS, findings)


def as_far_as_active(condition: Resource, finding: Finding) -> Finding:
    """The finding; a doubt, where the clinical status of the condition is none that is known."""
    if not isinstance(finding, CodeRow):
        return finding
    status = _clinical_status(condition)
    return _UNCLEAR_STATUS if status and not status & _LIVE else finding


def onset_of(condition: Resource) -> date | None:
    """The last day on which a condition can have begun, else have been recorded; None where neither can be read."""
    return next((day for value in onset_dates(condition) if (day := last_day(value)) is not None), None)


def active_conditions(problems: Data) -> list[tuple[Resource, Concept]]:
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
