"""Proves the content: by every combination of facts that it can tell apart, and by its examples."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import Fact, Facts, State
from cds_service.content.evidence import uses_of_sources
from cds_service.content.examples import ExampleRun, missing_examples, run_example
from cds_service.content.folding import most_words
from cds_service.content.partitions import Partitions, example_fact
from cds_service.errors import Mistake
from cds_service.guidance.conditions import Truth
from cds_service.guidance.deciding import Outcome, decide, wording_of
from cds_service.guidance.model import FOLD_LIMIT, Card, Content, Example, Family, Phrase
from cds_service.guidance.templates import parse_template

REVIEW_WARNING_DAYS = 60
_ADULT_YEARS = 18
_NOTHING_KNOWN = Fact(State.UNKNOWN)


@dataclass
class CheckReport:
    """What was proved, line by line, and every mistake that was found."""

    lines: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    def add_mistake(self, file: str, problem: str) -> None:
        """Adds a mistake, unless it is there already."""
        mistake = Mistake(file, 1, problem)
        if mistake not in self.mistakes:
            self.mistakes.append(mistake)


def check_content(content: Content, cards: Path, fixtures: Path) -> CheckReport:
    """Every proof over a loaded content. `fixtures` holds the patients and orders of the examples."""
    report = check_logic(content, cards)
    _check_examples(content, fixtures, report)
    return report


def check_logic(content: Content, cards: Path) -> CheckReport:
    """Every proof that needs no examples: it takes less than a second, and is done at each start."""
    report, partitions = CheckReport(), Partitions(content)
    signed = len(content.cards) - len(content.drafts)
    report.lines.append(f"{cards.name}/: content {content.version}, {content.status}")
    report.lines.append(f"signatures: {signed} of {len(content.cards)} cards are signed by two people")
    _check_baseline(content, partitions, report)
    _check_alone("glutamine", content, partitions, report)
    _check_alone("monitoring", content, partitions, report)
    for card in content.cards:
        _check_card(card, partitions, report)
    for phrase in content.phrases.values():
        _check_phrase(phrase, partitions, report)
    _check_folds(content, partitions, report)
    _check_suggestions(content, partitions, report)
    _check_sources(content, report)
    _check_uses(content, partitions, report)
    _check_empty_chart(content, report)
    return report


def check_review_dates(content: Content, today: date) -> CheckReport:
    """Signed cards whose review is due within 60 days, in lines; those whose day of review has passed, as mistakes."""
    report = CheckReport()
    for card in content.cards:
        if content.status_of(card.id) == "draft":
            continue
        due = min(signature.review_by for signature in content.signatures[card.id])
        if due < today:
            report.add_mistake(f"{card.id}/card.toml", f"its review was due on {due}")
        elif due <= today + timedelta(days=REVIEW_WARNING_DAYS):
            report.lines.append(f"{card.id}: its review is due on {due}")
    return report


def _check_baseline(content: Content, partitions: Partitions, report: CheckReport) -> None:
    """Exactly one baseline card in use *other*, none in any other or beside a critical allergy.

    Where glutamate is unknown, the card that names the screens stands in.
    """
    family = [card for card in content.cards if card.family == "baseline"]
    after_others = [card for card in content.cards if card.after_others]
    names, count = {"use", "age", "glutamate", "hypersensitivity", *_facts_of(family)}, 0
    for facts in partitions.combinations(names):
        count += 1
        advising = [card.id for card in family if _advises(card, facts)]
        expected = int(_has_baseline(facts) and not _needs_stand_in(facts))
        if len(advising) != expected:
            problem = f"{len(advising)} advise instead of {expected} ({', '.join(advising)}): {_describe(facts)}"
            report.add_mistake("baseline", problem)
        if _needs_stand_in(facts) and not _stands_in(facts, family, after_others):
            report.add_mistake("baseline", f"nothing stands in where glutamate is unknown: {_describe(facts)}")
    report.lines.append(f"baseline family: {len(family)} cards, exactly one advises in each of {count} combinations")


def _has_baseline(facts: Facts) -> bool:
    """In use *other*; not beside a critical allergy, with which there is nothing to dose."""
    return facts["use"].value == "other" and facts["hypersensitivity"].value != "present"


def _needs_stand_in(facts: Facts) -> bool:
    age = facts["age"].value
    is_child = isinstance(age, Decimal) and age < _ADULT_YEARS
    return _has_baseline(facts) and facts["glutamate"].state is State.UNKNOWN and not is_child


def _stands_in(facts: Facts, family: Sequence[Card], after_others: Sequence[Card]) -> bool:
    """True if a card that comes after the others advises, with all its screens unknown."""
    screens = {
        screen.fact: example_fact(CATALOGUE[screen.fact], State.UNKNOWN)
        for card in after_others
        for screen in card.screens
    }
    decisions = decide({**screens, **facts}, [*family, *after_others], {})
    return any(decision.card.after_others and decision.outcome is Outcome.ADVISE for decision in decisions)


def _check_alone(name: Family, content: Content, partitions: Partitions, report: CheckReport) -> None:
    """Of the cards of a family never more than one advises."""
    family, count = [card for card in content.cards if card.family == name], 0
    for facts in partitions.combinations(_facts_of(family)):
        count += 1
        advising = [card.id for card in family if _advises(card, facts)]
        if len(advising) > 1:
            report.add_mistake(name, f"{', '.join(advising)} all advise: {_describe(facts)}")
    report.lines.append(f"{name} family: {len(family)} cards, never two together in {count} combinations")


def _check_card(card: Card, partitions: Partitions, report: CheckReport) -> None:
    """Some patient gets the card, and every hole of its texts has a value whenever it advises."""
    file, is_reached = f"{card.id}/card.toml", False
    texts = [name.split(".") for name in card.text.holes if "." in name]
    fact_texts = [(fact, text) for fact, text in texts if fact in CATALOGUE]
    for facts in partitions.combinations({*_facts_of([card]), *(fact for fact, _ in fact_texts)}):
        if not _advises(card, facts):
            continue
        is_reached = True
        for fact, text in fact_texts:
            if text not in facts[fact].texts:
                report.add_mistake(file, f"{{{fact}.{text}}} has no value: {_describe(facts)}")
    if not is_reached:
        report.add_mistake(file, "no patient can reach this card")


def _check_phrase(phrase: Phrase, partitions: Partitions, report: CheckReport) -> None:
    """Every combination of its facts has a wording with every hole filled, and every wording is used."""
    if phrase.items:
        return  # a list may name nothing, and its items have no holes
    used: set[str] = set()
    for facts in partitions.combinations({condition.fact for condition in phrase.conditions()}):
        wording = wording_of(phrase, facts)
        if wording is None:
            report.add_mistake("phrases.toml", f"{phrase.id} says nothing for: {_describe(facts)}")
            continue
        used.add(wording.text)
        for name in wording.holes:
            fact, _, text = name.partition(".")
            if fact in CATALOGUE and text not in facts.get(fact, _NOTHING_KNOWN).texts:
                report.add_mistake("phrases.toml", f"{phrase.id}: {{{name}}} has no value: {_describe(facts)}")
    for wording in phrase.says:
        if wording.text not in used:
            report.add_mistake("phrases.toml", f"{phrase.id}: never said: {wording.text[:40]}")


def _check_folds(content: Content, partitions: Partitions, report: CheckReport) -> None:
    """What matters now is never longer than a busy prescriber reads."""
    counts = {card.id: most_words(card, content, partitions) for card in content.cards}
    for card, count in counts.items():
        if count > FOLD_LIMIT:
            report.add_mistake(f"{card}/card.toml", f"its fold can have {count} words, and {FOLD_LIMIT} are the most")
    longest = max(counts, key=lambda card: counts[card], default="")
    report.lines.append(f"folds: at most {counts.get(longest, 0)} words, on {longest}; {FOLD_LIMIT} are allowed")


def _check_suggestions(content: Content, partitions: Partitions, report: CheckReport) -> None:
    """Every hole of a suggestion has a value whenever it is offered; the dose that is set is the one read for."""
    single_dose = content.thresholds["studied-single-dose"].value
    for row in {row.id: row for card in content.cards for row in card.suggestion}.values():
        for hole in parse_template(f"{row.label} {row.description}").holes:
            fact, _, text = hole.partition(".")
            tests = [condition for condition in row.conditions() if condition.fact == fact]
            for facts in partitions.combinations([fact]):
                is_offered = all(condition.check(facts) is Truth.YES for condition in tests)
                if is_offered and text not in facts[fact].texts:
                    report.add_mistake("suggestions.toml", f"{row.id}: {{{hole}}} has no value: {_describe(facts)}")
        if row.dose_mg is not None and row.dose_mg != single_dose:
            report.add_mistake("suggestions.toml", f"{row.id}: dose_mg is not the threshold studied-single-dose")


def _check_sources(content: Content, report: CheckReport) -> None:
    """No source is attached to nothing, and the evidence page names cards that exist."""
    for name in {name for statement in content.evidence.statement for name in statement.cards}:
        if name not in (card.id for card in content.cards):
            report.add_mistake("evidence.toml", f"no card is called {name}")
    for name, uses in uses_of_sources(content).items():
        if not uses:
            report.add_mistake("sources.toml", f"{name} is attached to no card, section or number")
    report.lines.append(f"sources: {len(content.sources)}, each attached to what it supports")


_ADVISE_IN = {  # the uses in which few cards may advise, or none, whatever else is true
    "antidote": {"acetylcysteine-hypersensitivity"},
    "ophthalmic": set[str](),
    "elsewhere": {"acetylcysteine-hypersensitivity", "screening-incomplete"},
    "another patient": {"screening-incomplete"},
}


def _check_uses(content: Content, partitions: Partitions, report: CheckReport) -> None:
    counts = dict.fromkeys(_ADVISE_IN, 0)
    for card in content.cards:
        for facts in partitions.combinations({"use", *_facts_of([card])}):
            use = str(facts["use"].value)
            if use not in _ADVISE_IN:
                continue
            counts[use] += 1
            if _advises(card, facts) and card.id not in _ADVISE_IN[use]:
                report.add_mistake(f"{card.id}/card.toml", f"it advises in use {use}: {_describe(facts)}")
    for use, cards in _ADVISE_IN.items():
        allowed = f"only {' and '.join(sorted(cards))} may advise" if cards else "no card advises"
        report.lines.append(f"use {use}: {allowed} in {counts[use]} combinations")


def _check_empty_chart(content: Content, report: CheckReport) -> None:
    """For a patient about whom nothing is known, only the card on missing screens advises."""
    facts = {
        name: example_fact(fact_type, State.UNKNOWN if State.UNKNOWN in fact_type.states else State.ABSENT)
        for name, fact_type in CATALOGUE.items()
    }
    facts["use"] = example_fact(CATALOGUE["use"], State.KNOWN, "other")
    for decision in [*decide(facts, content.order_cards, {}), *decide(facts, content.treatment_cards, {})]:
        if decision.outcome is Outcome.ADVISE and not decision.card.after_others:
            report.add_mistake(f"{decision.card.id}/card.toml", "it advises where nothing is known about the patient")
    report.lines.append("empty chart: no card advises but the one on missing screens")


def _check_examples(content: Content, fixtures: Path, report: CheckReport) -> None:
    count = 0
    for card in content.cards:
        file = f"{card.id}/examples.toml"
        examples = content.examples.get(card.id, ())
        attempts = [_try_example(example, card, content, fixtures, report) for example in examples]
        runs = [run for run in attempts if run is not None]
        count += len(runs)
        for run in runs:
            if run.failure:
                report.add_mistake(file, f"“{run.example.name}”: {run.failure}")
        for problem in missing_examples(card, runs):
            report.add_mistake(file, problem)
    report.lines.append(f"examples: {count} hold; each threshold has one at, just below and just above it")


def _try_example(
    example: Example, card: Card, content: Content, fixtures: Path, report: CheckReport
) -> ExampleRun | None:
    try:
        return run_example(example, card, content, fixtures)
    except (OSError, ValueError, LookupError) as error:
        report.add_mistake(f"{card.id}/examples.toml", f"“{example.name}” cannot be run: {error}")
        return None


def _advises(card: Card, facts: Facts) -> bool:
    return card.check(facts) is Truth.YES


def _facts_of(cards: Iterable[Card]) -> set[str]:
    return {condition.fact for card in cards for condition in card.conditions()}


def _describe(facts: Facts) -> str:
    return ", ".join(
        f"{name} {fact.state.value}{f' {fact.value}' if fact.value is not None else ''}" for name, fact in facts.items()
    )
