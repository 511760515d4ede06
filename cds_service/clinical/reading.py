"""From a chart and a moment to facts: patient facts once, order facts for each acetylcysteine order."""

from datetime import datetime
from decimal import Decimal

from cds_service.clinical import amino_acids, queries
from cds_service.clinical.chart import Chart
from cds_service.clinical.dosing import Dose, read_dose
from cds_service.clinical.elements import Resource, at, text
from cds_service.clinical.facts import Fact, Facts, Origin, absent, known, unknown
from cds_service.clinical.kidney import Patient, kidney
from cds_service.clinical.moments import Moment, read_moment
from cds_service.clinical.orders import Order
from cds_service.clinical.quantities import Measure, Refusal, read_measure, rounded, say_number
from cds_service.clinical.results import Wanted, read_results
from cds_service.clinical.screens import condition_screen, hypersensitivity, missing
from cds_service.clinical.timing import instructions_of
from cds_service.clinical.use import Weight, read_poisoning, read_use
from cds_service.clinical.vocabulary import Vocabulary


def read_patient(chart: Chart) -> Patient:
    """Date of birth, exact to the day, and administrative sex; empty where they are not known."""
    record: Resource = next(iter(chart.get(queries.PATIENT).resources), {})
    born = read_moment(record.get("birthDate"))
    return Patient(born.day if born else None, text(record.get("gender")))


def read_patient_facts(chart: Chart, vocabulary: Vocabulary, drafts: frozenset[str], now: datetime) -> Facts:
    """Every fact that does not depend on the order. `drafts` are the orders in question, as `Type/id`."""
    patient = read_patient(chart)
    glutamate = amino_acids.read_analyte("glutamate", chart, vocabulary, now)
    cystine = amino_acids.read_analyte("cystine", chart, vocabulary, now)
    glutamine = amino_acids.read_analyte("glutamine", chart, vocabulary, now)
    starts = amino_acids.treatment_starts(chart, vocabulary, drafts)
    return {
        "age": _age(chart, patient, now),
        "poisoning": read_poisoning(chart, vocabulary, now),
        "glutamate": amino_acids.level(glutamate, chart, patient),
        "glutamate_sample": amino_acids.sample(glutamate, starts, chart),
        "glutamate_before": amino_acids.before_treatment(glutamate, starts),
        "glutamate_unused": amino_acids.unused(glutamate),
        "cystine": amino_acids.level(cystine, chart, patient),
        "sample_handling": amino_acids.handling(glutamate, glutamine, vocabulary),
        "kidney": kidney(chart, vocabulary, patient, now),
        "bronchospasm_risk": condition_screen(chart, vocabulary, "bronchospasm-risk", "bronchospasm-risk-words"),
        "hypersensitivity": hypersensitivity(chart, vocabulary),
    }


def read_order_facts(order: Order, patient_facts: Facts, chart: Chart, vocabulary: Vocabulary, now: datetime) -> Facts:
    """The facts of one order."""
    weight = read_weight(chart, vocabulary, now)
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


def read_weight(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Weight | None:
    """The newest plausible weight in kg, and whether it is recent enough to be relied on."""
    wanted = Wanted(vocabulary.code_lists["body-weight"], "weight")
    results = read_results(chart.get(queries.BODY), wanted, chart.patient_id, now).usable
    newest = next((one for one in results if one.measure.value > 0 and not one.measure.comparator), None)
    if newest is None:
        return None
    recent = newest.moment.days_before(now) <= vocabulary.thresholds["weight-age"]
    return Weight(newest.measure.value, recent)


def _dose_per_day(order: Order, dose: Dose) -> Fact:
    origin = (Origin(order.reference, "dosageInstruction"),)
    if dose.per_day is None:
        return absent("the order states no dose yet", origin)
    if isinstance(dose.per_day, Refusal):
        return unknown(dose.per_day.reason, origin, why=dose.per_day.reason)
    return known(dose.per_day, origin, amount=f"{say_number(rounded(dose.per_day, 6))} mg")


def _duration(order: Order) -> Fact:
    """Days of treatment: the bounds of the timing, else the supply that is ordered; else open-ended."""
    stated = [found for one in instructions_of(order.resource) if (found := _bounds(one)) is not None]
    supply = at(order.resource, "dispenseRequest", "expectedSupplyDuration")
    if not stated and supply is not None:
        stated = [read_measure("duration", supply)]
    origin = (Origin(order.reference, "duration"),)
    if not stated:
        return absent("open-ended", origin)
    days = [one.value for one in stated if isinstance(one, Measure) and one.value > 0]
    if len(days) < len(stated):
        return unknown("its duration cannot be read", origin)
    return known(max(days), origin, amount=_say_days(max(days)))


def _bounds(instruction: Resource) -> Measure | Refusal | None:
    repeat = at(instruction, "timing", "repeat")
    if at(repeat, "boundsDuration") is not None:
        return read_measure("duration", at(repeat, "boundsDuration"))
    period = at(repeat, "boundsPeriod")
    if at(period, "end") is None:
        return None
    return _span(read_moment(at(period, "start")), read_moment(at(period, "end")))


def _span(start: Moment | None, end: Moment | None) -> Measure | Refusal:
    if start is None or end is None or end.day < start.day:
        return Refusal("its period cannot be read")
    return Measure(Decimal((end.day - start.day).days + 1), "period")


def _say_days(days: Decimal) -> str:
    return f"{say_number(rounded(days, 3))} day{'' if days == 1 else 's'}"
