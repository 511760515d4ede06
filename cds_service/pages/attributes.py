"""The thirteen source attributes of evidence-based decision support listed in 45 CFR 170.315(b)(11)(iv)(A).

Statements about patient data are generated from the catalogue of facts and the queries, the others from the content.
Nothing is filled in by hand, so nothing can become outdated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.fhir.queries import QUERIES
from cds_service.guidance.model import Content

RULE = "45 CFR 170.315(b)(11)(iv)(A)"
CHECKED_AGAINST = (
    "The rule is part of the HTI-1 final rule (89 FR 1192, 9 January 2024). The names and numbers of the attributes "
    "were compared with those that OpenEMR, an open-source EHR, copies from the regulation: its class Rule and its "
    "list dsi_evidence_source_attributes. The text of the regulation itself was not accessible at the time of writing."
)
_IN_STANDARDS = "as expressed in the standards in § 170.213"
_NOT_USED = "Not used: no fact depends on it, and it is never requested on its own."
_MAY_BE_SENT = "It may be part of the Patient resource, of which only {members} are read."


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the rule. `used` says whether such data is used; None if the attribute is not about data."""

    number: int
    name: str
    used: bool | None
    says: tuple[str, ...]


def source_attributes(content: Content) -> tuple[Attribute, ...]:
    """All thirteen, in the order of the rule."""
    unused_data = {
        "race": f"{_NOT_USED} {_may_be_sent()} Race-specific eGFR results are rejected by their codes.",
        "ethnicity": f"{_NOT_USED} {_may_be_sent()}",
        "language": f"{_NOT_USED} {_may_be_sent()}",
        "sexual orientation": _NOT_USED,
        "gender identity": f"{_NOT_USED} {_may_be_sent()}",
    }
    unused = [
        Attribute(number, f"Use of {name} {_IN_STANDARDS}", False, (says,))
        for number, (name, says) in enumerate(unused_data.items(), 5)
    ]
    return (*_about_content(content), *unused, *_about_patient(), *_about_health())


def _about_content(content: Content) -> list[Attribute]:
    reviews = [card.review for card in content.cards]
    written = sorted(review.written_on for review in reviews)
    signed_on = sorted(signature.on for signatures in content.signatures.values() for signature in signatures)
    sources = dict.fromkeys(name for card in content.cards for name in card.all_sources)
    citations = tuple(_cite(content, name) for name in sources)
    signed = f"Signed from {signed_on[0]} to {signed_on[-1]}." if signed_on else "Not yet signed by two people."
    dates = f"Written from {written[0]} to {written[-1]}. {signed}"
    return [
        Attribute(1, "Bibliographic citation of the intervention (clinical research or guideline)", None, citations),
        Attribute(
            2,
            "Developer of the intervention (translation from clinical research or guideline)",
            None,
            tuple(dict.fromkeys(review.written_by for review in reviews)),
        ),
        Attribute(
            3,
            "Funding source of the technical implementation for the intervention(s) development",
            None,
            (content.about.funding,),
        ),
        Attribute(
            4,
            "Release and, if applicable, revision dates of the intervention or reference source",
            None,
            (f"Content {content.version}: {content.status_note}.", dates),
        ),
    ]


def _cite(content: Content, name: str) -> str:
    source = content.sources[name]
    where = source.url or (f"label {source.label_id}" if source.label_id else "")
    title = source.title if source.title and source.title not in source.label else ""
    return ". ".join(part for part in (source.label, title, where) if part)


def _about_patient() -> list[Attribute]:
    return [
        Attribute(10, f"Use of sex {_IN_STANDARDS}", *_uses("gender", "the administrative sex, `Patient.gender`")),
        Attribute(11, f"Use of date of birth {_IN_STANDARDS}", *_uses("birthDate", "`Patient.birthDate`")),
    ]


def _uses(member: str, words: str) -> tuple[bool, tuple[str, ...]]:
    labels = [kind.label for kind in CATALOGUE.values() if member in kind.patient]
    return bool(labels), (f"Used: {words}, for {', '.join(labels)}.",) if labels else (_NOT_USED,)


def _may_be_sent() -> str:
    members = sorted({member for kind in CATALOGUE.values() for member in kind.patient})
    return _MAY_BE_SENT.format(members=" and ".join(f"`Patient.{member}`" for member in members))


def _about_health() -> list[Attribute]:
    searches = [f"{query.label} ({', '.join(query.code_lists)})" for query in QUERIES.values() if query.code_lists]
    return [
        Attribute(
            12,
            f"Use of social determinants of health data {_IN_STANDARDS}",
            False,
            (
                "Not used: no code list contains such a problem or assessment. One on the problem list is received but "
                "ignored.",
            ),
        ),
        Attribute(
            13,
            f"Use of health status assessments data {_IN_STANDARDS}",
            False,
            (
                "Not used: no assessment is requested. The requested observations are: " + "; ".join(searches) + ".",
                "Diagnoses, allergies and medications are used, as the decision table lists them.",
            ),
        ),
    ]


def as_json(content: Content) -> Mapping[str, Any]:
    """The attributes as JSON members."""
    return {
        "rule": RULE,
        "checkedAgainst": CHECKED_AGAINST,
        "content": {"version": content.version, "status": content.status},
        "attributes": [
            {
                "number": attribute.number,
                "name": attribute.name,
                "used": attribute.used,
                "says": list(attribute.says),
            }
            for attribute in source_attributes(content)
        ],
    }
