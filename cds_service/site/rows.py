"""The rows of the site file, each validated by itself."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from cds_service.fhir.json import Coding
from cds_service.fhir.systems import canonical_system
from cds_service.guidance.conditions import Strict
from cds_service.guidance.model import Family
from cds_service.guidance.modes import Mode


def _matching(pattern: str, problem: str) -> AfterValidator:
    """A check of a whole text, which says in words what is wrong with it."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(problem)
        return text

    return AfterValidator(check)


Words = Annotated[str, Field(max_length=500), _matching(r"(?s).*\S.*", "it is empty")]
Drafts = Literal["show", "silent"]
Speaks = Literal["always", "with-result-or-reason"]


class CardRow(Strict):
    """One `[[card]]`: the mode of a card or of a family, for some hooks and clients or for all, and who decided it."""

    card: str | None = None
    family: Family | None = None
    mode: Mode
    hooks: list[str] = []
    clients: list[str] = []
    because: Words
    decided_by: Words
    decided_on: date

    @model_validator(mode="after")
    def _names_a_card_or_a_family(self) -> "CardRow":
        if (self.card is None) == (self.family is None):
            raise ValueError("a row names either a card or a family")
        return self

    @property
    def selectors(self) -> tuple[int, bool]:
        """How specific the row is: first by how many of hooks and clients it names, then a card before a family."""
        return bool(self.hooks) + bool(self.clients), self.card is not None


class BaselineTable(Strict):
    """The `[baseline]` table: whether the baseline family speaks of every order of its use."""

    speaks: Speaks = "always"


# No character that a search would have to escape.
_System = Annotated[
    str,
    _matching(r"[a-z][a-z0-9+.-]*:[A-Za-z0-9._~:/-]{1,180}", "it is no address such as urn:oid:1.2.3 or https://…"),
]
_Code = Annotated[
    str,
    _matching(r"[A-Za-z0-9][A-Za-z0-9._~:/-]{0,63}", "a code has 1 to 64 letters, digits and . _ ~ : / -, no others"),
]
_Meaning = Annotated[str, _matching(r"[^|\s]+\|[^|\s]+", "it is not written as system|code")]


class CodeTable(Strict):
    """One `[[code]]`: a code of the site itself, and the code that it `means`, as system|code.

    `unit` is that of a laboratory's results which state none.
    """

    system: _System
    code: _Code
    means: _Meaning
    unit: str = Field("", max_length=40)

    @property
    def coding(self) -> Coding:
        """The code of the site."""
        return Coding(canonical_system(self.system), self.code)

    @property
    def meaning(self) -> Coding:
        """The code that it means."""
        system, _, code = self.means.rpartition("|")
        return Coding(canonical_system(system), code)


class OrderCodeTable(Strict):
    """One `[[order_code]]`: under which code of the site a laboratory order that a suggestion drafts is known."""

    order: Literal["plasma-amino-acids"]
    system: _System
    code: _Code
    display: str = Field("", max_length=200)

    @property
    def coding(self) -> Coding:
        """The code of the site."""
        return Coding(canonical_system(self.system), self.code)


class IntervalRow(Strict):
    """One `[[interval]]`: a reference interval of the site, with the laboratory document that it comes from."""

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

    @field_validator("high")
    @classmethod
    def _is_above_low(cls, high: Decimal, row: ValidationInfo) -> Decimal:
        if high <= row.data.get("low", -1):
            raise ValueError(f"{high} is not above low")
        return high

    @field_validator("to_years")
    @classmethod
    def _is_not_below_from_years(cls, to_years: int | None, row: ValidationInfo) -> int | None:
        if to_years is not None and to_years < row.data.get("from_years", 0):
            raise ValueError(f"{to_years} is below from_years")
        return to_years


class General(Strict):
    """The keys that stand alone at the top of the file."""

    drafts: Drafts = "show"
    signatures: Words | None = None
