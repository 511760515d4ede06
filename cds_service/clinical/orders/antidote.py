"""Whether an order may be an antidote for acetaminophen poisoning. In doubt, it is one.

Each sign counts alone, with one exception: the course of the oral antidote lasts three days. An order by mouth that
states a longer course is one only by its own words, or if both its dose and the record speak for it.
"""

from dataclasses import dataclass
from decimal import Decimal

from cds_service.clinical.facts import Fact, State
from cds_service.clinical.labs.weight import Weight
from cds_service.clinical.orders.dose import Dose, read_dose
from cds_service.clinical.orders.duration import least_course_days, supply_days
from cds_service.clinical.orders.poisoning import is_poisoning, order_speaks_of_poisoning
from cds_service.clinical.orders.recognise import Order, brand_of
from cds_service.clinical.orders.route import INHALATION, INTRAVENOUS, OPHTHALMIC, ORAL
from cds_service.clinical.orders.strengths import Strength, highest_strength
from cds_service.clinical.orders.words import (
    WrittenDose,
    notes_on,
    own_words,
    read_written_dose,
    read_written_mg_per_kg,
    texts_in,
)
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Json
from cds_service.fhir.versions.elements import doses_of, instructions_of


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order as far as its use rests on it.

    `stated` are the routes that it states and that are read, else those of which its words speak; `surely_stated` those
    of them whose code or word is verified. `product` are those for which its product is made. `reasons` are the
    concepts that say why.
    """

    order: Order
    dose: Dose
    stated: frozenset[str]
    surely_stated: frozenset[str]
    product: frozenset[str]
    reasons: tuple[Json, ...]
    states_unread_route: bool
    is_for_swallowing: bool

    @property
    def intended(self) -> frozenset[str]:
        """The routes that it states, else those of its product."""
        return self.stated or self.product


@dataclass(frozen=True, slots=True)
class Person:
    """Of the patient what an antidote's dose is told by: age in years, None if it is not known, and weight."""

    years: Decimal | None
    weight: Weight | None
    poisoning: Fact


def antidote_sign(ordered: Ordered, person: Person, vocabulary: Vocabulary) -> str:
    """Why an order may be an antidote, in words for the reader; empty if nothing says so, and for eye drops."""
    if ordered.stated | ordered.product == {OPHTHALMIC}:
        return ""
    own = _own_sign(ordered, vocabulary)
    if own:
        return own
    by_dose = _dose_sign(ordered, person, vocabulary)
    on_record = "signs of acetaminophen poisoning on record" if person.poisoning.state is State.KNOWN else ""
    if _is_long_course(ordered, vocabulary):
        return f"{by_dose}, and {on_record}" if by_dose and on_record else ""
    return by_dose or on_record


def _own_sign(ordered: Ordered, vocabulary: Vocabulary) -> str:
    """What the order itself says: an intravenous route or product, an antidote's brand, or words of poisoning."""
    if INTRAVENOUS in ordered.stated | ordered.product:
        return "an intravenous route or product"
    if any(is_poisoning(reason, vocabulary) for reason in ordered.reasons):
        return "its reason is acetaminophen poisoning or overdose"
    if any(order_speaks_of_poisoning(written, vocabulary) for written in own_words(ordered.order)):
        return "words of the order speak of an antidote: in doubt, it is one"
    brand = brand_of(ordered.order.names, vocabulary)
    return f"{brand.name} is an antidote's brand" if brand and brand.extra.get("use") == "antidote" else ""


def _is_long_course(ordered: Ordered, vocabulary: Vocabulary) -> bool:
    """By mouth, and stated to last for longer than any oral antidote.

    A supply counts only beside a number of tablets or capsules of a coded product: EHRs often fill it in.
    """
    longest = vocabulary.thresholds["antidote-longest-course"]
    if ordered.states_unread_route or ordered.stated - {ORAL} or ordered.intended - {ORAL}:
        return False
    is_coded = any(row.extra.get("strength_per") == "unit" for row in ordered.order.products)
    by_supply = ordered.dose.is_counted and is_coded and supply_days(ordered.order) > longest
    return by_supply or least_course_days(ordered.order) > longest


def _dose_sign(ordered: Ordered, person: Person, vocabulary: Vocabulary) -> str:
    """A dose as large as an antidote's, in numbers or in words."""
    highest = _highest_dose(ordered, person, vocabulary)
    sign = _large_dose(highest, ordered, person, vocabulary) or _solution_by_mouth(ordered, vocabulary)
    return sign or _written_sign(ordered, person, vocabulary)


def _highest_dose(ordered: Ordered, person: Person, vocabulary: Vocabulary) -> Dose:
    """The dose; where a strength is not known, by the most that a piece may hold and by the stronger solution."""
    if ordered.dose.single is not None:
        return ordered.dose
    strength = highest_strength(ordered.order, vocabulary)
    highest = Strength(strength.per_piece, strength.per_ml or vocabulary.thresholds["strongest-solution"])
    return read_dose(ordered.order, person.weight.kg if person.weight else None, vocabulary, highest)


