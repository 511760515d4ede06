"""Body weight: the newest result, and whether it is recent enough to be relied on."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cds_service.clinical.chart import Chart
from cds_service.clinical.labs.results import read_results, result_criteria
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries


@dataclass(frozen=True, slots=True)
class Weight:
    """Body weight in kg, the result that it is from, and whether it is recent enough to be relied on."""

    kg: Decimal
    recent: bool
    reference: str = ""


def read_weight(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Weight | None:
    """The newest weight above zero without a comparator; None if there is none."""
    criteria = result_criteria(vocabulary, "body-weight", "weight")
    usable = read_results(chart.get(queries.BODY), criteria, chart.patient_id, now).usable
    newest = next((result for result in usable if result.measure.value > 0 and not result.measure.comparator), None)
    if newest is None:
        return None
    recent = newest.moment.days_before(now) <= vocabulary.thresholds["weight-age"]
    return Weight(newest.measure.value, recent, newest.reference)
