"""Body weight: the newest plausible result, and whether it is recent enough to be relied on."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from cds_service.clinical.chart import Chart
from cds_service.clinical.labs.results import AnalyteResults, Result, read_results, result_criteria
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import format_day
from cds_service.fhir.quantities import format_number, round_significant


@dataclass(frozen=True, slots=True)
class Weight:
    """Body weight in kg, the result that it is from, and whether it is recent enough to be relied on."""

    kg: Decimal
    recent: bool
    reference: str = ""


@dataclass(frozen=True, slots=True)
class WeightOnRecord:
    """The newest plausible weight, if there is one; and why a newer one is not used, empty if there is none."""

    weight: Weight | None
    unused: str = ""


def read_weight(chart: Chart, vocabulary: Vocabulary, years: int | None, now: datetime) -> WeightOnRecord:
    """The newest weight that is plausible at an age (None: not known). One beside which a newer is not used is old."""
    criteria = result_criteria(vocabulary, "body-weight", "weight")
    results = read_results(chart.get(queries.BODY), criteria, chart.patient_id, now)
    problems = {id(result): _problem(result, vocabulary, years) for result in results.usable}
    newest = next((result for result in results.usable if not problems[id(result)]), None)
    refused = next((result for result in results.usable if problems[id(result)]), None)
    unused = _unused(results, newest)
    if refused is not None and (newest is None or results.usable.index(refused) < results.usable.index(newest)):
        unused = f"weight of {format_day(refused.moment.day)}: {problems[id(refused)]}"
    if newest is None:
        return WeightOnRecord(None, unused)
    recent = newest.moment.days_before(now) <= vocabulary.thresholds["weight-age"]
    return WeightOnRecord(Weight(newest.measure.value, recent and not unused, newest.reference), unused)


def _problem(result: Result, vocabulary: Vocabulary, years: int | None) -> str:
    """Why a weight is no weight of a person of this age; empty if it is plausible."""
    kg, comparator = result.measure.value, result.measure.comparator
    if comparator:
        return "it is given with < or >"
    lowest, highest = _plausible(vocabulary, years)
    if lowest <= kg <= highest:
        return ""
    written = format_number(round_significant(kg))
    return f"{written} kg is not plausible, {format_number(lowest)} to {format_number(highest)} kg are"


def _plausible(vocabulary: Vocabulary, years: int | None) -> tuple[Decimal, Decimal]:
    """The lightest and the heaviest plausible person; at an unknown age, the lightest child and the heaviest adult."""
    bounds = vocabulary.thresholds
    adult, child = (
        (bounds["adult-weight-lowest"], bounds["adult-weight-highest"]),
        (bounds["child-weight-lowest"], bounds["child-weight-highest"]),
    )
    if years is None:
        return child[0], adult[1]
    return adult if years >= bounds["adult-age"] else child


def _unused(results: AnalyteResults, newest: Result | None) -> str:
    """The newest weight that could not be read, if no other is as new."""
    dated = [rejected for rejected in results.rejected if rejected.moment and not rejected.is_void]
    rejected = max(dated, key=lambda rejected: rejected.moment.day if rejected.moment else date.min, default=None)
    if rejected is None or rejected.moment is None or (newest and newest.moment.day >= rejected.moment.day):
        return ""
    return rejected.describe()
