"""A site may narrow the baseline family: with a result or a stated neuropsychiatric reason, or not at all."""

from pathlib import Path

import pytest

from cds_service.answering import Answer
from cds_service.content.explaining import explain
from cds_service.fhir.systems import ICD10, ICD10CM, ICD10GM, SNOMED
from cds_service.hooks.discovery import HOOKS
from cds_service.hooks.requests import read_request
from cds_service.site.opening import open_site
from tests.builders import concept
from tests.support import CONTENT, NOW, Body, Json, answer_now, counted_ids, request_for, to_bytes, without
from tests.unit.site.files import write_site

NARROW = '[baseline]\nspeaks = "with-result-or-reason"\n'
BASELINE = {card.id for card in CONTENT.cards if card.family == "baseline"}
NOT_MEASURED, MEASURED = "edith-not-measured", "alma-glutamate-high"


def answered(body: Body, folder: Path, text: str = NARROW) -> Answer:
    site = open_site(write_site(folder, text), CONTENT, HOOKS, ())
    modes = site.modes_for("order-sign", "open")
    return answer_now(read_request(to_bytes(body), "order-sign"), site.content, NOW, counted_ids(), modes=modes)


def baseline_of(answer: Answer) -> set[str]:
    return BASELINE & set(answer.card_ids)


def with_reason(patient: str, reason: Json) -> Body:
    body = request_for(patient)
    body["context"]["draftOrders"]["entry"][0]["resource"]["reasonCode"] = [reason]
    return body


@pytest.mark.parametrize(("patient", "speaks"), [(NOT_MEASURED, False), (MEASURED, True), ("felix-unclassified", True)])
def test_a_result_makes_it_speak(patient: str, speaks: bool, tmp_path: Path) -> None:
    body = request_for(patient)
    assert baseline_of(answered(body, tmp_path, ""))
    assert bool(baseline_of(answered(body, tmp_path))) == speaks


REASONS = {
    "F20.0": (concept("F20.0", ICD10), True),
    "F14.2 of ICD-10-CM": (concept("F14.20", ICD10CM), True),
    "F42.1 of ICD-10-GM": (concept("F42.1", ICD10GM), True),
    "G10": (concept("G10", ICD10), True),
    "F30": (concept("F30.1", ICD10), False),
    "F34": (concept("F34.1", ICD10), False),
    "another disease": (concept("M54.5", ICD10), False),
    "a code without a name": (concept("13645005", SNOMED), False),
    "a word": ({"text": "Cocaine dependence"}, True),
    "a word of another case": ({"text": "huntington's disease"}, True),
    "taken back": ({"text": "no depression"}, False),
    "in doubt": ({"text": "depression?"}, False),
    "no word of the list": ({"text": "migraine"}, False),
}


@pytest.mark.parametrize(("reason", "speaks"), REASONS.values(), ids=REASONS)
def test_a_stated_reason_makes_it_speak(reason: Json, speaks: bool, tmp_path: Path) -> None:
    assert bool(baseline_of(answered(with_reason(NOT_MEASURED, reason), tmp_path))) == speaks


def test_a_reason_on_the_problem_list_alone_is_not_stated(tmp_path: Path) -> None:
    body = request_for(NOT_MEASURED)
    condition = {"resourceType": "Condition", "id": "c", "code": concept("F20.0", ICD10)}
    body["prefetch"]["problemList"].setdefault("entry", []).append({"resource": condition})
    assert not baseline_of(answered(body, tmp_path))


def test_warnings_and_what_was_not_checked_are_said_all_the_same(tmp_path: Path) -> None:
    body = without(with_reason("ines-allergic", {"text": "migraine"}), "prefetch", "aminoAcids")
    before, after = answered(body, tmp_path, ""), answered(body, tmp_path)
    assert after.card_ids == [card for card in before.card_ids if card not in BASELINE]
    assert {"acetylcysteine-hypersensitivity", "screening-incomplete"} <= set(after.card_ids)


def test_the_explanation_names_the_site_file(tmp_path: Path) -> None:
    (order,) = explain(answered(request_for(NOT_MEASURED), tmp_path))
    said = {card.id: card.by_site for card in order.cards if card.by_site}
    assert set(said) == {"glutamate-not-measured"}
    assert said["glutamate-not-measured"].startswith("not said: by the site file baseline cards speak only with")
