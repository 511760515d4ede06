"""A site's own codes: what they mean, for everything that reads codes and for everything that asks for them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import LocalCode
from cds_service.fhir.json import Coding
from cds_service.fhir.quantities import ACCEPTED, LocalUnits, conversion_factor
from cds_service.fhir.systems import UCUM
from cds_service.guidance.model import Content
from cds_service.site.rows import CodeTable, OrderCodeTable

_KINDS = {  # code list of results -> the kind of unit that they come in
    "body-height": "height",
    "body-weight": "weight",
    "creatinine": "creatinine",
    "cystine": "amino acid",
    "dialysis-creatinine": "creatinine",
    "egfr": "eGFR",
    "glutamate": "amino acid",
    "glutamine": "amino acid",
}
Problem = tuple[int, str, str]  # position of the row, key, sentence


def with_local_codes(content: Content, rows: Mapping[int, CodeTable]) -> Content:
    """The content whose code lists know the codes of a site; unchanged if there are none."""
    if not rows:
        return content
    units = {row.coding: row.meaning.code for row in rows.values() if _is_unit(row.meaning)}
    codes = [LocalCode(row.coding, row.meaning, row.unit) for row in rows.values()]
    lists = {name: listed.with_local_codes(codes) for name, listed in content.vocabulary.code_lists.items()}
    vocabulary = replace(content.vocabulary, code_lists=lists, local_units=LocalUnits(units))
    return replace(content, vocabulary=vocabulary)


def with_order_codes(content: Content, rows: Iterable[OrderCodeTable]) -> Content:
    """The content that drafts laboratory orders under the codes of a site."""
    order_codes = {row.coding: row.display for row in rows}
    return replace(content, vocabulary=replace(content.vocabulary, order_codes=order_codes)) if order_codes else content


def find_code_problems(rows: Mapping[int, CodeTable], vocabulary: Vocabulary) -> Iterator[Problem]:
    """Codes that mean nothing that is read, that stand twice, or that are read without the site file."""
    seen: set[Coding] = set()
    for at, row in rows.items():
        if row.coding in seen:
            yield at, "code", "the code stands twice"
        seen.add(row.coding)
        if lists_of(row.coding, vocabulary):
            yield at, "code", "the service reads this code already"
        if not _is_read(row.meaning, vocabulary):
            yield at, "means", f"{row.means} is no code that the service reads"
        elif row.unit and not any(_fits(row.unit, name) for name in lists_of(row.meaning, vocabulary)):
            yield at, "unit", f"{row.unit} is no unit in which results of {row.means} are read"


def lists_of(coding: Coding, vocabulary: Vocabulary) -> list[str]:
    """The names of the code lists in which a code stands."""
    return [name for name, listed in vocabulary.code_lists.items() if listed.find(coding)]


def _is_read(coding: Coding, vocabulary: Vocabulary) -> bool:
    return _is_unit(coding) or bool(lists_of(coding, vocabulary))


def _is_unit(coding: Coding) -> bool:
    return coding.system == UCUM and any(conversion_factor(kind, coding.code) is not None for kind in ACCEPTED)


def _fits(unit: str, code_list: str) -> bool:
    kind = _KINDS.get(code_list)
    return kind is not None and conversion_factor(kind, unit) is not None
