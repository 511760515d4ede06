"""Reasons for not following a card, and HL7's published categories of such reasons.

The categories and their words are those of the code system `non-adherence-reason-codes` (HL7/cds-hooks fb10ca77,
2026-06-24, trial use), the ones that CDS Hooks 3.0 suggests.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from cds_service.guidance.conditions import Strict

CATEGORY_SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
Category = Literal[
    "cds-not-applicable",
    "cds-suboptimal-context",
    "recipient-disagrees-evidence",
    "recipient-concerns-outcomes",
    "does-not-align-preferences",
    "not-convenient-feasible",
]
CATEGORIES: Mapping[Category, str] = {
    "cds-not-applicable": "PC CDS does not apply to patient",
    "cds-suboptimal-context": "PC CDS delivered in suboptimal context",
    "recipient-disagrees-evidence": "Recipient disagrees with recommendation because of issues with the evidence",
    "recipient-concerns-outcomes": "Recipient has concerns regarding potential health outcomes",
    "does-not-align-preferences": "Recommendation does not align with patient preferences or values",
    "not-convenient-feasible": "Recommendation is not convenient or feasible",
}


class OverrideReason(Strict):
    """A reason that a clinician may give for overriding a card, and its published category if one fits."""

    code: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    display: str
    category: Category | None = None
