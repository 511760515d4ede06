"""What is in force at a site, in lines for a terminal."""

from collections.abc import Iterator

from cds_service.guidance.model import Card
from cds_service.guidance.modes import CardMode
from cds_service.site.codes import lists_of
from cds_service.site.modes import OTHER_CLIENTS, Place
from cds_service.site.opening import Site
from cds_service.site.reading import SiteFile

_ON = CardMode("on", "")


def describe_site(site: Site) -> Iterator[str]:
    """The file, and each card with its mode by hook and client, and by which row; the rest of the file."""
    if site.file is None:
        yield "No site file: CDS_SITE is not set. Every card is on, drafts too."
        return
    yield f"Site file: {site.file.file.name}"
    drafts = "are silent" if site.has_silent_drafts else "are shown, marked as drafts"
    yield f"Cards that are drafts {drafts}."
    yield f"Baseline cards speak: {site.file.baseline.speaks}."
    for card in site.content.cards:
        yield f"\n{card.id} ({site.content.status_of(card.id)})"
        yield from (f"  {line}" for line in _describe_modes(site, card))
    yield from _describe_codes(site)
    yield from _describe_intervals(site.file)


def _describe_modes(site: Site, card: Card) -> Iterator[str]:
    places: dict[CardMode, list[Place]] = {}
    for place, modes in site.modes.items():
        places.setdefault(modes.by_card.get(card.id, _ON), []).append(place)
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