def _large_dose(dose: Dose, ordered: Ordered, person: Person, vocabulary: Vocabulary) -> str:
    bounds = vocabulary.thresholds
    if dose.frequent_single is not None and dose.frequent_single >= bounds["antidote-single-dose"]:
        return "a single dose as large as an antidote's"
    if (
        INHALATION in ordered.surely_stated
    ):  # what a nebuliser takes in a day, or for the weight of a child, is no antidote
        return ""
    if dose.per_day_read >= bounds["antidote-daily-dose"]:
        return "a dose per day as large as an antidote's"
    if dose.single_per_kg is not None and dose.single_per_kg >= _least_per_kg(person, vocabulary):
        return "a single dose per kg as large as an antidote's"
    return _large_for_weight(dose.single, person, vocabulary)


def _large_for_weight(single: Decimal | None, person: Person, vocabulary: Vocabulary) -> str:
    """By the weight; of a child without a recent one by the amount. With an old weight either is enough."""
    bounds, weight = vocabulary.thresholds, person.weight
    if single is None:
        return ""
    by_weight = weight is not None and single >= _least_per_kg(person, vocabulary) * weight.kg
    if by_weight and (_is_small(person, vocabulary) or single > bounds["antidote-dose-per-weight-above"]):
        return "a single dose per kg as large as an antidote's"
    young = person.years is not None and person.years < bounds["antidote-young-age"]
    if young and (weight is None or not weight.recent) and single > bounds["antidote-young-dose"]:
        return "a single dose as large as a child's antidote, and no recent weight"
    return ""


def _least_per_kg(person: Person, vocabulary: Vocabulary) -> Decimal:
    small = _is_small(person, vocabulary)
    return vocabulary.thresholds["antidote-dose-per-weight-child" if small else "antidote-dose-per-weight"]


def _is_small(person: Person, vocabulary: Vocabulary) -> bool:
    """A child; where the age is not known, a person too light to be an adult."""
    if person.years is not None:
        return person.years < vocabulary.thresholds["adult-age"]
    return person.weight is not None and person.weight.kg < vocabulary.thresholds["adult-weight-lowest"]


def _solution_by_mouth(ordered: Ordered, vocabulary: Vocabulary) -> str:
    """The inhalation solution, which is also the labelled oral antidote, other than by inhalation."""
    if ordered.surely_stated - {ORAL} or not _is_solution(ordered, vocabulary):
        return ""
    dose, bounds = ordered.dose, vocabulary.thresholds
    small_dose = dose.single is not None and dose.single <= bounds["solution-dose-by-mouth"]
    small_volume = dose.volume is not None and dose.volume <= bounds["solution-volume-by-mouth"]
    return "" if small_dose or small_volume else "the inhalation solution, not by inhalation, and its dose not small"


def _is_solution(ordered: Ordered, vocabulary: Vocabulary) -> bool:
    if ordered.is_for_swallowing:
        return False
    if ordered.dose.volume is not None or INHALATION in ordered.product:
        return True
    texts = [*ordered.order.names, *texts_in(instructions_of(ordered.order.resource))]
    return vocabulary.name_lists["solution-words"].included_among(texts) is not None


def _written_sign(ordered: Ordered, person: Person, vocabulary: Vocabulary) -> str:
    """The same of a dose that is written in words only, of one whose unit is not read, and of any that is per kg."""
    per_kg = read_written_mg_per_kg([*texts_in(instructions_of(ordered.order.resource)), *notes_on(ordered.order)])
    if per_kg is not None and per_kg >= _least_per_kg(person, vocabulary):
        return "a dose per kg in words as large as an antidote's"
    stated = [read_written_dose(_written_doses(ordered), vocabulary), *ordered.dose.in_doubt]
    signs = (_sign_of_written(written, ordered, person, vocabulary) for written in stated)
    return next(filter(None, signs), "")


def _sign_of_written(written: WrittenDose, ordered: Ordered, person: Person, vocabulary: Vocabulary) -> str:
    bounds = vocabulary.thresholds
    if written.sign:
        return "its dose in words is an antidote's"
    if written.mg is None or INHALATION in ordered.surely_stated:
        return ""
    if written.mg >= bounds["antidote-single-dose"] or written.mg * written.times >= bounds["antidote-daily-dose"]:
        return "a dose in words as large as an antidote's"
    return _large_for_weight(written.mg, person, vocabulary)


def _written_doses(ordered: Ordered) -> list[str]:
    """The words of instructions that state no dose in numbers; where none is read at all, all of them and the notes."""
    instructions = instructions_of(ordered.order.resource)
    if ordered.dose.single is None:
        return [*texts_in(instructions), *notes_on(ordered.order)]
    return texts_in(instruction for instruction in instructions if not doses_of(instruction))
