"""What a card rests on: each part changed in turn, exactly those cards are no longer what was signed.

Which cards a change concerns is worked out a second way: for words and rows from the cards as they are loaded, put
together from their parts by `content.composing`; for lists and thresholds from the code that reads the facts.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cds_service.clinical.catalogue import CATALOGUE, with_grounds
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.content.examples import decide_example
from cds_service.content.loading import load_content
from cds_service.content.parts import NUMBERS, Written, digest, parts_of, read_written
from cds_service.fhir.codes import CodeList, NameList
from cds_service.fhir.queries import QUERIES
from cds_service.guidance.model import Card, Content, Example
from cds_service.guidance.templates import parse_template
from tests.architecture.reading_of_facts import FACT, read_by
from tests.architecture.reading_of_facts import NUMBERS as ANY_NUMBER
from tests.support import CARDS, CONTENT, FIXTURES

WRITTEN = read_written(CARDS)
READ_BY = read_by()
CARD_IDS = [card.id for card in CONTENT.cards]
CHANGED = {  # what is changed of a part, by its kind: a text that any part of this kind has
    "gate": "because",
    "passage": "text",
    "suggestion": "description",
    "phrase": "text",
    "source": "supports",
    "override reason": "display",
    "threshold": "because",
}
FILE = {kind: f"{kind.replace(' ', '-')}s.toml" for kind in CHANGED}


def parts(written: Written) -> dict[str, dict[str, str]]:
    """The digests of the parts of each card."""
    return {card: {name: digest(value) for name, value in parts_of(card, written).items()} for card in written.cards}


BEFORE = parts(WRITTEN)


def fallen(written: Written) -> dict[str, set[str]]:
    """The cards whose signatures fall, each with the parts that changed."""
    after = parts(written)
    changed = {
        card: {name for name in {*BEFORE[card], *after[card]} if BEFORE[card].get(name) != after[card].get(name)}
        for card in after
    }
    return {card: names for card, names in changed.items() if names}


# ---------------------------------------------------------------- words and rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(CARDS, tmp_path_factory.mktemp("content") / "cards"))


def loaded(content: Content) -> dict[str, Any]:
    """Everything that each card says and decides by, as it is loaded."""
    return {card.id: [_said_by(card, content), _decided_before(card, content)] for card in content.cards}


def _said_by(card: Card, content: Content) -> list[Any]:
    named = [content.phrases[hole] for hole in card.text.holes if hole in content.phrases]
    sources = [content.sources[name] for name in card.all_sources]
    reasons = [content.override_reasons[code] for code in card.override_reasons]
    return [model.model_dump() for model in (card, *named, *sources, *reasons)]


def _decided_before(card: Card, content: Content) -> list[Any]:
    """The rows of the other cards, for a card that says which of them could not be told, or what they decided."""
    others = content.order_cards if card.after_others else _glutamine_cards(card, content)
    return [row.model_dump() for other in others for row in other.when]


def _glutamine_cards(card: Card, content: Content) -> list[Card]:
    """The cards whose decisions are a fact of another one."""
    tested = {condition.fact for condition in card.conditions()}
    return [other for other in content.cards if other.family == "glutamine" and "new_glutamine_risk" in tested]


LOADED = loaded(CONTENT)


def change_part(folder: Path, kind: str, name: str) -> None:
    """Puts a comma into a text of a part of this name, in its file."""
    path = folder / FILE[kind]
    text = path.read_text(encoding="utf-8")
    start = re.search(rf'^(id|code) = "{re.escape(name)}"', text, re.MULTILINE)
    assert start
    before, rest = text[: start.start()], text[start.start() :]
    change_text(path, before, rest, CHANGED[kind])


def change_text(path: Path, before: str, rest: str, key: str) -> None:
    changed = re.sub(rf'(?<![a-z_]){key} = ("""\n?|")', r"\g<0>Changed, ", rest, count=1)
    assert changed != rest
    path.write_text(before + changed, encoding="utf-8")


NAMED = [(kind, name) for kind in CHANGED if kind != "threshold" for name in WRITTEN.tables[kind]]


