"""Creatinine results as the equations and KDIGO need them: in µmol/L, above zero and without a comparator."""

from datetime import datetime
from decimal import Decimal

from cds_service.clinical.chart import Chart
from cds_service.clinical.labs.results import Result, ResultCriteria, read_results
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries

UMOL_PER_MG_DL = Decimal("88.4")


def creatinine_results(chart: Chart, vocabulary: Vocabulary, now: datetime) -> list[Result]:
    """Creatinine results in µmol/L, newest first. Those taken before or after dialysis have codes of their own."""
    criteria = ResultCriteria(vocabulary.code_lists["creatinine"], "creatinine")
    usable = read_results(chart.get(queries.KIDNEY), criteria, chart.patient_id, now).usable
    return [result for result in usable if result.measure.value > 0 and not result.measure.comparator]
