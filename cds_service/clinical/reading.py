"""From a chart and a moment to facts: patient facts once, order facts for each acetylcysteine order."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Facts, OrderFacts, Origin, PatientFacts, absent, known, unknown
from cds_service.clinical.kidney.clearance import clearance
from cds_service.clinical.kidney.egfr import Patient, dialysis, kidney, kidney_disease, kidney_injury, read_egfr
from cds_service.clinical.labs import amino_acids
from cds_service.clinical.labs.rejected import unused_results
from cds_service.clinical.labs.weight import Weight, read_weight
from cds_service.clinical.orders.dose import Dose, read_dose
from cds_service.clinical.orders.drafts import DraftOrders
from cds_service.clinical.orders.indication import OTHER, RESPIRATORY, poisoning_as_reason, read_poisoning, read_use
from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.screens.conditions import condition_screen, hypersensitivity, missing
from cds_service.clinical.screens.medications import interactions
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import Moment, read_moment
from cds_service.fhir.json import Json, Resource, at, number, text
from cds_service.fhir.quantities import Measure, Refusal, read_measure, rounded, say_number
from cds_service.fhir.versions import instructions_of, length_of, treatment_period


def read_patient(chart: Chart) -> Patient:
    """Date of birth, exact to the day, and administrative sex; empty where they are not known."""
    record: Resource = next(iter(chart.get(queries.PATIENT).resources), {})
    born = read_moment(record.get("birthDate"))
    return Patient(born.day if born else None, text(record.get("gender")))


def read_patient_facts(orders: DraftOrders, chart: Chart, vocabulary: Vocabulary, now: datetime) -> PatientFacts:
    """Every fact about the patient. What the orders of the call say of the patient counts for all of them."""
    patient, drafts = read_patient(chart), orders.resources
    egfr, weight = read_egfr(chart, vocabulary, patient, now), read_weight(chart, vocabulary, now)
    on_dialysis, injury = dialysis(chart, vocabulary), kidney_injury(chart, vocabulary, now)
    disease = kidney_disease(chart, vocabulary, egfr, now)
    glutamate = amino_acids.read_analyte("glutamate", chart, vocabulary, now)
    cystine = amino_acids.read_analyte("cystine", chart, vocabulary, now)
    glutamine = amino_acids.read_analyte("glutamine", chart, vocabulary, now)
    starts = amino_acids.treatment_starts(chart, vocabulary, drafts)
    stated_poisoning = poisoning_as_reason(orders.acetylcysteine_orders, chart, vocabulary)
    facts = {
        "age": _age(chart, patient, now),
        "poisoning": stated_poisoning or read_poisoning(chart, vocabulary, now),
        "glutamate": amino_acids.level(glutamate, chart, patient, vocabulary.site_intervals.get("glutamate", ())),
        "glutamate_sample": amino_acids.sample(glutamate, starts, chart),
        "glutamate_before": amino_acids.before_treatment(glutamate, starts),
        "results_unused": unused_results([glutamate, cystine], chart, vocabulary),
        "cystine": amino_acids.level(cystine, chart, patient, vocabulary.site_intervals.get("cystine", ())),
        "sample_handling": amino_acids.handling(glutamate, glutamine, vocabulary),
        "dialysis": on_dialysis,
        "kidney_injury": injury,
        "kidney_disease": disease,
        "kidney": kidney(on_dialysis, injury, disease, egfr),
        "weight": _weight(chart, weight),
        "amino_acid_results": missing(queries.AMINO_ACIDS, chart.get(queries.AMINO_ACIDS)) or known("whole"),
        "clearance": clearance(chart, vocabulary, patient, weight, egfr, now),
        "bronchospasm_risk": condition_screen(chart, vocabulary, "bronchospasm-risk", "bronchospasm-risk-words"),
        "bleeding_risk": condition_screen(chart, vocabulary, "bleeding-risk", "bleeding-risk-words"),
        "hypersensitivity": hypersensitivity(chart, vocabulary),
        **interactions(chart, drafts, vocabulary),
    }
    return PatientFacts(facts)


def read_order_facts(
    orders: DraftOrders, patient_facts: PatientFacts, chart: Chart, vocabulary: Vocabulary, now: datetime
) -> list[OrderFacts]:
    """The facts of each acetylcysteine order, in their order."""
    weight = read_weight(chart, vocabulary, now)
    order_facts = [
        _order_facts(order, weight, patient_facts, chart, vocabulary) for order in orders.acetylcysteine_orders
    ]
    together = dose_together(order_facts)
    return [OrderFacts({**facts, "dose_together": together}) for facts in order_facts]


def _order_facts(
    order: Order, weight: Weight | None, patient_facts: PatientFacts, chart: Chart, vocabulary: Vocabulary
) -> Facts:
    dose = read_dose(order, weight.kg if weight and weight.recent else None)
    return {
        "use": read_use(order, dose, weight, patient_facts["poisoning"], chart, vocabulary),
        "dose_per_day": _dose_per_day(order, dose),
        "duration": _duration(order),
    }


def _age(chart: Chart, patient: Patient, now: datetime) -> Fact:
    age = patient.age_on(now.date())
    if age is None:
        gap = missing(queries.PATIENT, chart.get(queries.PATIENT))
        return gap or unknown("the patient record has no date of birth that can be read")
    origin = Origin(f"Patient/{chart.patient_id}", f"born {patient.born}")
    return known(Decimal(age), (origin,), amount=str(age))


def _weight(chart: Chart, weight: Weight | None) -> Fact:
    if weight is None:
        return missing(queries.BODY, chart.get(queries.BODY)) or absent("no weight that can be used")
    return known(weight.kg, (Origin(weight.name, f"{say_number(weight.kg)} kg"),))


def _dose_per_day(order: Order, dose: Dose) -> Fact:
    origin = (Origin(order.reference, "dosageInstruction"),)
    if dose.per_day is None:
        return absent("the order states no dose yet", origin)
    if isinstance(dose.per_day, Refusal):
        return unknown(dose.per_day.reason, origin, why=dose.per_day.reason)
    return known(dose.per_day, origin, amount=f"{say_number(rounded(dose.per_day, 6))} mg")


def dose_together(order_facts: Sequence[Facts]) -> Fact:
    """The doses per day of several orders by mouth, added up; absent for one order, or where one is not known."""
    by_mouth = [facts["dose_per_day"] for facts in order_facts if facts["use"].value in (RESPIRATORY, OTHER)]
    doses = [fact.value for fact in by_mouth if isinstance(fact.value, Decimal)]
    if len(by_mouth) < 2 or len(doses) < len(by_mouth):
        return absent("one order, or a dose that is not known")
    total = sum(doses, Decimal(0))
    origins = tuple(origin for fact in by_mouth for origin in fact.origins)
    return known(total, origins, amount=f"{say_number(rounded(total, 6))} mg")


def _duration(order: Order) -> Fact:
    """Days of treatment: the bounds of the timing, else the whole period, else the supply ordered; else open-ended."""
    bounds = [days for one in instructions_of(order.resource) for days in _bounds(one)]
    stated = bounds or _period(treatment_period(order.resource)) or _supply(order)
    origin = (Origin(order.reference, "duration"),)
    if not stated:
        return absent("open-ended", origin)
    days = [one for one in stated if one is not None and one > 0]
    if len(days) < len(stated):
        return unknown("its duration cannot be read", origin)
    return known(max(days), origin, amount=_say_days(max(days)))


Days = Decimal | None  # None: stated, and it cannot be read


def _bounds(instruction: Resource) -> list[Days]:
    """The days that one instruction states; empty if it states none."""
    repeat = at(instruction, "timing", "repeat")
    length = length_of(repeat)
    return _period(at(repeat, "boundsPeriod")) if length is None else [_days(length)]


def _period(period: Json) -> list[Days]:
    if at(period, "end") is None:
        return []
    return [_span(read_moment(at(period, "start")), read_moment(at(period, "end")))]


def _supply(order: Order) -> list[Days]:
    """The days of the supply that is ordered. One that may be dispensed again lasts as often again."""
    request = at(order.resource, "dispenseRequest")
    supply, again = at(request, "expectedSupplyDuration"), at(request, "numberOfRepeatsAllowed")
    if supply is None:
        return []
    days, repeats = _days(supply), Decimal(0) if again is None else number(again)
    return [None if days is None or repeats is None or repeats < 0 else days * (repeats + 1)]


def _days(length: Json) -> Days:
    measure = read_measure("duration", length)
    return measure.value if isinstance(measure, Measure) and not measure.comparator else None


def _span(start: Moment | None, end: Moment | None) -> Days:
    if start is None or end is None or end.day < start.day:
        return None
    return Decimal((end.day - start.day).days + 1)


def _say_days(days: Decimal) -> str:
    return f"{say_number(rounded(days, 3))} day{'' if days == 1 else 's'}"
