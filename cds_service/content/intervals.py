"""Loads a site's own reference intervals from the TOML file that a setting names; none are built in."""

import tomllib
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.errors import ContentError, Mistake
from cds_service.guidance.conditions import Strict
from cds_service.guidance.model import Content


class IntervalRow(Strict):
    """One interval of the file, with the laboratory document that it comes from."""

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
    def _whole_numbers_too(cls, value: object) -> object:
        return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _ends_are_in_order(self) -> "IntervalRow":
        if self.low >= self.high or (self.to_years is not None and self.to_years < self.from_years):
            raise ValueError("its ends are not in order")
        return self


class _File(Strict):
    interval: list[IntervalRow]


def with_site_intervals(content: Content, path: Path | None) -> Content:
    """The content with the intervals of a file; as it is if there is no file. `ContentError` names what is wrong."""
    if path is None:
        return content
    found: dict[str, list[SiteInterval]] = defaultdict(list)
    for row in _read(path).interval:
        found[row.analyte].append(SiteInterval(row.low, row.high, row.sex, row.from_years, row.to_years))
    intervals = {analyte: tuple(listed) for analyte, listed in found.items()}
    return replace(content, vocabulary=replace(content.vocabulary, site_intervals=intervals))


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))
    except ValidationError as error:
        mistakes = [Mistake(path.name, 1, f"{_where(one['loc'])}: {one['msg']}") for one in error.errors()]
        raise ContentError(mistakes) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ContentError([Mistake(path.name, 1, problem)]) from None


def _where(place: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in place)
