"""Creatinine results as the equations and KDIGO need them: in µmol/L, plausible and without a comparator."""

from datetime import datetime, timedelta
from decimal import Decimal

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, absent, known
from cds_service.clinical.labs.results import Result, read_results, result_criteria
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import format_day

UMOL_PER_MG_DL = Decimal("88.4")
WINDOW = timedelta(days=7)  # of KDIGO, and of a fall that says that function is changing


def creatinine_results(chart: Chart, vocabulary: Vocabulary, now: datetime) -> list[Result]:
    """Creatinine results in µmol/L, newest first. Those taken before or after dialysis have codes of their own."""
    criteria = result_criteria(vocabulary, "creatinine", "creatinine")
    usable = read_results(chart.get(queries.KIDNEY), criteria, chart.patient_id, now).usable
    return [result for result in usable if not result.measure.comparator]


def read_falling_creatinine(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Fact:
    """Whether creatinine fell by a third or more within the last 7 days: then no clearance from it reassures."""
    results = [result for result in creatinine_results(chart, vocabulary, now) if result.moment.latest >= now - WINDOW]
    if not results:
        return chart.gap(queries.KIDNEY) or absent("no creatinine of the last 7 days")
    newest, *earlier = results
    highest = max(earlier, key=lambda result: result.measure.value, default=newest)
    if 3 * newest.measure.value > 2 * highest.measure.value:
        return absent("no fall by a third")
    summary = (
        f"creatinine fell within 7 days, from {highest.measure.sent} of {format_day(highest.moment.day)} "
        f"to {newest.measure.sent} of {format_day(newest.moment.day)}"
    )
    return known("present", (highest.origin, newest.origin), summary=summary)
