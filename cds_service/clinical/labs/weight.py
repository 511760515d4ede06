"""Body weight: the newest plausible one, and whether it is recent enough to be relied on."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cds_service.clinical.chart import Chart
from cds_service.clinical.labs.results import Wanted, read_results
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries


@dataclass(frozen=True, slots=True)
class Weight:
    """Body weight in kg and where it stands; `recent` is False for one that is too old to be relied on."""

    kg: Decimal
    recent: bool
    name: str = ""


def read_weight(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Weight | None:
    """The newest weight above zero without a comparator; None if there is none."""
    wanted = Wanted(vocabulary.code_lists["body-weight"], "weight")
    results = read_results(chart.get(queries.BODY), wanted, chart.patient_id, now).usable
    newest = next((one for one in results if one.measure.value > 0 and not one.measure.comparator), None)
    if newest is None:
        return None
    recent = newest.moment.days_before(now) <= vocabulary.thresholds["weight-age"]
    return Weight(newest.measure.value, recent, newest.name)
