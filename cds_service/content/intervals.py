"""A site's own reference intervals, from the TOML file that a setting names. None are built in."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.content.toml_files import TomlFile
from cds_service.errors import ContentError
from cds_service.guidance.conditions import Strict
from cds_service.guidance.model import Content


class IntervalRow(Strict):
    """One `[[interval]]` of the file, with the laboratory document that it comes from."""

    analyte: Literal["glutamate", "cystine"]
    low: Decimal = Field(ge=0)
    high: Decimal
    unit: Literal["umol/L"]
    sex: Literal["", "male", "female"] = ""
    from_years: int = Field(0, ge=0)
    to_years: int | None = None
    source: str = Field(min_length=3)

    @field_validator("low", "high", mode="before")
    @classmethod
    def _accept_integers(cls, value: object) -> object:
        return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _check_ends(self) -> "IntervalRow":
        if self.low >= self.high or (self.to_years is not None and self.to_years < self.from_years):
            raise ValueError("its ends are not in order")
        return self


def with_site_intervals(content: Content, path: Path | None) -> Content:
    """The content with the intervals of a file; unchanged if there is none. Raises `ContentError`."""
    if path is None:
        return content
    file = TomlFile(path)
    by_analyte: dict[str, list[SiteInterval]] = defaultdict(list)
    for row in file.read_tables("interval", IntervalRow).values():
        by_analyte[row.analyte].append(SiteInterval(row.low, row.high, row.sex, row.from_years, row.to_years))
    if file.mistakes:
        raise ContentError(file.mistakes)
    intervals = {analyte: tuple(listed) for analyte, listed in by_analyte.items()}
    return replace(content, vocabulary=replace(content.vocabulary, site_intervals=intervals))
