"""Proves the content by enumeration over the partitions of the facts, and by its examples.

Every fact can take finitely many values that content can tell apart: its categories, the intervals between its
thresholds, absent and unknown. All combinations of the facts that a card uses are tried, so what is said here is
proved, not sampled.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path

from cds_service.clinical.catalogue import CATALOGUE, FactType
from cds_service.clinical.facts import Fact, Facts, State
from cds_service.content.examples import Ran, run_example
from cds_service.errors import Mistake
from cds_service.guidance.conditions import Condition, Truth
from cds_service.guidance.deciding import decide, wording_of
from cds_service.guidance.model import Card, Content, Phrase, holes

REVIEW_WARNING_DAYS = 60


@dataclass
class Report:
    """What was proved, in lines, and every mistake that was found."""

    lines: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    def fail(self, file: str, problem: str) -> None:
        """Notes a mistake, once."""
        mistake = Mistake(file, 1, problem)
        if mistake not in self.mistakes:
            self.mistakes.append(mistake)


def check_content(content: Content, cards: Path, fixtures: Path) -> Report:
    """Every proof over a loaded content; `fixtures` holds the patients and orders of the examples."""
    report, partitions = Report(), _Partitions(content)
    _check_baseline(content, partitions, report)
    _check_glutamine(content, partitions, report)
    for card in content.cards:
        _check_card(card, partitions, report)
    for phrase in content.phrases.values():
        _check_phrase(phrase, partitions, report)
    _check_uses(content, partitions, report)
    _check_empty(content, report)
    _check_examples(content, fixtures, report)
    report.lines.insert(0, f"{cards.name}/: content {content.version}, {content.status}")
    return report


class _Partitions:
    """The values of each fact that content can tell apart."""

    def __init__(self, content: Content) -> None:
        conditions = [condition for card in content.cards for condition in card.conditions()]
        conditions += [condition for card in content.cards for condition in card.other_conditions()]
        conditions += [condition for phrase in content.phrases.values() for condition in phrase.conditions()]
        self.of = {name: _partition(kind, conditions) for name, kind in CATALOGUE.items()}

    def combinations(self, names: Iterable[str]) -> Iterator[Facts]:
        """Every possible combination of these facts."""
        listed = [name for name in CATALOGUE if name in set(names)]
        for values in product(*(self.of[name] for name in listed)):
            facts = dict(zip(listed, values, strict=True))
            if _is_possible(facts):
                yield facts


def _partition(kind: FactType, conditions: Sequence[Condition]) -> list[Fact]:
    facts = [_fact(kind, State.KNOWN, value) for value in kind.values]
    bounds = {c.threshold for c in conditions if c.fact == kind.name and c.threshold is not None}
    steps = (-kind.step, 0, kind.step)
    numbers = {bound + step for bound in bounds for step in steps} or ({Decimal(1)} if kind.is_number else set())
    facts += [_fact(kind, State.KNOWN, number) for number in sorted(numbers)]
    return facts + [_fact(kind, state, None) for state in kind.states if state is not State.KNOWN]


def _fact(kind: FactType, state: State, value: str | Decimal | None) -> Fact:
    return Fact(state, value, "for the proof", {text: text for text, states in kind.texts.items() if state in states})


def _is_possible(facts: Facts) -> bool:
    """False for what reading can never produce: a sample time without a result."""
    if "glutamate" in facts and "glutamate_sample" in facts:
        result, sample = facts["glutamate"].state, facts["glutamate_sample"].state
        if result is not sample and (result is not State.KNOWN or sample is State.ABSENT):
            return False
    return True


def _advises(card: Card, facts: Facts) -> bool:
    return card.check(facts) is Truth.YES


def _facts_of(cards: Iterable[Card]) -> set[str]:
    return {condition.fact for card in cards for condition in card.conditions()}


def _check_baseline(content: Content, partitions: _Partitions, report: Report) -> None:
    """Exactly one baseline card in use *other*, none elsewhere or beside a critical allergy.

    Where glutamate is unknown, the card that names the screens stands in.
    """
    family = [card for card in content.cards if card.family == "baseline"]
    after = [card for card in content.cards if card.after_others]
    names, count = {"use", "age", "glutamate", "hypersensitivity", *_facts_of(family)}, 0
    for facts in partitions.combinations(names):
        count += 1
        speaking = [card.id for card in family if _advises(card, facts)]
        wanted = _wanted_baselines(facts)
        if len(speaking) != wanted:
            report.fail("baseline", f"{wanted} wanted, {len(speaking)} speak ({', '.join(speaking)}): {_say(facts)}")
        if _is_stood_in(facts) and not _stands_in(facts, family, after):
            report.fail("baseline", f"nothing stands in where glutamate is unknown: {_say(facts)}")
    report.lines.append(f"baseline family: {len(family)} cards, exactly one speaks in each of {count} combinations")


def _is_child(facts: Facts) -> bool:
    age = facts["age"].value
    return isinstance(age, Decimal) and age < 18


def _is_stood_in(facts: Facts) -> bool:
    return _has_baseline(facts) and facts["glutamate"].state is State.UNKNOWN and not _is_child(facts)


def _has_baseline(facts: Facts) -> bool:
    """In use *other*; not beside a critical allergy, with which there is nothing to dose."""
    return facts["use"].value == "other" and facts["hypersensitivity"].value != "present"


def _wanted_baselines(facts: Facts) -> int:
    return int(_has_baseline(facts) and not _is_stood_in(facts))


def _stands_in(facts: Facts, family: Sequence[Card], after: Sequence[Card]) -> bool:
    rest = {
        name: _fact(CATALOGUE[name], State.UNKNOWN, None)
        for card in after
        for name in (screen.fact for screen in card.screens)
    }
    decisions = decide({**rest, **facts}, [*family, *after], {})
    return any(one.card.after_others and one.outcome.value == "advise" for one in decisions)


def _check_glutamine(content: Content, partitions: _Partitions, report: Report) -> None:
    """Of the glutamine cards never more than one speaks."""
    family, count = [card for card in content.cards if card.family == "glutamine"], 0
    for facts in partitions.combinations(_facts_of(family)):
        count += 1
        speaking = [card.id for card in family if _advises(card, facts)]
        if len(speaking) > 1:
            report.fail("glutamine", f"{', '.join(speaking)} all speak: {_say(facts)}")
    report.lines.append(f"glutamine family: {len(family)} cards, never two together in {count} combinations")


def _check_card(card: Card, partitions: _Partitions, report: Report) -> None:
    """It can be reached, and every hole of its text is filled whenever it speaks."""
    shown = [name.split(".") for name in holes(card.text.summary + card.text.detail) if "." in name]
    shown = [hole for hole in shown if hole[0] in CATALOGUE]
    reached = False
    for facts in partitions.combinations({*_facts_of([card]), *(hole[0] for hole in shown)}):
        if not _advises(card, facts):
            continue
        reached = True
        for fact, text in shown:
            if text not in facts[fact].texts:
                report.fail(f"{card.id}/card.toml", f"{{{fact}.{text}}} has no value: {_say(facts)}")
    if not reached:
        report.fail(f"{card.id}/card.toml", "no patient can reach this card")


def _check_phrase(phrase: Phrase, partitions: _Partitions, report: Report) -> None:
    """For every combination of its facts there is a wording, with every hole filled; no wording is idle."""
    used: set[str] = set()
    for facts in partitions.combinations({condition.fact for condition in phrase.conditions()}):
        wording = wording_of(phrase, facts)
        if wording is None:
            report.fail("phrases.toml", f"{phrase.id} says nothing for: {_say(facts)}")
            continue
        used.add(wording.text)
        for name in holes(wording.text):
            fact, _, text = name.partition(".")
            if fact in CATALOGUE and text not in facts.get(fact, _NOTHING).texts:
                report.fail("phrases.toml", f"{phrase.id}: {{{name}}} has no value: {_say(facts)}")
    for idle in (one.text for one in phrase.says if one.text not in used):
        report.fail("phrases.toml", f"{phrase.id}: never said: {idle[:40]}")


_NOTHING = Fact(State.UNKNOWN)


_SPEAKS_IN = {  # the uses in which few cards may speak, or none, whatever else is true
    "antidote": {"acetylcysteine-hypersensitivity"},
    "ophthalmic": set[str](),
    "elsewhere": {"acetylcysteine-hypersensitivity", "screening-incomplete"},
    "another patient": {"screening-incomplete"},
}


def _check_uses(content: Content, partitions: _Partitions, report: Report) -> None:
    counts = dict.fromkeys(_SPEAKS_IN, 0)
    for card in content.cards:
        for facts in partitions.combinations({"use", *_facts_of([card])}):
            use = str(facts["use"].value)
            if use not in _SPEAKS_IN:
                continue
            counts[use] += 1
            if _advises(card, facts) and card.id not in _SPEAKS_IN[use]:
                report.fail(f"{card.id}/card.toml", f"it speaks in {use} use: {_say(facts)}")
    for use, cards in _SPEAKS_IN.items():
        allowed = f"only {' and '.join(sorted(cards))} may speak" if cards else "no card speaks"
        report.lines.append(f"use {use}: {allowed} in {counts[use]} combinations")


def _check_empty(content: Content, report: Report) -> None:
    """For a patient and an order about whom nothing is known, only the card that says so speaks."""
    facts = {
        name: _fact(kind, State.UNKNOWN if State.UNKNOWN in kind.states else State.ABSENT, None)
        for name, kind in CATALOGUE.items()
        if name != "use"
    }
    facts["use"] = _fact(CATALOGUE["use"], State.KNOWN, "other")
    for decision in decide(facts, content.cards, {}):
        if decision.outcome.value == "advise" and not decision.card.after_others:
            report.fail(f"{decision.card.id}/card.toml", "it speaks for a patient about whom nothing is known")
    report.lines.append("empty patient: no card speaks but the one that says what was not done")


def _check_examples(content: Content, fixtures: Path, report: Report) -> None:
    count = 0
    for card in content.cards:
        file = f"{card.id}/examples.toml"
        ran = [
            one
            for example in content.examples.get(card.id, ())
            if (one := _run(example, card, content, fixtures, report))
        ]
        count += len(ran)
        for one in ran:
            if one.failure:
                report.fail(file, f"“{one.example.name}”: {one.failure}")
        for problem in _gaps(card, ran):
            report.fail(file, problem)
    report.lines.append(f"examples: {count} hold; each threshold has one on, just under and just over it")


def _run(example: object, card: Card, content: Content, fixtures: Path, report: Report) -> Ran | None:
    try:
        return run_example(example, card, content, fixtures)  # type: ignore[arg-type]
    except (OSError, ValueError, LookupError) as error:
        report.fail(f"{card.id}/examples.toml", f"“{getattr(example, 'name', '')}” cannot be run: {error}")
        return None


def _gaps(card: Card, ran: Sequence[Ran]) -> Iterator[str]:
    """What the examples of a card leave out."""
    for wanted in ("advise", "silent"):
        if not any(one.example.expect == wanted for one in ran):
            yield f"no example expects the card to {'advise' if wanted == 'advise' else 'be silent'}"
    for condition in card.conditions():
        yield from _threshold_gaps(condition, ran)
        if _can_be_untold(condition) and not any(_is_untold_by(one, condition) for one in ran):
            yield f"no example shows that it cannot tell where {condition.type.label} is unknown"


def _threshold_gaps(condition: Condition, ran: Sequence[Ran]) -> Iterator[str]:
    if condition.threshold is None:
        return
    deciding = [one for one in ran if _is_alone(one, condition)]
    values = [value for one in deciding if isinstance(value := one.facts[condition.fact].value, Decimal)]
    distances = [value - condition.threshold for value in values]
    step = condition.type.step
    for name, found in (
        ("on", any(distance == 0 for distance in distances)),
        ("just under", any(-step <= distance < 0 for distance in distances)),
        ("just over", any(0 < distance <= step for distance in distances)),
    ):
        if not found:
            yield f"no example lies {name} the threshold {condition.bound} of {condition.type.label}"


def _is_alone(one: Ran, condition: Condition) -> bool:
    """True if every other condition of the card holds, so that this one decides."""
    others = [reason for reason in one.decided.decision.reasons if condition not in reason.row.conditions()]
    return all(reason.truth is Truth.YES for reason in others)


def _can_be_untold(condition: Condition) -> bool:
    possible = State.UNKNOWN in condition.type.states and condition.state is None
    return possible and "unknown" not in condition.also_when


def _is_untold_by(one: Ran, condition: Condition) -> bool:
    return one.example.expect == "cannot tell" and one.facts[condition.fact].state is State.UNKNOWN


def _say(facts: Facts) -> str:
    said = (
        f"{name} {fact.state.value}{f' {fact.value}' if fact.value is not None else ''}" for name, fact in facts.items()
    )
    return ", ".join(said)


def check_review_dates(content: Content, today: date) -> Report:
    """Signed cards whose review is due within 60 days, in lines; those whose date has passed, as mistakes."""
    report = Report()
    for card in content.cards:
        due = card.review.review_by
        if due is None or not card.review.is_signed:
            continue
        if due < today:
            report.fail(f"{card.id}/card.toml", f"its review was due on {due}")
        elif due <= today + timedelta(days=REVIEW_WARNING_DAYS):
            report.lines.append(f"{card.id}: its review is due on {due}")
    return report
