"""Acetaminophen (paracetamol) poisoning: one list of codes and one of words, wherever they stand.

The same lists are read in an order's own words, in its reason and in the problem list; some further words count in the
order's own words alone.
"""

import re
from datetime import datetime, timedelta

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.labs.results import has_code
from cds_service.clinical.orders.words import stands_beside_a_dose, windows
from cds_service.clinical.screens.conditions import active_conditions, is_active, onset_of
from cds_service.clinical.screens.finding import find_unreadable
from cds_service.clinical.screens.screening import PRESENT, first_finding
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.codes import NameList, fold
from cds_service.fhir.datetimes import sample_moment
from cds_service.fhir.json import Json, Resource, code_or_concept, names, relative_reference
from cds_service.fhir.versions.elements import is_about

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_NEAR = 2  # words: "OD on paracetamol"
_BESIDE = 4  # words: "overdose of her long-acting insulin"


def is_poisoning(concept: Json, vocabulary: Vocabulary) -> bool:
    """True for acetaminophen poisoning or overdose, by a code or in the words of a name."""
    if vocabulary.code_lists["acetaminophen-poisoning"].included_in(concept) is not None:
        return True
    return any(speaks_of_poisoning(name, vocabulary) for name in names(concept))


def speaks_of_poisoning(written: str, vocabulary: Vocabulary) -> bool:
    """True for a text that speaks of acetaminophen poisoning, or of an overdose without naming another drug."""
    return any(_speaks(piece, vocabulary.name_lists["acetaminophen-poisoning-words"]) for piece in windows(written))


def _speaks(written: str, words: NameList) -> bool:
    drug = words.having("counts", "drug")
    if drug.find(written) is not None:
        return (
            words.having("counts", "with the drug").find(written) is not None
            or words.having("counts", "alone").find(written) is not None
            or _are_near(words.having("counts", "near the drug"), drug, written)
        )
    return _stands_apart(words.having("counts", "alone"), words.having("counts", "another drug"), written, _BESIDE)


def _are_near(words: NameList, others: NameList, written: str) -> bool:
    """True if a word of one list stands within two words of one of the other."""
    return any(others.find(beside) is not None for beside in _surroundings(words, written, _NEAR))


def _stands_apart(words: NameList, others: NameList, written: str, distance: int) -> bool:
    """True if a word of one list stands where none of the other is within so many words of it."""
    return any(others.find(beside) is None for beside in _surroundings(words, written, distance))


def _surroundings(words: NameList, written: str, distance: int) -> list[str]:
    """Each word of the list that is in the text, with so many words before and after it."""
    if words.find(written) is None:  # nearly every text: one look, not many
        return []
    tokens = _WORD.findall(fold(written))
    places = [place for place, token in enumerate(tokens) if words.find(token) is not None]
    return [" ".join(tokens[max(0, place - distance) : place + distance + 1]) for place in places]


def order_speaks_of_poisoning(written: str, vocabulary: Vocabulary) -> bool:
    """The same for a text of an order, in which further words count, such as "loading dose"."""
    words = vocabulary.name_lists["acetaminophen-poisoning-words"]
    return any(_speaks(piece, words) or _order_speaks(piece, words) for piece in windows(written))


def _order_speaks(written: str, words: NameList) -> bool:
    if words.having("counts", "order").find(written) is not None:
        return True
    if _stands_apart(words.having("counts", "order unless a test"), words.having("counts", "a test"), written, _NEAR):
        return True
    beside = words.having("counts", "order beside a dose").find(written)
    return beside is not None and stands_beside_a_dose(beside.name, written)


def read_poisoning(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Fact:
    """Signs of acetaminophen poisoning on record: a condition of the last 30 days, or a level of the last 72 hours."""
    for condition in chart.get(queries.PROBLEMS).resources:
        if _is_current(condition, vocabulary, now) and is_poisoning(condition.get("code"), vocabulary):
            return known(PRESENT, (Origin(relative_reference(condition), "acetaminophen poisoning or overdose"),))
    window = timedelta(hours=int(vocabulary.thresholds["acetaminophen-level-window"]))
    for level in chart.get(queries.ACETAMINOPHEN).resources:
        if _is_recent_level(level, vocabulary, now - window, chart.patient_id):
            return known(PRESENT, (Origin(relative_reference(level), "acetaminophen level"),))
    doubt = _find_doubt(chart, vocabulary, now)
    if doubt is not None:
        return doubt
    gaps = [gap for key in (queries.PROBLEMS, queries.ACETAMINOPHEN) if (gap := chart.gap(key)) is not None]
    if gaps:
        return unknown("; ".join(gap.note for gap in gaps))
    return absent("no active poisoning on the problem list and no recent acetaminophen level")


def _find_doubt(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Fact | None:
    """Unknown where an entry of the problem list may be a poisoning, since nothing says what it is."""
    excludes = vocabulary.code_lists["acetaminophen-poisoning"].excludes
    return first_finding(
        (condition, find_unreadable(concept, vocabulary, excludes))
        for condition, concept in active_conditions(chart.get(queries.PROBLEMS))
        if _is_current(condition, vocabulary, now)
    )


def _is_current(condition: Resource, vocabulary: Vocabulary, now: datetime) -> bool:
    """Active, and not known to have begun too long ago; one without a date counts."""
    if not is_active(condition):
        return False
    began = onset_of(condition)
    return began is None or (now.date() - began).days <= vocabulary.thresholds["poisoning-age"]


def _is_recent_level(level: Resource, vocabulary: Vocabulary, since: datetime, patient_id: str) -> bool:
    """Whatever its value. A level without a date that can be read counts: in doubt, antidote."""
    if code_or_concept(level.get("status")) & {"entered-in-error", "cancelled"}:
        return False
    if not is_about(level, patient_id) or not has_code(level, vocabulary.code_lists["acetaminophen-level"]):
        return False
    moment = sample_moment(level)
    return moment is None or moment.latest >= since
