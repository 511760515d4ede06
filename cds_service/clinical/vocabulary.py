"""What content gives to reading: code lists, name lists and thresholds, each from `cards/`."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cds_service.clinical.codes import CodeList, NameList


@dataclass(frozen=True)
class Vocabulary:
    """Everything that reading needs to know and that a clinician may review: no code or number stands in Python."""

    code_lists: Mapping[str, CodeList]
    name_lists: Mapping[str, NameList]
    thresholds: Mapping[str, Decimal]
