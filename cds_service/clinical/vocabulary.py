"""The part of content that reading needs: code lists, name lists and thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.fhir.codes import CodeList, NameList

CODE_LISTS = (
    "acetaminophen-level",
    "acetaminophen-poisoning",
    "acetylcysteine",
    "amino-acid-panels",
    "bleeding-risk",
    "body-height",
    "body-weight",
    "bronchospasm-risk",
    "creatinine",
    "cystine",
    "dialysis",
    "dialysis-creatinine",
    "egfr",
    "glutamate",
    "glutamate-lookalikes",
    "glutamine",
    "glutamine-drugs",
    "kidney-disease",
    "kidney-injury",
    "nitroglycerin",
    "respiratory-reasons",
    "routes",
)
NAME_LISTS = (
    "acetaminophen-poisoning-words",
    "acetylcysteine-names",
    "amino-acid-words",
    "antidote-words",
    "bleeding-risk-words",
    "bronchospasm-risk-words",
    "dialysis-words",
    "glutamine-drug-names",
    "kidney-disease-words",
    "kidney-injury-words",
    "nitroglycerin-names",
    "route-words",
)
THRESHOLDS = (
    "acetaminophen-level-window",
    "antidote-dose-per-weight",
    "antidote-dose-without-weight",
    "egfr-impairment",
    "handling-ratio",
    "result-age",
    "weight-age",
)


@dataclass(frozen=True)
class Vocabulary:
    """What a clinician reviews of reading: no clinical code or threshold is written in Python.

    `site_intervals` are a site's own reference intervals by analyte, if its settings have any.
    """

    code_lists: Mapping[str, CodeList]
    name_lists: Mapping[str, NameList]
    thresholds: Mapping[str, Decimal]
    site_intervals: Mapping[str, tuple[SiteInterval, ...]] = field(default_factory=dict)

    def missing(self) -> list[tuple[str, str]]:
        """Each list and threshold that reading needs and content lacks: the file that it belongs in, and its name."""
        lists = [(f"codelists/{name}.csv", name) for name in CODE_LISTS if name not in self.code_lists]
        lists += [(f"codelists/{name}.csv", name) for name in NAME_LISTS if name not in self.name_lists]
        return lists + [("thresholds.toml", name) for name in THRESHOLDS if name not in self.thresholds]
