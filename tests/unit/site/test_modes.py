"""The site file's card rows: which row counts, what is refused, and what an answer then holds."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cds_service.errors import ContentError
from cds_service.guidance.model import PATIENT_VIEW
from cds_service.guidance.modes import Mode
from cds_service.hooks.discovery import HOOKS
from cds_service.site.opening import Site, open_site
from tests.reviews import signed_by
from tests.support import CONTENT, VERIFY
from tests.unit.site.files import card_row, write_site

CLIENTS = ("north", "south")
HIGH, ALLERGY, INCOMPLETE = "glutamate-high", "acetylcysteine-hypersensitivity", "screening-incomplete"


def opened(folder: Path, *parts: str) -> Site:
    return open_site(write_site(folder, *parts), CONTENT, HOOKS, CLIENTS)


def refused(folder: Path, *parts: str) -> list[str]:
    with pytest.raises(ContentError) as error:
        opened(folder, *parts)
    return [str(mistake) for mistake in error.value.mistakes]


def mode_of(site: Site, card: str, hook: str = "order-sign", client: str = "north") -> Mode:
    found = site.modes_for(hook, client).by_card.get(card)
    return found.mode if found else "on"


FAMILY, CARD = card_row("silent", family="baseline"), card_row("on", card=HIGH)
FOR_NORTH = card_row("off", card=HIGH, clients=("north",))
FAMILY_FOR_NORTH = card_row("off", family="baseline", clients=("north",))
AT_SIGNING = card_row("off", card=HIGH, hooks=("order-sign",))
BOTH = card_row("silent", card=HIGH, hooks=("order-sign",), clients=("north",))


@pytest.mark.parametrize(
    ("rows", "north", "south", "selecting"),
    [
        ([], "on", "on", "on"),
        ([FAMILY], "silent", "silent", "silent"),
        ([FAMILY, CARD], "on", "on", "on"),
        ([CARD, FAMILY], "on", "on", "on"),
        ([CARD, FOR_NORTH], "off", "on", "off"),
        ([CARD, FAMILY_FOR_NORTH], "off", "on", "off"),
        ([CARD, AT_SIGNING], "off", "off", "on"),
        ([FOR_NORTH, AT_SIGNING, BOTH], "silent", "off", "off"),
    ],
)
def test_the_most_specific_row_counts(
    rows: Sequence[str], north: Mode, south: Mode, selecting: Mode, tmp_path: Path
) -> None:
    site = opened(tmp_path, *rows)
    assert mode_of(site, HIGH) == north
    assert mode_of(site, HIGH, client="south") == south
    assert mode_of(site, HIGH, hook="order-select") == selecting


def test_without_a_file_every_card_is_on() -> None:
    site = open_site(None, CONTENT, HOOKS, CLIENTS)
    assert site.modes_for("order-sign", "north").shows_any
    assert site.content is CONTENT


def test_drafts_are_silent_whatever_a_row_says_of_showing_them(tmp_path: Path) -> None:
    site = opened(tmp_path, 'drafts = "silent"', CARD, card_row("off", card="glutamate-low"))
    modes = site.modes_for("order-sign", "south")
    assert modes.silent == {card.id for card in CONTENT.order_cards} - {"glutamate-low"}
    assert modes.off == {"glutamate-low"}
    assert not modes.shows_any
    assert modes.decides_any


MISTAKES = {
    "no such card": ([card_row("on", card="no-such")], ["card.0.card: there is no card no-such"]),
    "no such hook": ([card_row("on", card=HIGH, hooks=("x",))], ["card.0.hooks: there is no hook x"]),
    "no such client": ([card_row("on", card=HIGH, clients=("x",))], ["card.0.clients: there is no client x"]),
    "no such family": ([card_row("on", family="x")], ["card.0.family: "]),
    "no such mode": ([card_row("loud", card=HIGH)], ["card.0.mode: "]),
    "no such card in a row with another mistake": (
        [card_row("loud", card="no-such")],
        ["card.0.mode: ", "card.0.card: there is no card no-such"],
    ),
    "neither": ([card_row("on")], ["card.0: a row names either a card or a family"]),
    "both": ([card_row("on", card=HIGH, family="baseline")], ["card.0: a row names either a card or a family"]),
    "no reason": (
        [CARD.replace("because", "becuase")],
        ["card.0.because: it is missing", "card.0.becuase: there is no such key: did you mean because?"],
    ),
    "an empty reason": ([CARD.replace("under review", " ")], ["card.0.because: "]),
    "nobody": ([CARD.replace("drug committee", "")], ["card.0.decided_by: "]),
    "no day": ([CARD.replace("2026-11-20", '"soon"')], ["card.0.decided_on: "]),
    "no such folder": (['signatures = "nowhere/s.toml"'], ["signatures: there is no folder nowhere"]),
    "another key": (['drafts = "loud"\nfoo = 1'], ["drafts: ", "foo: there is no such key"]),
    "a contradiction": (
        [CARD, card_row("silent", card=HIGH)],
        [f"it makes {HIGH} silent for medication-prescribe, and"],
    ),
    "a crossing": (
        [FOR_NORTH, card_row("silent", card=HIGH, hooks=("order-sign",))],
        [f"it makes {HIGH} silent for order-sign and the client north, and the row at line"],
    ),
    "a family with a critical card": (
        [card_row("off", family="glutamine")],
        ["the family glutamine holds glutamine-contraindicated, which can be critical: it needs a row of its own"],
    ),
}


@pytest.mark.parametrize(("rows", "problems"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_line(rows: Sequence[str], problems: Sequence[str], tmp_path: Path) -> None:
    found = refused(tmp_path, *rows)
    assert len(found) == len(problems)
    for mistake, problem in zip(sorted(found), problems, strict=True):
        place, _, said = mistake.partition(": ")
        assert place.startswith("site.toml:")
        assert said.startswith(problem)


def test_all_mistakes_are_found_at_once(tmp_path: Path) -> None:
    rows = [
        card_row("on", card="no-such"),
        CARD.replace("drug committee", ""),
        FOR_NORTH,
        AT_SIGNING.replace("off", "on"),
    ]
    lines = [mistake.split(":")[1] for mistake in refused(tmp_path, *rows)]
    assert lines == ["3", "12", "23"]


def test_a_contradiction_that_a_more_specific_row_settles_is_none(tmp_path: Path) -> None:
    assert mode_of(opened(tmp_path, FOR_NORTH, AT_SIGNING.replace("off", "on"), BOTH), HIGH) == "silent"


def test_only_a_row_of_its_own_silences_a_safety_card(tmp_path: Path) -> None:
    rows = [card_row("off", family="glutamine"), card_row("on", card="glutamine-contraindicated")]
    site = opened(tmp_path, *rows)
    assert mode_of(site, "glutamine-contraindicated") == "on"
    assert mode_of(site, "glutamine-kidney-injury") == "off"
    assert not site.silenced_safety_cards


def test_a_row_about_a_service_that_is_off_is_read_and_has_no_effect(tmp_path: Path) -> None:
    site = opened(tmp_path, card_row("silent", card=ALLERGY, hooks=(VERIFY,)))
    on, off = site.with_services(verifying=True), site.with_services(verifying=False)
    assert mode_of(on, ALLERGY, VERIFY) == "silent"
    assert on.safety_cards_not_shown == [ALLERGY]
    assert off.safety_cards_not_shown == []
    assert {hook for hook, _ in off.modes} == set(HOOKS) - {VERIFY}
    assert set(off.services.values()) == set(HOOKS) - {VERIFY, PATIENT_VIEW}


@pytest.mark.parametrize("mode", ("on", "silent"))
def test_a_row_that_switches_a_card_about_treatment_on_brings_its_service(mode: Mode, tmp_path: Path) -> None:
    site = opened(tmp_path, card_row(mode, card="new-risk", hooks=(PATIENT_VIEW,)))
    assert PATIENT_VIEW in site.with_services(verifying=False).services.values()
    assert mode_of(site, "new-risk", PATIENT_VIEW) == mode
    assert mode_of(site, "response", PATIENT_VIEW) == "off"


def test_a_row_that_switches_the_family_off_brings_no_service(tmp_path: Path) -> None:
    site = opened(tmp_path, card_row("off", family="monitoring"))
    assert PATIENT_VIEW not in site.with_services(verifying=False).services.values()


def test_cards_about_treatment_are_on_in_demo_mode_and_a_row_can_switch_them_off(tmp_path: Path) -> None:
    assert open_site(None, CONTENT, HOOKS, CLIENTS, is_demo=True).modes_for(PATIENT_VIEW, "north").shows_any
    file = write_site(tmp_path, card_row("off", card="response"))
    site = open_site(file, CONTENT, HOOKS, CLIENTS, is_demo=True)
    assert (mode_of(site, "response", PATIENT_VIEW), mode_of(site, "new-risk", PATIENT_VIEW)) == ("off", "on")


ELSEWHERE = {
    "a card about treatment at an order": (card_row("on", card="new-risk", hooks=("order-sign",)), "new-risk"),
    "a family about treatment at an order": (card_row("on", family="monitoring", hooks=("order-sign",)), "monitoring"),
    "a card about orders as a chart is opened": (card_row("silent", card=HIGH, hooks=(PATIENT_VIEW,)), HIGH),
}


@pytest.mark.parametrize(("row", "name"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_card_at_a_hook_that_does_not_ask_it_is_refused(row: str, name: str, tmp_path: Path) -> None:
    hook = PATIENT_VIEW if name == HIGH else "order-sign"
    where = ", ".join(HOOKS[:4]) if name == HIGH else PATIENT_VIEW
    assert refused(tmp_path, row) == [f"site.toml:1: {name} is not asked at {hook}, but at {where}"]


SAFETY = [ALLERGY, "glutamine-contraindicated", INCOMPLETE]


@pytest.mark.parametrize(
    ("signed", "rows", "not_shown"),
    [
        ([], [], []),
        ([HIGH], [], SAFETY),
        ([HIGH, ALLERGY], [], SAFETY[1:]),
        ([HIGH, *SAFETY], [], []),
        ([HIGH, *SAFETY], [card_row("off", card=ALLERGY, clients=("north",))], [ALLERGY]),
    ],
)
def test_cards_that_speak_without_a_safety_card_are_told(
    signed: Sequence[str], rows: Sequence[str], not_shown: Sequence[str], tmp_path: Path
) -> None:
    content = replace(CONTENT, signatures={card: (signed_by("A"), signed_by("B")) for card in signed})
    site = open_site(write_site(tmp_path, 'drafts = "silent"', *rows), content, HOOKS, CLIENTS)
    assert site.safety_cards_not_shown == not_shown


@pytest.mark.parametrize("card", [ALLERGY, INCOMPLETE, "glutamine-contraindicated"])
@pytest.mark.parametrize("mode", ["silent", "off"])
def test_a_silenced_safety_card_is_told_for_the_log(card: str, mode: str, tmp_path: Path) -> None:
    (told,) = opened(tmp_path, card_row(mode, card=card, clients=("north",)), FAMILY).silenced_safety_cards
    assert (told.card, told.mode, told.hooks, told.clients) == (card, mode, (), ("north",))
    assert "under review" in told.because
