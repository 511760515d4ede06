"""Explains some calls of a replay: what was shown, and why, with the values that it rests on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.content.explaining import ExplainedOrder, explain
from cds_service.fhir.json import Resource
from cds_service.hooks.cards import Card
from cds_service.replay.counting import Counts
from cds_service.replay.records import key_of, place_of
from cds_service.replay.replaying import AnsweredCall, answer_call, find_calls, past_orders
from cds_service.replay.scanning import Segment, read_segments
from cds_service.replay.tasks import Setup, contents_of, resources_by_patient, rules_of


@dataclass(frozen=True)
class ExplainedCall:
    """A call of one patient: when it was, the cards that were shown, the other answer if there is one, and why."""

    key: str
    patient: str
    moment: str
    orders: tuple[ExplainedOrder, ...]
    cards: tuple[Card, ...]
    other_cards: tuple[Card, ...] | None
    other_orders: tuple[ExplainedOrder, ...] = ()


def explain_calls(
    wanted: Mapping[str, str], segments: Mapping[int, list[Segment]], setup: Setup, types: Iterable[str], places: int
) -> dict[str, ExplainedCall]:
    """The calls with these keys, explained. `wanted` has the patient of each key; there are so many buckets."""
    found: dict[str, ExplainedCall] = {}
    patients = set(wanted.values())
    for place in sorted({place_of(patient, places) for patient in patients}):
        lines = ((patient, line) for patient, line in read_segments(segments[place]) if patient in patients | {""})
        for patient, resources in resources_by_patient(lines, Counts()):
            for call in _explain_patient(patient, resources, setup, types):
                if call.key in wanted:
                    found[call.key] = call
    return found


def _explain_patient(
    patient: str, resources: list[Resource], setup: Setup, types: Iterable[str]
) -> Iterable[ExplainedCall]:
    contents, rules = contents_of(setup), rules_of(setup, types)
    record, calls = find_calls(patient, resources, contents, rules, Counts())
    for call in calls:
        answered = answer_call(record, call, contents.deciding, rules)
        other = answer_call(record, call, contents.other, rules) if contents.other else None
        yield ExplainedCall(
            key=key_of(patient, call.moment.isoformat(), past_orders(answered)),
            patient=patient,
            moment=call.moment.isoformat(),
            orders=explain(answered.answered) if answered.answered else (),
            cards=_cards(answered),
            other_cards=None if other is None else _cards(other),
            other_orders=explain(other.answered) if other and other.answered else (),
        )


def _cards(answered: AnsweredCall) -> tuple[Card, ...]:
    return tuple(answered.answered.response.cards) if answered.answered else ()
