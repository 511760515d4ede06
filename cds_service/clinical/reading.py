"""Reads the facts behind the cards: those of the patient once, and those of each acetylcysteine order."""

from datetime import datetime
from decimal import Decimal

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import (
    ABSENT,
    UNKNOWN,
    Fact,
    Facts,
    Origin,
    PatientFacts,
    absent,
    known,
    unknown,
)
from cds_service.clinical.kidney.disease import read_glutamine_kidney
from cds_service.clinical.kidney.facts import read_kidney_facts
from cds_service.clinical.labs import amino_acids
from cds_service.clinical.labs.rejected import read_rejected_results
from cds_service.clinical.labs.treatment import find_treatments, read_inhaled
from cds_service.clinical.labs.weight import WeightOnRecord, read_weight
from cds_service.clinical.orders.drafts import DraftOrders
from cds_service.clinical.orders.indication import ANOTHER_PATIENT, poisoning_as_reason
from cds_service.clinical.orders.laboratory import read_amino_acids_ordered
from cds_service.clinical.orders.poisoning import read_poisoning
from cds_service.clinical.patient import Patient, read_patient
from cds_service.clinical.screens.allergies import read_hypersensitivity
from cds_service.clinical.screens.conditions import screen_conditions
from cds_service.clinical.screens.medications import read_interactions
from cds_service.clinical.screens.pregnancy import read_pregnancy
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.quantities import format_number


def read_patient_facts(orders: DraftOrders, chart: Chart, vocabulary: Vocabulary, now: datetime) -> PatientFacts:
    """Every fact about the patient. What the orders of the call say of the patient counts for all of them."""
    patient = read_patient(chart, int(vocabulary.thresholds["oldest-age"]), now.date())
    weight = read_weight(
        chart, vocabulary, patient.age_beside(int(vocabulary.thresholds["adult-age"]), now.date()), now
    )
    glutamate = amino_acids.read_analyte("glutamate", chart, vocabulary, now)
    cystine = amino_acids.read_analyte("cystine", chart, vocabulary, now)
    glutamine = amino_acids.read_analyte("glutamine", chart, vocabulary, now)
    treatments = find_treatments(chart, vocabulary, orders.draft_orders, orders.medications)
    stated_poisoning = poisoning_as_reason(orders.acetylcysteine_orders, chart, vocabulary)
    facts = {
        "age": _age(chart, patient, vocabulary, now),
        "poisoning": stated_poisoning or read_poisoning(chart, vocabulary, now),
        "glutamate": amino_acids.read_level(glutamate, chart, patient, vocabulary.site_intervals.get("glutamate", ())),
        "glutamate_sample": amino_acids.read_sample_timing(glutamate, treatments, chart, vocabulary),
        "glutamate_before": amino_acids.read_level_before_treatment(glutamate, treatments, vocabulary),
        "glutamate_mix_up": amino_acids.read_mix_up(glutamate, vocabulary),
        "inhaled_acetylcysteine": read_inhaled(treatments, glutamate.newest),
        "results_unused": read_rejected_results([glutamate, cystine], chart, vocabulary),
        "cystine": amino_acids.read_level(cystine, chart, patient, vocabulary.site_intervals.get("cystine", ())),
        "sample_handling": amino_acids.read_sample_handling(glutamate, glutamine, vocabulary),
        "weight": _weight(chart, weight),
        "recent_weight": _recent_weight(chart, weight),
        "amino_acid_results": chart.gap(queries.AMINO_ACIDS) or known("whole"),
        "bronchospasm_risk": screen_conditions(chart, vocabulary, "bronchospasm-risk", "bronchospasm-risk-words"),
        "bleeding_risk": screen_conditions(chart, vocabulary, "bleeding-risk", "bleeding-risk-words"),
        "liver_failure": screen_conditions(chart, vocabulary, "liver-failure", "liver-failure-words"),
        "cystinuria": screen_conditions(chart, vocabulary, "cystinuria", "cystinuria-words"),
        "hypersensitivity": read_hypersensitivity(chart, vocabulary),
        "pregnancy": read_pregnancy(chart, patient, vocabulary, now.date()),
        **read_interactions(orders, chart, vocabulary),
        "other_patient": absent("no order names another patient"),
        "amino_acids_ordered": read_amino_acids_ordered(orders, vocabulary),
        **read_kidney_facts(chart, vocabulary, patient, weight.weight, now),
    }
    facts["glutamine_kidney"] = read_glutamine_kidney(facts)
    return PatientFacts(facts)


def facts_of_another_patients_order() -> Facts:
    """The facts of an order that names another patient: nothing of this patient's data is read for it."""
    states = {name: ABSENT if ABSENT in kind.states else UNKNOWN for name, kind in CATALOGUE.items()}
    facts = {name: Fact(state, note="not read") for name, state in states.items()}
    note = "it is for somebody else than this call is about, so nothing was looked at for it"
    return {**facts, "use": known(ANOTHER_PATIENT), "other_patient": unknown(note)}


def _age(chart: Chart, patient: Patient, vocabulary: Vocabulary, now: datetime) -> Fact:
    """Age in completed years; unknown where a year of birth leaves open on which side of an edge it lies."""
    youngest, oldest = patient.age_on(now.date()), patient.oldest_on(now.date())
    if youngest is None:
        return chart.gap(queries.PATIENT) or unknown(patient.birth_date_problem)
    amount = str(youngest) if youngest == oldest else f"{youngest} or {oldest}"
    edges = [int(vocabulary.thresholds[name]) for name in ("adult-age", "young-child-age")]
    origin = Origin(f"Patient/{chart.patient_id}", f"born {patient.earliest or patient.born}")
    if any(patient.age_beside(edge, now.date()) is None for edge in edges):
        return unknown(f"the date of birth is not exact to the day: {amount} years", (origin,))
    return known(Decimal(youngest), (origin,), amount=amount)


def _weight(chart: Chart, on_record: WeightOnRecord) -> Fact:
    weight = on_record.weight
    if on_record.unused:
        return unknown(on_record.unused)
    if weight is None:
        return chart.gap(queries.BODY) or absent("no weight that can be used")
    return known(weight.kg, (Origin(weight.reference, f"{format_number(weight.kg)} kg"),))


def _recent_weight(chart: Chart, on_record: WeightOnRecord) -> Fact:
    weight = on_record.weight
    if weight is not None and not weight.recent and not on_record.unused:
        return absent("the newest weight is older than 365 days")
    return _weight(chart, on_record)
