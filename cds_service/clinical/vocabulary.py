"""The part of content that reading needs: code lists, name lists and thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.fhir.codes import CodeList, NameList
from cds_service.fhir.json import Coding
from cds_service.fhir.quantities import NO_LOCAL_UNITS, LocalUnits

CODE_LISTS = (
    "acetaminophen-level",
    "acetaminophen-poisoning",
    "acetylcysteine",
    "amino-acid-panels",
    "bleeding-risk",
    "body-height",
    "body-weight",
    "breast-feeding",
    "bronchospasm-risk",
    "count-units",
    "creatinine",
    "cystine",
    "cystinuria",
    "dialysis",
    "dialysis-creatinine",
    "egfr",
    "family-history",
    "glutamate",
    "glutamate-lookalikes",
    "glutamine",
    "glutamine-drugs",
    "kidney-disease",
    "kidney-disease-stage-4",
    "kidney-disease-stage-5",
    "kidney-failure",
    "kidney-injury",
    "liver-failure",
    "neuropsychiatric-reasons",
    "nitroglycerin",
    "no-information",
    "none-known",
    "other-specimen-codes",
    "pregnancy",
    "routes",
    "single-ingredient-oral",
    "somatic-conditions",
    "somatic-reasons",
)
NAME_LISTS = (
    "acetaminophen-poisoning-words",
    "acetylcysteine-brands",
    "acetylcysteine-names",
    "allergy-words",
    "amino-acid-order-words",
    "amino-acid-words",
    "amount-words",
    "bleeding-risk-words",
    "blood-words",
    "breast-feeding-words",
    "bronchospasm-risk-words",
    "count-unit-words",
    "cystinuria-words",
    "dialysis-words",
    "dose-forms",
    "dose-words",
    "eye-product-names",
    "gastrointestinal-manifestations",
    "glutamine-drug-names",
    "kidney-disease-stage-4-words",
    "kidney-disease-stage-5-words",
    "kidney-disease-words",
    "kidney-failure-words",
    "kidney-injury-words",
    "liver-failure-words",
    "nac-companions",
    "neuropsychiatric-reason-words",
    "nitroglycerin-names",
    "no-information-words",
    "numeral-words",
    "other-specimens",
    "pregnancy-words",
    "qualifying-words",
    "route-words",
    "solution-words",
    "somatic-condition-words",
    "somatic-words",
)
THRESHOLDS = (
    "acetaminophen-level-window",
    "adult-age",
    "adult-weight-highest",
    "adult-weight-lowest",
    "amino-acid-highest",
    "antidote-daily-dose",
    "antidote-dose-per-weight",
    "antidote-dose-per-weight-above",
    "antidote-dose-per-weight-child",
    "antidote-longest-course",
    "antidote-single-dose",
    "antidote-young-age",
    "antidote-young-dose",
    "child-weight-highest",
    "child-weight-lowest",
    "creatinine-highest",
    "creatinine-lowest",
    "days-of-intravenous-treatment",
    "egfr-highest",
    "egfr-impairment",
    "egfr-lowest",
    "glutamate-mix-up",
    "handling-ratio",
    "kidney-injury-age",
    "kidney-result-age",
    "oldest-age",
    "poisoning-age",
    "pregnancy-oldest",
    "pregnancy-youngest",
    "result-age",
    "solution-dose-by-mouth",
    "solution-volume-by-mouth",
    "strongest-solution",
    "studied-single-dose",
    "weight-age",
    "young-child-age",
)


@dataclass(frozen=True)
class Vocabulary:
    """What a clinician reviews of reading: no clinical code or threshold is written in Python.

    A site may add to it, in its site file: `site_intervals` are its own reference intervals by analyte, and
    `local_units` the codes of its units. What its other codes mean, the code lists know. `order_codes` are those under
    which plasma amino acids are ordered there, each with its name. In `recognised` is kept which drugs, as they were
    written, are acetylcysteine: a vocabulary with other lists begins anew.
    """

    code_lists: Mapping[str, CodeList]
    name_lists: Mapping[str, NameList]
    thresholds: Mapping[str, Decimal]
    site_intervals: Mapping[str, tuple[SiteInterval, ...]] = field(default_factory=dict)
    local_units: LocalUnits = NO_LOCAL_UNITS
    order_codes: Mapping[Coding, str] = field(default_factory=dict)
    recognised: dict[bytes, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def missing(self) -> list[tuple[str, str]]:
        """Each list and threshold that reading needs and content lacks: the file that it belongs in, and its name."""
        lists = [(f"codelists/{name}.csv", name) for name in CODE_LISTS if name not in self.code_lists]
        lists += [(f"codelists/{name}.csv", name) for name in NAME_LISTS if name not in self.name_lists]
        return lists + [("thresholds.toml", name) for name in THRESHOLDS if name not in self.thresholds]
