"""Every fact about the kidney, from one reading of the results."""

from datetime import datetime

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact
from cds_service.clinical.kidney.clearance import read_clearance
from cds_service.clinical.kidney.creatinine import read_falling_creatinine
from cds_service.clinical.kidney.disease import read_dialysis, read_kidney_disease, summarise_kidney, with_remarks
from cds_service.clinical.kidney.egfr import read_egfr, read_kidney_results
from cds_service.clinical.kidney.injury import read_kidney_injury
from cds_service.clinical.labs.weight import Weight
from cds_service.clinical.patient import Patient
from cds_service.clinical.vocabulary import Vocabulary


def read_kidney_facts(
    chart: Chart, vocabulary: Vocabulary, patient: Patient, weight: Weight | None, now: datetime
) -> dict[str, Fact]:
    """Results of the last 90 days count for parenteral glutamine, those of 365 days for the kidney line."""
    on_record = read_kidney_results(chart, vocabulary, patient, now)
    recent = on_record.within(int(vocabulary.thresholds["kidney-result-age"]), now)
    results = on_record.within(int(vocabulary.thresholds["result-age"]), now)
    dialysis, injury = read_dialysis(chart, vocabulary), read_kidney_injury(chart, vocabulary, now)
    clearance = read_clearance(recent, chart, patient, weight)
    disease = read_kidney_disease(chart, vocabulary, recent, clearance)
    falling = read_falling_creatinine(chart, vocabulary, now)
    kidney = summarise_kidney(dialysis, injury, disease, results, chart)
    return {
        "dialysis": dialysis,
        "kidney_injury": injury,
        "kidney_disease": disease,
        "kidney": with_remarks(kidney, injury, falling),
        "egfr": read_egfr(results, chart),
        "clearance": clearance,
        "falling_creatinine": falling,
    }
