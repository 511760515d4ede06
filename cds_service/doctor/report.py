"""What the examination found, for a terminal: a table, what cannot be read, and a verdict.

No patient data is in it unless it is asked for.

Codes, systems and units come from the server, so they are made printable and cut.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Column, Table

from cds_service.clinical.chart import Arrival
from cds_service.content.unread import UnreadCode, UnreadUnit, code_row, printable
from cds_service.doctor.asking import Examination, FhirTarget, QueryResult, listed_searches, search_parameters
from cds_service.fhir.queries import QUERIES
from cds_service.gathering.failures import NO_SUCH_PATIENT, failed_with

_MOST_CODES = 20
_WORDS = {Arrival.GIVEN: "data", Arrival.EMPTY: "none on record", Arrival.NOT_SENT: "not offered; may be left out"}


@dataclass(frozen=True)
class Findings:
    """What an examination came to."""

    examination: Examination
    codes: Counter[UnreadCode]
    units: Counter[UnreadUnit]


def common_failure(findings: Findings) -> str:
    """Why every query failed, where all failed for one reason: there is no more to say. Empty otherwise.

    A server that does not know the patient says so by a 404 to the query for the patient.
    """
    results = findings.examination.results
    reasons = {result.data.gap if result.data.arrival is Arrival.FAILED else "" for result in results}
    if reasons == {NO_SUCH_PATIENT.reason, failed_with(404).reason}:
        return NO_SUCH_PATIENT.reason
    return reasons.pop() if len(reasons) == 1 else ""


def query_table(findings: Findings, target: FhirTarget) -> Table:
    """Each query with its status, its time by itself and with the others, its entries and its requests."""
    found = findings.examination
    deadline = f"all at once, {found.deadline * 1000:.0f} ms"
    headings = ("answer", "by itself", deadline, "entries", "requests", "CapabilityStatement")
    table = Table(Column("query", no_wrap=True), *(Column(heading, overflow="fold") for heading in headings))
    for result in found.results:
        table.add_row(
            result.key,
            escape(_status(result)),
            f"{result.seconds * 1000:.0f} ms",
            _in_time(result),
            str(len(result.data.resources)),
            str(result.requests),
            escape(_listed(found, target, result.key)),
        )
    return table


def _status(result: QueryResult) -> str:
    words = _WORDS.get(result.data.arrival, "failed")
    gap = result.data.gap if result.data.arrival is not Arrival.NOT_SENT else ""
    return f"{words}: {gap}" if gap else words


def _in_time(result: QueryResult) -> str:
    if not result.was_in_time:
        return "too late"
    return "failed" if result.data.arrival is Arrival.FAILED else "in time"


def _listed(examination: Examination, target: FhirTarget, key: str) -> str:
    """Whether the CapabilityStatement lists what the query needs."""
    if examination.capabilities is None:
        return "none"
    listed = listed_searches(examination.capabilities, QUERIES[key].resource_type)
    if listed is None:
        return f"does not list {QUERIES[key].resource_type}"
    missing = [name for name in search_parameters(target, key) if name not in listed]
    return f"does not list {', '.join(missing)}" if missing else "lists it"


def code_lines(findings: Findings, show_values: bool) -> list[str]:
    """The codes that are not read, most frequent first; with a row to paste where the name is that of an analyte."""
    named = sorted(code for code in findings.codes if code.means)
    others = [code for code, _ in findings.codes.most_common() if not code.means]
    lines = ["None has the name of glutamate or cystine."] if others and not named else []
    for unread in named:
        name = f", named “{printable(unread.name)}”" if show_values else ""
        lines.append(f"{findings.codes[unread]} × a code with the name of {unread.means}{name}:\n{code_row(unread)}")
    for unread in others[:_MOST_CODES] if show_values else ():
        code = printable(f"{unread.system}|{unread.code}")
        lines.append(f"{findings.codes[unread]} × {code}, named “{printable(unread.name)}”")
    if others:
        lines.append(
            f"Codes without such a name, which are for other tests: {len(others)}{'' if show_values else _ASK}"
        )
    return lines


_ASK = " (--show-values lists them)"


def unit_lines(findings: Findings) -> list[str]:
    """The results that cannot be used for their unit or value."""
    return [f"{times} × {unit.analyte}: {printable(unit.reason)}" for unit, times in sorted(findings.units.items())]


def problems_of(findings: Findings) -> Sequence[str]:
    """What keeps the guidance from being complete for this patient; empty if nothing does."""
    problems = []
    for result in findings.examination.results:
        label = QUERIES[result.key].label
        if result.data.arrival is Arrival.FAILED:
            problems.append(f"The {label} could not be read: {result.data.gap}.")
        elif result.data.gap and result.data.arrival is Arrival.GIVEN:
            problems.append(f"The {label} came incomplete: {result.data.gap}.")
        if not result.was_in_time:
            problems.append(
                f"The {label} did not arrive in time beside the others; by itself it took "
                f"{result.seconds * 1000:.0f} ms. Prefetch it, or raise CDS_FHIR_DEADLINE_MS."
            )
    if findings.units:
        problems.append("Results have a unit or value that is not read.")
    if any(code.means for code in findings.codes):
        problems.append("Results have the name of glutamate or cystine and no code that is read.")
    return problems
