"""The forms that the codes of each code system have, so that a mistyped code in a list is found."""

import re

from cds_service.fhir.systems import (
    ATC,
    ATC_GERMAN,
    EDQM,
    ICD9CM,
    ICD10,
    ICD10AM,
    ICD10CM,
    ICD10GM,
    LOINC,
    NCI,
    RXNORM,
    SNOMED,
    UCUM,
    UNII,
    V2_ROUTE,
    V3_ROUTE,
)

_ICD10_CODE = r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?\*?|[A-Z]\d?\*"
_SHAPES = {
    LOINC: r"\d{1,7}-\d",
    **dict.fromkeys((ICD10, ICD10CM, ICD10GM, ICD10AM), _ICD10_CODE),
    RXNORM: r"[1-9]\d{0,7}",
    V3_ROUTE: r"[A-Z]{2,12}\*?",
    SNOMED: r"[1-9]\d{5,17}",
    ATC: r"[A-Z]\d\d[A-Z]{2}\d\d",
    ATC_GERMAN: r"[A-Z]\d\d[A-Z]{2}\d\d",
    UNII: r"[0-9A-Z]{10}",
    V2_ROUTE: r"[A-Z]{1,12}",
    EDQM: r"\d{8}",
    NCI: r"C\d{1,7}",
    ICD9CM: r"\d{3}(\.\d{1,2})?",
    UCUM: r"1|\{[a-z]+\}",
}
_ABSENCE_SHAPES = {  # of systems whose codes say that there is no information
    "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips": r"no(-[a-z]+)+",
    "http://terminology.hl7.org/CodeSystem/data-absent-reason": r"[a-z]+(-[a-z]+)*",
    "http://terminology.hl7.org/CodeSystem/v3-NullFlavor": r"[A-Z]{2,5}",
}


_FEW_CODES = frozenset((V2_ROUTE, EDQM, NCI, ICD9CM, UCUM))  # listed in a few rows: a code not listed may be anything
SUPPORTED_SYSTEMS = frozenset(_SHAPES) - _FEW_CODES  # a code of any other system says nothing to this service


def shape_problem(system: str, code: str) -> str:
    """What is wrong with the form of a listed code; empty if it can be a code of its system."""
    shape = {**_SHAPES, **_ABSENCE_SHAPES}.get(system)
    if shape is None:
        return f"no code system {system} is in use"
    if not re.fullmatch(shape, code):
        return f"{code} does not have the form of a code of {system}"
    if system == LOINC and _loinc_check_digit(code[:-2]) != code[-1]:
        return f"the check digit of {code} is wrong"
    return ""


def _loinc_check_digit(digits: str) -> str:
    """Modulus 10: every other digit from the right is doubled."""
    odd = str(int(digits[::-1][::2]) * 2)
    total = sum(map(int, odd)) + sum(map(int, digits[::-1][1::2]))
    return str(-total % 10)