@pytest.mark.parametrize(("kind", "name"), NAMED, ids=[f"{kind} {name}" for kind, name in NAMED])
def test_a_changed_block_voids_the_signatures_of_exactly_the_cards_that_use_it(
    kind: str, name: str, folder: Path
) -> None:
    original = (CARDS / FILE[kind]).read_bytes()
    change_part(folder, kind, name)
    try:
        after = loaded(load_content(folder))
        found = fallen(read_written(folder))
    finally:
        (folder / FILE[kind]).write_bytes(original)

    assert found.keys() == {card for card in LOADED if LOADED[card] != after[card]}
    assert all(names == {f"{kind} {name}"} for names in found.values())


@pytest.mark.parametrize("card", CARD_IDS)
@pytest.mark.parametrize(("key", "part"), [("because", "rows"), ("summary", "words"), ("scope", "settings")])
def test_a_change_of_a_card_voids_its_own_signatures(card: str, key: str, part: str) -> None:
    cards = {name: dict(table) for name, table in WRITTEN.cards.items()}
    if key == "because":
        cards[card]["when"] = [*cards[card]["when"], {"fact": "use", "is": "other", "because": "Changed."}]
    elif key == "summary":
        cards[card]["text"] = {**cards[card]["text"], "summary": "Changed"}
    else:
        cards[card]["scope"] = "changed"
    found = fallen(replace(WRITTEN, cards=cards))

    told_by_its_rows = set()
    if part == "rows" and cards[card].get("asked_at") is None:
        told_by_its_rows = {name for name, table in cards.items() if table.get("after_others")} - {card}
    if part in ("rows", "indicator") and cards[card].get("family") == "glutamine":
        told_by_its_rows = told_by_its_rows | {"new-risk"}
    assert found.keys() == {card} | told_by_its_rows
    assert part in found[card]  # without a text that it uses, a card rests on less
    assert found[card] - {part} <= BEFORE[card].keys()


@pytest.mark.parametrize("card", CARD_IDS)
def test_who_wrote_a_card_and_the_version_of_the_content_are_no_part_of_it(card: str) -> None:
    cards = {**WRITTEN.cards, card: {**WRITTEN.cards[card], "review": {"written_by": "another"}}}
    assert fallen(replace(WRITTEN, cards=cards, about={**WRITTEN.about, "version": "2030.01.1"})) == {}


def test_the_labels_and_status_notes_are_part_of_every_card() -> None:
    about = {**WRITTEN.about, "source_label": "Changed"}
    assert fallen(replace(WRITTEN, about=about)).keys() == set(CARD_IDS)


# ---------------------------------------------------------------- lists and thresholds


@cache
def facts_of(card_id: str) -> frozenset[str]:
    """The facts that a card tests or shows, by the card as it is loaded."""
    card = next(card for card in CONTENT.cards if card.id == card_id)
    cards = [card, *(CONTENT.order_cards if card.after_others else _glutamine_cards(card, CONTENT))]
    phrases = [CONTENT.phrases[hole] for hole in card.text.holes if hole in CONTENT.phrases]
    offers = [hole for row in card.suggestion for hole in parse_template(row.label + row.description).holes]
    holes = [*card.text.holes, *(hole for phrase in phrases for hole in _holes_of(phrase.says)), *offers]
    tested = [condition.fact for other in cards for condition in other.conditions()]
    tested += [condition.fact for phrase in phrases for condition in phrase.conditions()]
    tested += [condition.fact for condition in card.other_conditions()]
    shown = [hole.partition(".")[0] for hole in holes]
    return frozenset({*tested, *(screen.fact for screen in card.screens), *shown} & CATALOGUE.keys())


def _holes_of(wordings: list[Any]) -> Iterator[str]:
    return (hole for wording in wordings for hole in wording.holes)


@cache
def read_for(card: str) -> frozenset[str]:
    """The lists and thresholds that the code reads the facts of a card by, and those of the queries for them."""
    grounds = with_grounds(facts_of(card))
    read = {name for ground in grounds for name in READ_BY.get(ground.name, set()) if not name.startswith(FACT)}
    return frozenset(read | {name for ground in grounds for key in ground.queries for name in QUERIES[key].code_lists})


BY_NUMBER = {"none-known", "family-history"}  # see tests/architecture/test_what_facts_read.py


@pytest.mark.parametrize("name", WRITTEN.tables["threshold"])
def test_a_changed_threshold_voids_the_signatures_of_exactly_the_cards_that_are_read_by_it(name: str) -> None:
    thresholds = WRITTEN.tables["threshold"]
    changed = {**thresholds, name: {**thresholds[name], "value": thresholds[name]["value"] + 1}}
    found = fallen(replace(WRITTEN, tables={**WRITTEN.tables, "threshold": changed}))

    assert found.keys() == {card for card in CARD_IDS if name in read_for(card)}
    assert all(names == {f"threshold {name}"} for names in found.values())


