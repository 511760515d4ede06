"""Reads the site file, with every mistake in it and its line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cds_service.content.manifest import SIGNATURES
from cds_service.content.toml_files import TomlFile
from cds_service.guidance.model import Card
from cds_service.site.modes import PlacedRow
from cds_service.site.rows import BaselineTable, CardRow, CodeTable, General, IntervalRow, OrderCodeTable

_TABLES = ("card", "baseline", "interval", "code", "order_code")


@dataclass(frozen=True)
class SiteFile:
    """What the file says, as far as it can be read, with the mistakes found so far in `file`."""

    file: TomlFile
    general: General
    baseline: BaselineTable
    cards: Mapping[int, CardRow] = field(default_factory=dict)
    intervals: Mapping[int, IntervalRow] = field(default_factory=dict)
    codes: Mapping[int, CodeTable] = field(default_factory=dict)
    order_codes: Mapping[int, OrderCodeTable] = field(default_factory=dict)

    @property
    def card_rows(self) -> list[PlacedRow]:
        """The `[[card]]` rows with their lines."""
        return [PlacedRow(row, self.file.name, self.file.line_of(("card", at))) for at, row in self.cards.items()]


def read_site_file(path: Path) -> SiteFile:
    """The file; whoever uses it raises `ContentError` where it has mistakes."""
    file = TomlFile(path)
    alone = {key: value for key, value in file.data.items() if key not in _TABLES}
    return SiteFile(
        file,
        general=file.read_part(General, alone, ()) or General(),
        baseline=file.read_part(BaselineTable, file.data.get("baseline", {}), ("baseline",)) or BaselineTable(),
        cards=file.read_rows("card", CardRow),
        intervals=file.read_rows("interval", IntervalRow),
        codes=file.read_rows("code", CodeTable),
        order_codes=file.read_rows("order_code", OrderCodeTable),
    )


def signatures_file(site: Path | None, cards: Path) -> Path:
    """The file of the signatures: the one that the site file names, from its own folder, or else beside the cards.

    What is wrong with a site file is said by those who use it.
    """
    named = read_site_file(site).general.signatures if site else None
    return site.parent / named if site and named else cards / SIGNATURES


def find_missing_folder(site_file: SiteFile, folder: Path) -> None:
    """Adds a mistake where the file of the signatures can neither be there nor be written. It may be missing itself."""
    named = site_file.general.signatures
    if named and not (folder / named).parent.is_dir():
        site_file.file.add_mistake(("signatures",), f"signatures: there is no folder {Path(named).parent}")


def find_unknown_names(
    site_file: SiteFile, cards: Sequence[Card], hooks: Sequence[str], clients: Sequence[str]
) -> None:
    """Adds a mistake for each card, hook and client that does not exist, also in rows with other mistakes."""
    known = {"card": {card.id for card in cards}, "hooks": hooks, "clients": clients}
    tables = site_file.file.data.get("card", [])
    for at, table in enumerate(tables if isinstance(tables, list) else []):
        for key, names in known.items():
            for name in _texts(table.get(key) if isinstance(table, dict) else None):
                if name not in names:
                    kind = key.removesuffix("s")
                    site_file.file.add_mistake(("card", at, key), f"card.{at}.{key}: there is no {kind} {name}")


def _texts(value: object) -> list[str]:
    """A text, or the texts of a list. What is neither is a mistake that its row has already."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
