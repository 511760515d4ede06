"""The site: the content as the site file changes it, and which cards are shown where. Made once, at start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cds_service.content.loading import load_content
from cds_service.content.signing import VoidSignature, with_signatures
from cds_service.errors import ContentError
from cds_service.guidance.model import Content
from cds_service.guidance.modes import ALL_ON, Modes
from cds_service.hooks.discovery import SERVICES
from cds_service.hooks.requests import PATIENT_VIEW, VERIFY
from cds_service.site.codes import find_code_problems, with_local_codes, with_order_codes
from cds_service.site.intervals import with_intervals
from cds_service.site.modes import (
    Place,
    SilencedSafetyCard,
    find_mode_mistakes,
    modes_for,
    modes_of,
    safety_cards_not_shown,
    silenced_safety_cards,
)
from cds_service.site.reading import SiteFile, find_missing_folder, find_unknown_names, read_site_file, signatures_file


@dataclass(frozen=True)
class Site:
    """What the site file says; without a file every card about orders is on, and nothing is changed."""

    content: Content
    file: SiteFile | None = None
    modes: Mapping[Place, Modes] = field(default_factory=dict)
    silenced_safety_cards: Sequence[SilencedSafetyCard] = ()
    services: Mapping[str, str] = field(default_factory=lambda: SERVICES)  # id -> hook

    def modes_for(self, hook: str, client: str) -> Modes:
        """The modes of the cards for a call."""
        return modes_for(self.modes, hook, client, ALL_ON)

    def with_services(self, *, verifying: bool) -> "Site":
        """The site with the services that are switched on; `verifying` is the one for pharmacists.

        That for monitoring is on where one of its cards may be decided. One that is off is as unknown as any other id,
        and a row about the hook for pharmacists is then read and has no effect.
        """
        off = set() if verifying else {VERIFY}
        modes = {place: modes for place, modes in self.modes.items() if place[0] not in off}
        off |= set() if self.decides_any(PATIENT_VIEW) else {PATIENT_VIEW}
        services = {service_id: hook for service_id, hook in SERVICES.items() if hook not in off}
        return replace(self, services=services, modes=modes)

    def decides_any(self, hook: str) -> bool:
        """Whether some card may be decided at a hook: where all are off for every client, it has no service."""
        return all(at != hook for at, _ in self.modes) or any(
            modes.decides_any for (at, _), modes in self.modes.items() if at == hook
        )

    @property
    def safety_cards_not_shown(self) -> list[str]:
        """The safety cards that are silent or off for a hook and a client to which another card speaks."""
        return safety_cards_not_shown(self.modes, self.content.cards)

    @property
    def has_silent_drafts(self) -> bool:
        """Whether the file keeps cards silent that are not signed."""
        return self.file is not None and self.file.general.drafts == "silent"


def read_content(cards: Path, fixtures: Path, site: Path | None) -> tuple[Content, list[VoidSignature]]:
    """The content of a folder, as signed as the signatures of the site say, and the signatures that are void.

    `fixtures` holds the patients and orders of the examples: what was signed is what the cards say in these. Raises
    `ContentError`.
    """
    return with_signatures(load_content(cards), cards, fixtures, signatures_file(site, cards))


def open_site(
    path: Path | None, content: Content, hooks: Sequence[str], clients: Sequence[str], *, is_demo: bool = False
) -> Site:
    """The site of a file. Raises `ContentError` with every mistake in it, each with its line.

    Cards about treatment are off unless a row switches them on; in demo mode they are on.
    """
    off = () if is_demo else [card.id for card in content.treatment_cards]
    if path is None:
        return Site(content, modes=modes_of((), content, hooks, off=off))
    site_file = read_site_file(path)
    find_unknown_names(site_file, content.cards, hooks, clients)
    find_missing_folder(site_file, path.parent)
    for at, key, problem in find_code_problems(site_file.codes, content.vocabulary):
        site_file.file.add_mistake(("code", at, key), f"code.{at}.{key}: {problem}")
    rows, cards = site_file.card_rows, content.cards
    mistakes = [*site_file.file.mistakes, *find_mode_mistakes(rows, content, hooks)]
    if mistakes:
        raise ContentError(mistakes)
    content = with_local_codes(with_intervals(content, site_file.intervals.values()), site_file.codes)
    content = with_order_codes(content, site_file.order_codes.values())
    silent_drafts = content.drafts if site_file.general.drafts == "silent" else ()
    modes = modes_of(rows, content, hooks, silent_drafts, off, site_file.baseline.speaks)
    return Site(content, site_file, modes, silenced_safety_cards(rows, cards))