@pytest.mark.parametrize("name", WRITTEN.lists)
def test_a_changed_row_voids_the_signatures_of_exactly_the_cards_that_are_read_by_its_list(name: str) -> None:
    head, *rows = WRITTEN.lists[name]
    counts = head.index("included")
    original = digest([head, *rows])
    for index, row in enumerate(rows):  # each row in turn is another list
        flipped = [*row[:counts], "no" if row[counts] == "yes" else "yes", *row[counts + 1 :]]
        assert digest([head, *rows[:index], flipped, *rows[index + 1 :]]) != original
    found = fallen(replace(WRITTEN, lists={**WRITTEN.lists, name: [head, *rows[:-1], flipped]}))

    on_it = {card for card in CARD_IDS if name in read_for(card)}
    by_number = {card for card in CARD_IDS if name in BY_NUMBER and ANY_NUMBER in read_for(card)}
    assert found.keys() >= on_it
    assert found.keys() - on_it <= by_number
    assert all(names - {NUMBERS} == {f"code list {name}"} for names in found.values())


def test_a_number_that_no_other_list_has_concerns_every_card_that_reads_entries_without_a_name() -> None:
    head, *rows = WRITTEN.lists["egfr"]
    without = replace(WRITTEN, lists={**WRITTEN.lists, "egfr": [head, *rows[:-1]]})
    found = fallen(without)

    assert {card for card, names in found.items() if NUMBERS in names} == {
        card for card in CARD_IDS if ANY_NUMBER in read_for(card)
    }


# ---------------------------------------------------------------- what is decided

EXAMPLES = list({(row.patient, row.order): row for rows in CONTENT.examples.values() for row in rows}.values())


def decided(vocabulary: Vocabulary, example: Example) -> dict[str, Any]:
    """What each card decides, offers and says in an example; nothing for an order that is none of ours."""
    try:
        decisions = decide_example(example, CONTENT, FIXTURES, vocabulary)
    except ValueError:
        return {}
    found: dict[str, Any] = {}
    for one in decisions:
        decision = one.decision
        offers = [row.id for row in decision.suggestions]
        level = decision.indicator and decision.indicator.level
        found[decision.card.id] = (decision.outcome, level, offers, dict(decision.wordings))
    return found


DECIDED = [decided(CONTENT.vocabulary, example) for example in EXAMPLES]


def changed_cards(vocabulary: Vocabulary) -> set[str]:
    """The cards whose decision differs in some example."""
    changed: set[str] = set()
    for before, example in zip(DECIDED, EXAMPLES, strict=True):
        after = decided(vocabulary, example)
        changed |= {card for card in before if before[card] != after.get(card)}
    return changed


def resting_on(part: str) -> set[str]:
    return {card for card, names in BEFORE.items() if part in names}


@pytest.mark.parametrize("name", [*CONTENT.vocabulary.code_lists, *CONTENT.vocabulary.name_lists])
def test_without_a_list_nothing_is_decided_otherwise_but_on_cards_that_rest_on_it(name: str) -> None:
    codes: Mapping[str, CodeList] = CONTENT.vocabulary.code_lists
    names: Mapping[str, NameList] = CONTENT.vocabulary.name_lists
    emptied = replace(
        CONTENT.vocabulary,
        code_lists={**codes, name: CodeList([])} if name in codes else codes,
        name_lists={**names, name: NameList([])} if name in names else names,
    )
    assert changed_cards(emptied) <= resting_on(f"code list {name}")


@pytest.mark.parametrize("name", CONTENT.thresholds)
def test_with_another_threshold_nothing_is_decided_otherwise_but_on_cards_that_rest_on_it(name: str) -> None:
    other = replace(CONTENT.vocabulary, thresholds={**CONTENT.vocabulary.thresholds, name: Decimal(0)})
    assert changed_cards(other) <= resting_on(f"threshold {name}")


def test_some_cards_decide_otherwise_without_a_list_so_that_the_tests_above_can_fail() -> None:
    without = {**CONTENT.vocabulary.code_lists, "glutamate": CodeList([])}
    changed = changed_cards(replace(CONTENT.vocabulary, code_lists=without))
    assert {"glutamate-high", "glutamate-normal"} <= changed
    assert "mucolytic-under-two" not in changed
