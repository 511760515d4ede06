"""What has to hold of an order before its dose may be changed: its product, its one instruction, and its texts."""

import re
from decimal import Decimal

from cds_service.clinical.facts import Fact, Origin, absent, known
from cds_service.clinical.orders.dose import format_mg
from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.orders.route import unread_routes
from cds_service.clinical.orders.timing import Schedule, read_schedule
from cds_service.clinical.orders.words import notes_on, read_written_dose, texts_in
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import CodeRow
from cds_service.fhir.json import Coding, Resource, codings
from cds_service.fhir.quantities import format_number
from cds_service.fhir.systems import RXNORM
from cds_service.fhir.versions.elements import (
    doses_of,
    drugs_of,
    has_unread_instruction,
    instructions_of,
    is_as_needed,
    is_plain_timing,
    states_maximum,
    states_rate_or_range,
)

_SEVERAL_DRUGS = re.compile(r"[/+&]|\band\b", re.IGNORECASE)
_TWICE = Decimal(2)


def read_whole_units(order: Order, vocabulary: Vocabulary) -> Fact:
    """The tablets or capsules in the single dose of the studies, where they are a whole number.

    Only for a product that its codes identify as acetylcysteine alone, by mouth, with one strength.
    """
    strengths = {row.extra["strength_mg"] for row in order.products if row.extra.get("strength_per")}
    coded = [row for row in order.products if row.extra.get("strength_per")]
    if not coded or len(strengths) > 1 or not all(_is_single(row, vocabulary) for row in coded):
        return absent("no code identifies a tablet or capsule of acetylcysteine alone")
    strength = Decimal(strengths.pop())
    if _has_other_code(order) or any(_names_more(name, strength, vocabulary) for name in order.names):
        return absent("its codes or names say more than one product")
    units = vocabulary.thresholds["studied-single-dose"] / strength
    if units % 1:
        return absent(f"the dose of the studies is no whole number of units of {format_mg(strength)}")
    origin = Origin(order.reference, coded[0].term)
    return known("whole", (origin,), units=format_number(units), strength=format_mg(strength))


def _is_single(row: CodeRow, vocabulary: Vocabulary) -> bool:
    listed = vocabulary.code_lists["single-ingredient-oral"].find(Coding(row.system, row.code))
    return listed is not None and listed.included


def _has_other_code(order: Order) -> bool:
    """True for a RxNorm code that is not listed as acetylcysteine: what it stands for is not known."""
    stated = {coding.code for drug in drugs_of(order.resource) for coding in codings(drug) if coding.system == RXNORM}
    return not stated <= {row.code for row in order.products}


def _names_more(name: str, strength: Decimal, vocabulary: Vocabulary) -> bool:
    written = read_written_dose([name], vocabulary).mg
    return _SEVERAL_DRUGS.search(name) is not None or written not in (None, strength)


def read_plain_instruction(order: Order, vocabulary: Vocabulary) -> Fact:
    """Whether the order is one instruction with one dose at plain times of a day, and nothing that a change would lose.

    A timing that is twice a day already stays as it is, in whatever way it is written.
    """
    instructions = instructions_of(order.resource)
    if len(instructions) != 1 or has_unread_instruction(order.resource):
        return absent("it has not just one dosage instruction")
    (instruction,) = instructions
    if unread_routes(order.resource, vocabulary):
        return absent("it states a route that is not read")
    if is_as_needed(instruction):
        return absent("it is taken as needed")
    if len(doses_of(instruction)) != 1 or states_rate_or_range(instruction):
        return absent("it states not just one dose")
    if states_maximum(instruction):
        return absent("it states a maximum")
    if not (is_twice_daily(instruction) or is_plain_timing(instruction.get("timing"))):
        return absent("its timing says more than how often a day")
    return known("plain", (Origin(order.reference, "dosageInstruction"),))


def is_twice_daily(instruction: Resource) -> bool:
    """True for an instruction whose dose is given twice on every day."""
    schedule = read_schedule(instruction)
    return isinstance(schedule, Schedule) and schedule.on_a_day == _TWICE and schedule.mean in (None, _TWICE)


def read_stated_amounts(order: Order, vocabulary: Vocabulary) -> Fact:
    """Whether a text of the order states a number or a time of day, which another dose may contradict."""
    texts = [*texts_in(instructions_of(order.resource)), *notes_on(order)]
    words = vocabulary.name_lists["amount-words"]
    if any(character.isdigit() for text in texts for character in text) or words.included_among(texts):
        return known("stated", (Origin(order.reference, "its texts"),))
    return absent("no text of the order states an amount")
