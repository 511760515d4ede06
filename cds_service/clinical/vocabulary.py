"""What content gives to reading: code lists, name lists and thresholds, each from `cards/`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from cds_service.clinical.codes import CodeList, NameList
from cds_service.clinical.site import SiteInterval


@dataclass(frozen=True)
class Vocabulary:
    """Everything that reading needs to know and that a clinician may review: no code or number stands in Python.

    `site_intervals` are a site's own reference intervals, by analyte; none unless its settings give them.
    """

    code_lists: Mapping[str, CodeList]
    name_lists: Mapping[str, NameList]
    thresholds: Mapping[str, Decimal]
    site_intervals: Mapping[str, tuple[SiteInterval, ...]] = field(default_factory=dict)
