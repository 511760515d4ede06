"""The quality of the data: what a hospital can mend before the service goes live. Counts and code values only."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from cds_service.clinical.facts import UNKNOWN
from cds_service.clinical.labs.amino_acids import read_analyte
from cds_service.clinical.labs.results import Result
from cds_service.clinical.orders.recognise import may_mean_acetylcysteine
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.content.unread import analyte_named
from cds_service.fhir.json import Json, codings, names, objects, shorten
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.deciding import OrderDecision
from cds_service.replay.as_of import PatientRecord, answers_at
from cds_service.replay.counting import DOSES, LOOKALIKES, RANGES, UNITS, UNUSED, Counts

if TYPE_CHECKING:
    from cds_service.replay.replaying import Rules

ANALYTES = ("glutamate", "cystine")
_AMINO_ACID_LISTS = ("glutamate", "cystine", "glutamine", "amino-acid-panels", "glutamate-lookalikes")
_QUOTED, _NUMBER = re.compile(r"“.*”", re.DOTALL), re.compile(r"\d[\d,.:/-]*")
_LONGEST = 120  # characters of a code or of a unit that are shown


def plain_reason(note: str) -> str:
    """A reason without what it quotes of the record: no text and no number of a patient is left."""
    return _NUMBER.sub("#", _QUOTED.sub("“…”", note))


def count_doses(decisions: Iterable[OrderDecision], counts: Counts) -> None:
    """Counts the orders whose dose could not be worked out, by the reason."""
    for decided in {id(decided.order): decided for decided in decisions}.values():
        fact = decided.decision.facts.get("dose_per_day")
        if fact is not None and fact.state is UNKNOWN:
            counts.add(DOSES, plain_reason(fact.note))


def count_results(
    patient_id: str, record: PatientRecord, moment: datetime, rules: "Rules", vocabulary: Vocabulary, counts: Counts
) -> None:
    """Counts what is wrong with the amino acid results of a patient, as they were known at a moment."""
    chart = build_chart(patient_id, answers_at(record, moment, rules.types, rules.undated, frozenset()))
    for analyte in ANALYTES:
        results = read_analyte(analyte, chart, vocabulary, moment)
        for rejected in results.rejected:
            is_unit = rejected.reason.startswith("unit") or rejected.reason == "no unit"
            reason = shorten(rejected.reason, _LONGEST) if is_unit else plain_reason(rejected.reason)
            counts.add(UNITS if is_unit else UNUSED, f"{analyte}: {reason}")
        for result in results.usable:
            if not _has_range(result):
                counts.add(RANGES, analyte)


def _has_range(result: Result) -> bool:
    return bool(objects(result.element.get("referenceRange")))


def unread_codes(code: Json, vocabulary: Vocabulary) -> list[str]:
    """The codes of a result that has the name of glutamate or cystine, and no code that any list knows.

    Each is `analyte list|system|code`. Empty for every other result.
    """
    found = codings(code)
    if any(vocabulary.code_lists[name].rows_of(found) for name in _AMINO_ACID_LISTS):
        return []
    analyte = analyte_named(code, vocabulary)
    if not analyte:
        return []
    return [f"{analyte}|{shorten(coding.system, _LONGEST)}|{shorten(coding.code, _LONGEST)}" for coding in found] or [
        f"{analyte}||"
    ]


def unread_drug_codes(concept: Json, is_by_name: bool, vocabulary: Vocabulary) -> list[str]:
    """The codes of a drug that was recognised by its name alone, or that may be acetylcysteine by its name."""
    if not is_by_name and not any(may_mean_acetylcysteine(name, vocabulary) for name in names(concept)):
        return []
    listed = vocabulary.code_lists["acetylcysteine"]
    codes = [coding for coding in codings(concept) if not listed.rows_of([coding])]
    kind = "acetylcysteine" if is_by_name else "perhaps acetylcysteine"
    return [f"{kind}|{shorten(coding.system, _LONGEST)}|{shorten(coding.code, _LONGEST)}" for coding in codes] or [
        f"{kind}||"
    ]


def count_unread(keys: Iterable[str], counts: Counts, number: int = 1) -> None:
    """Counts codes that are not read, each so many times."""
    for key in keys:
        counts.add(LOOKALIKES, key, number)
