"""What is in force at a site, in lines for a terminal."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cds_service.content.signing import VoidSignature
from cds_service.guidance.model import Card, Content
from cds_service.guidance.modes import CardMode, Modes
from cds_service.hooks.discovery import SERVICES
from cds_service.site.codes import lists_of
from cds_service.site.modes import OTHER_CLIENTS, Place
from cds_service.site.opening import Site
from cds_service.site.reading import SiteFile

_ON = CardMode("on", "")
_BY_PLACE = "not the same for every hook and client"


def describe_site(site: Site, signatures: Path, void: Sequence[VoidSignature]) -> Iterator[str]:
    """The sum, the signatures, each card with its mode by hook and client and by which row; the rest of the file.

    `signatures` is their file, and `void` those that no longer count.
    """
    services = f"Services: {', '.join(_describe_services(site))}."
    if site.file is None:
        yield "No site file: CDS_SITE is not set. Every card about orders is on, drafts too."
        yield from describe_signatures(signatures, void)
        yield services
        return
    yield f"Site file: {site.file.file.name}"
    yield _count_cards(site)
    if not_shown := site.safety_cards_not_shown:
        first = ", ".join(not_shown)
        yield f"Warning: other cards are shown, and not these. Sign them and switch them on first: {first}."
    yield from describe_signatures(signatures, void)
    drafts = "are silent" if site.has_silent_drafts else "are shown, marked as drafts"
    yield f"Cards that are drafts {drafts}."
    yield f"Baseline cards speak: {site.file.baseline.speaks}."
    yield services
    yield from _describe_cards(site, void)
    yield from _describe_codes(site)
    yield from _describe_intervals(site.file)


def _describe_services(site: Site) -> Iterator[str]:
    for service_id, hook in SERVICES.items():
        is_on = service_id in site.services and site.decides_any(hook)
        yield f"{service_id} ({'on' if is_on else 'off'})"


def describe_signatures(file: Path, void: Sequence[VoidSignature]) -> Iterator[str]:
    """Where the signatures stand, and which are void and why."""
    yield f"Signatures: {file}{'' if file.exists() else ' (there is no such file: nobody has signed)'}"
    yield from (f"  {signature}" for signature in void)


def _count_cards(site: Site) -> str:
    """How many cards are on, silent and off at every hook for every client, and how many only at some."""
    cards: dict[str, set[str]] = {"on": set(), "silent": set(), "off": set(), _BY_PLACE: set()}
    for card in site.content.cards:
        modes = {_mode_at(at, card).mode for at in _modes_of(site, card).values()}
        cards[_BY_PLACE if len(modes) > 1 else modes.pop()].add(card.id)
    drafts = len(cards["silent"].intersection(site.content.drafts)) if site.has_silent_drafts else 0
    of_drafts = f" ({'all' if drafts == len(cards['silent']) else drafts} because they are drafts)" if drafts else ""
    by_place = f", {len(cards[_BY_PLACE])} {_BY_PLACE}" if cards[_BY_PLACE] else ""
    silent = f"{len(cards['silent'])} silent{of_drafts}"
    return f"{len(site.content.cards)} cards: {len(cards['on'])} on, {silent}, {len(cards['off'])} off{by_place}."


def _modes_of(site: Site, card: Card) -> dict[Place, Modes]:
    """The modes at the hooks that ask a card."""
    return {place: modes for place, modes in site.modes.items() if card in site.content.cards_at(place[0])}


def _mode_at(modes: Modes, card: Card) -> CardMode:
    return modes.by_card.get(card.id, _ON)


def _describe_cards(site: Site, void: Sequence[VoidSignature]) -> Iterator[str]:
    """The cards with their modes; those with the same modes stand together."""
    alike: dict[tuple[str, ...], list[Card]] = {}
    for card in site.content.cards:
        alike.setdefault(tuple(_describe_modes(site, card)), []).append(card)
    for modes, cards in alike.items():
        yield ""
        yield from (f"{card.id} ({_describe_status(card, site.content, void)})" for card in cards)
        yield from (f"  {line}" for line in modes)


def _describe_status(card: Card, content: Content, void: Sequence[VoidSignature]) -> str:
    """Signed or draft, and by whom it is signed and was."""
    names = [signature.name for signature in content.signatures.get(card.id, ())]
    once = [row.signature.name for row in void if row.card == card.id]
    status = content.status_of(card.id)
    signed = f" by {' and '.join(names)}" if status == "signed" else f", signed by {names[0]} alone" if names else ""
    was_signed = f", void since it changed: the signature of {' and '.join(once)}" if once else ""
    return f"{status}{signed}{was_signed}"


def _describe_modes(site: Site, card: Card) -> Iterator[str]:
    places: dict[CardMode, list[Place]] = {}
    for place, modes in _modes_of(site, card).items():
        places.setdefault(_mode_at(modes, card), []).append(place)
    for mode, at in places.items():
        where = "" if len(places) == 1 else f" for {', '.join(map(_describe_place, at))}"
        yield f"{mode.mode}{where}{f': {mode.because}' if mode.because else ''}"


def _describe_place(place: Place) -> str:
    hook, client = place
    return f"{hook} by {'every other client' if client == OTHER_CLIENTS else client}"


def _describe_codes(site: Site) -> Iterator[str]:
    """Each code of the site with what it means, and the code lists in which that stands."""
    if site.file is None or not site.file.codes:
        yield "\nNo codes of the site."
    else:
        yield "\nCodes of the site:"
        for row in site.file.codes.values():
            lists = lists_of(row.coding, site.content.vocabulary) or ["units"]
            unit = f"; without a unit, in {row.unit}" if row.unit else ""
            yield f"  {row.system}|{row.code} means {row.means} ({', '.join(lists)}){unit}"
    for order in site.file.order_codes.values() if site.file else ():
        name = f" ({order.display})" if order.display else ""
        yield f"  plasma amino acids are ordered as {order.system}|{order.code}{name}"


def _describe_intervals(file: SiteFile) -> Iterator[str]:
    yield "\nReference intervals, for results without a range:" if file.intervals else "\nNo reference intervals."
    for row in file.intervals.values():
        ages = f", from {row.from_years} years" if row.from_years else ""
        ages += f", to {row.to_years} years" if row.to_years is not None else ""
        yield f"  {row.analyte} {row.low} to {row.high} {row.unit}{row.sex and f', {row.sex}'}{ages} ({row.source})"
