"""The dose of an order in mg, exact: the largest amount on a day of treatment and at once, or why it is not known.

Ranges count with their upper end. Instructions that are in force together are added; of those that follow one another
the largest day counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from cds_service.clinical.orders.counts import counts_otherwise, is_count
from cds_service.clinical.orders.duration import concurrent_instructions
from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.orders.strengths import Strength, read_strength
from cds_service.clinical.orders.timing import Schedule, Timing, falls_on, read_schedule, round_rate
from cds_service.clinical.orders.words import WrittenDose, read_written_dose
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Json, Resource, at, items, member, number, text
from cds_service.fhir.quantities import Measure, Refusal, format_number, read_measure, round_significant, written_units
from cds_service.fhir.versions.elements import doses_by_kind, has_unread_instruction, instructions_of, is_as_needed

TEXT_ONLY = Refusal("its dose is written as text only")
_TIMES = {Decimal(1): "once", Decimal(2): "twice", Decimal(3): "three times", Decimal(4): "four times"}

Amount = Decimal | Refusal


@dataclass(frozen=True, slots=True)
class Dose:
    """Amounts in mg; None where they are not known.

    `per_day` is the largest amount on a day of treatment (None: the order states no dose), `per_day_read` that of the
    instructions that can be read. `single` is the largest amount at once, `frequent_single` that of doses no more than
    24 hours apart; `single_per_kg` is in mg/kg, `volume` in mL. `is_counted` says that every dose is a number of
    tablets or capsules, `ceiling` that a stated maximum is less than the dose, and `words` say the dose as clinicians
    do: 600 mg twice daily. `in_doubt` are the amounts whose unit is not read, as the same words in a text would be:
    they may only silence.
    """

    per_day: Amount | None
    per_day_read: Decimal = Decimal(0)
    single: Decimal | None = None
    frequent_single: Decimal | None = None
    single_per_kg: Decimal | None = None
    volume: Decimal | None = None
    is_counted: bool = False
    ceiling: str = ""
    words: str = ""
    in_doubt: tuple[WrittenDose, ...] = ()


class _SingleDose(NamedTuple):
    """One Quantity: in mg; in mg/kg or mL if that is how it is ordered.

    `is_unconverted` says that its unit is known, and that what is lacking is a strength or a weight.
    """

    amount: Amount
    per_kg: Decimal | None = None
    volume: Decimal | None = None
    is_counted: bool = False
    is_unconverted: bool = False
    in_doubt: WrittenDose | None = None


class _InstructionDose(NamedTuple):
    """What one instruction comes to."""

    per_day: Amount
    doses: list[_SingleDose]
    is_seldom: bool
    ceiling: str
    words: str
    in_doubt: tuple[WrittenDose, ...]

    @property
    def single(self) -> Decimal | None:
        """The largest amount at once that it states in any way."""
        return max((dose.amount for dose in self.doses if isinstance(dose.amount, Decimal)), default=None)


@dataclass(frozen=True, slots=True)
class _Product:
    """What a quantity is converted by."""

    strength: Strength
    weight_kg: Decimal | None
    vocabulary: Vocabulary


def read_dose(
    order: Order, weight_kg: Decimal | None, vocabulary: Vocabulary, strength: Strength | None = None
) -> Dose:
    """The dose of an order. `weight_kg` is for a dose per kg; `strength` stands in for that of the product."""
    instructions = instructions_of(order.resource)
    if has_unread_instruction(order.resource):
        return Dose(Refusal("one of its dosage instructions cannot be read"))
    if not instructions:
        return Dose(None)
    product = _Product(strength or read_strength(order, vocabulary), weight_kg, vocabulary)
    read = {id(instruction): _read_instruction(instruction, product) for instruction in instructions}
    days = [day for stage in concurrent_instructions(instructions) for day in _by_day_of_week(stage)]
    stages = [[read[id(instruction)] for instruction in day] for day in days]
    return _dose_of(list(read.values()), stages)


def _by_day_of_week(stage: Sequence[Resource]) -> list[list[Resource]]:
    """The instructions that fall on the same day of the week, for each day on which there are any."""
    days = [falls_on(instruction) for instruction in stage]
    different = sorted({day for on in days for day in on})
    return [[instruction for instruction, on in zip(stage, days, strict=True) if day in on] for day in different]


def _dose_of(instructions: Sequence[_InstructionDose], stages: Iterable[Sequence[_InstructionDose]]) -> Dose:
    by_stage = [_sum(instruction.per_day for instruction in stage) for stage in stages]
    refused = next((total for total, _ in by_stage if isinstance(total, Refusal)), None)
    largest = max(read for _, read in by_stage)
    doses = [dose for instruction in instructions for dose in instruction.doses]
    frequent = (instruction.single for instruction in instructions if not instruction.is_seldom)
    return Dose(
        refused or largest,
        largest,
        _max(instruction.single for instruction in instructions),
        _max(frequent),
        _max(dose.per_kg for dose in doses),
        _max(dose.volume for dose in doses),
        bool(doses) and all(dose.is_counted for dose in doses),
        next((instruction.ceiling for instruction in instructions if instruction.ceiling), ""),
        instructions[0].words if len(instructions) == 1 else "",
        tuple(written for instruction in instructions for written in instruction.in_doubt),
    )


def _max(amounts: Iterable[Decimal | None]) -> Decimal | None:
    return max((amount for amount in amounts if amount is not None), default=None)


def _sum(daily: Iterable[Amount]) -> tuple[Amount, Decimal]:
    """The amounts of one day added up, or why they cannot be; and those that can be read."""
    amounts = list(daily)
    read = sum((amount for amount in amounts if isinstance(amount, Decimal)), Decimal(0))
    return next((amount for amount in amounts if isinstance(amount, Refusal)), read), read


def _read_instruction(instruction: Resource, product: _Product) -> _InstructionDose:
    stated = [(kind, _read_single(quantity, product)) for kind, quantity in doses_by_kind(instruction)]
    single, schedule = _choose(instruction, stated), read_schedule(instruction)
    limits = _limits(instruction, product)
    per_day = _per_day(single, schedule, limits, is_as_needed(instruction))
    return _InstructionDose(
        per_day,
        [dose for _, dose in stated],
        isinstance(schedule, Schedule) and schedule.seldom,
        "" if is_as_needed(instruction) else _ceiling(single, schedule, limits),
        _words(single, schedule),
        _all_in_doubt([dose for _, dose in stated], schedule),
    )


def _all_in_doubt(doses: Iterable[_SingleDose], schedule: Timing) -> tuple[WrittenDose, ...]:
    written = [dose.in_doubt for dose in doses if dose.in_doubt]
    times = schedule.on_a_day if isinstance(schedule, Schedule) else Decimal(1)
    return tuple(amount._replace(times=times) for amount in written)


def _choose(instruction: Resource, stated: Sequence[tuple[str, _SingleDose]]) -> Amount:
    """The dose that counts: what is ordered, else what is calculated, else any other; the first that can be read."""
    if not stated:
        written = text(instruction.get("text")) or text(instruction.get("patientInstruction"))
        return TEXT_ONLY if written else Refusal("it states no dose")
    of_kinds = [[dose for kind, dose in stated if kind == wanted] for wanted in ("ordered", "calculated", "")]
    amounts = [_largest(doses) for doses in of_kinds if doses]
    return next((amount for amount in amounts if isinstance(amount, Decimal)), amounts[0])


def _largest(doses: Sequence[_SingleDose]) -> Amount:
    """The upper end of several; one that only lacks a strength or a weight is the same dose in another unit."""
    read = [dose.amount for dose in doses if isinstance(dose.amount, Decimal)]
    refused = [dose for dose in doses if isinstance(dose.amount, Refusal)]
    unread = next((dose for dose in refused if not (read and dose.is_unconverted)), None)
    return unread.amount if unread else max(read)


def _per_day(single: Amount, schedule: Timing, limits: "_Limits", as_needed: bool) -> Amount:
    """Doses times dose. A maximum is no dose; only what is taken as needed may come to it."""
    scheduled = _scheduled(single, schedule)
    if not as_needed:
        return scheduled
    possible = [amount for amount in (scheduled, limits.per_day) if isinstance(amount, Decimal)]
    if not possible and limits.are_longer:
        return Refusal("its maximum is stated for more than a day")
    return min(possible, default=scheduled)


def _scheduled(single: Amount, schedule: Timing) -> Amount:
    if isinstance(single, Refusal):
        return single
    if isinstance(schedule, Schedule):
        per_day = round_rate(single * schedule.on_a_day)
        return per_day or Refusal("its dose per day is too large or too small to be one")
    return schedule or Refusal("it does not say how often")


def _ceiling(single: Amount, schedule: Timing, limits: "_Limits") -> str:
    """Names a maximum that is less than the dose which is scheduled."""
    scheduled = _scheduled(single, schedule)
    if isinstance(scheduled, Refusal) or limits.per_day is None or limits.per_day >= scheduled:
        return ""
    return f"its stated maximum of {format_mg(limits.per_day)} per day is less"


def _words(single: Amount, schedule: Timing) -> str:
    """The dose as clinicians say it; empty where that takes more than a few words."""
    if isinstance(single, Refusal) or not isinstance(schedule, Schedule) or schedule.seldom:
        return ""
    times = _TIMES.get(schedule.on_a_day)
    return f"{format_mg(single)} {times} daily" if times else ""


def format_mg(amount: Decimal) -> str:
    """An amount as it is printed: 2,400 mg."""
    return f"{format_number(round_significant(amount, 6))} mg"


def _read_single(quantity: Json, product: _Product) -> _SingleDose:
    """A Quantity as a dose: a mass, a number of tablets or a volume of known strength, or a mass per kg.

    Their units are distinct, so the order of the attempts makes no difference but to speed: most doses are masses.
    """
    quantity = product.vocabulary.local_units.translate(quantity)
    value = number(member(quantity, "value"))
    if value is None or value <= 0 or text(member(quantity, "comparator")):
        return _SingleDose(Refusal("its dose is not a plain positive number"), _per_weight(quantity))
    if is_count(quantity, product.vocabulary):
        return _converted(value, product.strength.per_piece, "the strength of one tablet or capsule is not known")
    mass = read_measure("dose", quantity)
    if counts_otherwise(quantity, product.vocabulary):
        return _SingleDose(mass if isinstance(mass, Refusal) else Refusal("its unit contradicts itself"))
    if isinstance(mass, Measure):
        return _SingleDose(mass.value)
    volume = read_measure("volume", quantity)
    if isinstance(volume, Measure):
        converted = _converted(volume.value, product.strength.per_ml, "the strength of the solution is not known")
        return converted._replace(volume=volume.value, is_counted=False)
    per_kg = _per_weight(quantity)
    if per_kg is not None:
        converted = _converted(per_kg, product.weight_kg, "it is ordered per kg and no weight is known")
        return converted._replace(per_kg=per_kg, is_counted=False)
    return _SingleDose(mass, in_doubt=_in_doubt(value, quantity, product.vocabulary))


def _in_doubt(value: Decimal, quantity: Json, vocabulary: Vocabulary) -> WrittenDose:
    """What an amount would be if its unit stood in a text: `MG` and `grams` are no units that are accepted."""
    one = read_written_dose([f"1 {unit}" for unit in written_units(quantity)], vocabulary)
    return one._replace(mg=None if one.mg is None else one.mg * value)


def _converted(value: Decimal, factor: Decimal | None, otherwise: str) -> _SingleDose:
    if factor is None:
        return _SingleDose(Refusal(otherwise), is_counted=True, is_unconverted=True)
    return _SingleDose(value * factor, is_counted=True)


def _per_weight(quantity: Json) -> Decimal | None:
    measure = read_measure("dose per weight", quantity)
    return None if isinstance(measure, Refusal) else measure.value


class _Limits(NamedTuple):
    """The smallest maximum of a day in mg, and whether one is stated for a longer time."""

    per_day: Decimal | None
    are_longer: bool


def _limits(instruction: Resource, product: _Product) -> _Limits:
    """`maxDosePerPeriod` (a Ratio, in R5 a list of them); none unless each can be read."""
    limits = [_limit(ratio, product) for ratio in items(instruction.get("maxDosePerPeriod"))]
    read = [limit for limit in limits if limit is not None]
    if len(read) < len(limits):
        return _Limits(None, are_longer=False)
    daily = [amount for amount, days in read if days <= 1]
    return _Limits(min(daily, default=None), are_longer=len(daily) < len(read))


def _limit(ratio: Json, product: _Product) -> tuple[Decimal, Decimal] | None:
    """A maximum in mg per day, and the days for which it is stated."""
    per_kg_is_not_read = _Product(product.strength, None, product.vocabulary)
    dose = _read_single(at(ratio, "numerator"), per_kg_is_not_read).amount
    days = read_measure("duration", product.vocabulary.local_units.translate(at(ratio, "denominator")))
    if isinstance(dose, Refusal) or isinstance(days, Refusal) or days.value <= 0 or days.comparator:
        return None
    per_day = round_rate(dose / days.value)
    return None if per_day is None else (per_day, days.value)
