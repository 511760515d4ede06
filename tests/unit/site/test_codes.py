"""A site's own codes are read as what they mean, asked for, and explained; what they cannot mean is refused."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from cds_service.content.explaining import explain
from cds_service.errors import ContentError
from cds_service.fhir.codes import LocalCode
from cds_service.fhir.json import Coding
from cds_service.fhir.quantities import LocalUnits
from cds_service.fhir.systems import ICD10, LOINC, RXNORM, SNOMED, UCUM
from cds_service.guidance.model import Content
from cds_service.guidance.required_queries import prefetch_templates
from cds_service.hooks.discovery import HOOKS
from cds_service.hooks.requests import read_request
from cds_service.site.opening import open_site
from tests.support import (
    CONTENT,
    NOW,
    ORDERS,
    PATIENTS,
    Body,
    Json,
    answer_now,
    as_read,
    counted_ids,
    request_for,
    to_bytes,
)
from tests.unit.site.files import write_site
from tests.unit.site.hospital import LOCAL, Hospital, code_row

GLUTAMATE, CREATININE = f"{LOINC}|20642-5", f"{LOINC}|2160-0"


def content_with(folder: Path, *parts: str) -> Content:
    return open_site(write_site(folder, *parts), CONTENT, HOOKS, ()).content


def reply(body: Body, content: Content) -> list[Body]:
    """The cards, without the resources of their suggestions: an order goes back in the codes that it came in."""
    answered = answer_now(read_request(to_bytes(body), "order-sign"), content, NOW, counted_ids())
    cards: list[Body] = as_read(msgspec.to_builtins(answered.response))["cards"]
    for card in cards:
        for suggestion in card.get("suggestions", []):
            for action in suggestion["actions"]:
                action.pop("resource", None)
    return cards


CALLS = [(patient, "oral-600-twice-daily") for patient in PATIENTS] + [("alma-glutamate-high", one) for one in ORDERS]


@pytest.mark.parametrize(("patient", "order"), CALLS)
def test_a_chart_in_codes_of_the_site_is_answered_like_one_in_ours(patient: str, order: str, tmp_path: Path) -> None:
    hospital, body = Hospital(), request_for(patient, order)
    own, ours = (hospital.rewrite(body, own_codes=own_codes) for own_codes in (True, False))
    assert own != ours
    assert reply(own, content_with(tmp_path, *hospital.rows)) == reply(ours, CONTENT)


def test_without_the_site_file_the_same_chart_says_nothing_for_sure() -> None:
    body = Hospital().rewrite(request_for("alma-glutamate-high"), own_codes=True)
    assert reply(body, CONTENT) == []


MEANINGS = (GLUTAMATE, f"{RXNORM}|197", f"{SNOMED}|26643006", f"{UCUM}|mg")


def test_queries_and_discovery_ask_for_the_codes_of_the_laboratory(tmp_path: Path) -> None:
    rows = [code_row(f"L{at}", means) for at, means in enumerate((*MEANINGS, CREATININE))]
    before, after = (prefetch_templates(one, "order-sign") for one in (CONTENT, content_with(tmp_path, *rows)))
    assert f"{LOCAL}|L0" in after["aminoAcids"]
    assert f"{LOCAL}|L4" in after["kidneyResults"]
    others = set(after) - {"aminoAcids", "kidneyResults"}
    assert {key: after[key] for key in others} == {key: before[key] for key in others}


MISTAKES = {
    "a code that is none": ([code_row("L1", f"{LOINC}|1-8")], ["code.0.means: http://loinc.org|1-8 is no code that"]),
    "a unit that is none": ([code_row("L1", f"{UCUM}|MG")], ["code.0.means: "]),
    "no system": ([code_row("L1", "20642-5")], ["code.0.means: it is not written as system|code"]),
    "twice": ([code_row("L1", means) for means in MEANINGS[:2]], ["code.1.code: the code stands twice"]),
    "one of ours": (
        [code_row("L1", CREATININE).replace(LOCAL, LOINC).replace("L1", "20642-5")],
        ["code.0.code: the service reads this code already"],
    ),
    "a comma": ([code_row("L,1", GLUTAMATE)], ["code.0.code: a code has 1 to 64 letters"]),
    "a bar": ([code_row("L1", GLUTAMATE).replace(LOCAL, "urn:x|y")], ["code.0.system: "]),
    "the unit of a drug": ([code_row("L1", f"{RXNORM}|197", unit="mg")], ["code.0.unit: mg is no unit in which"]),
    "a unit of another kind": ([code_row("L1", GLUTAMATE, unit="mg/dL")], ["code.0.unit: mg/dL is no unit in which"]),
    "an order of something else": (
        [f'[[order_code]]\norder = "x-ray"\nsystem = "{LOCAL}"\ncode = "A"\n'],
        ["order_code.0.order: "],
    ),
}


@pytest.mark.parametrize(("rows", "problems"), MISTAKES.values(), ids=MISTAKES)
def test_a_code_that_means_nothing_is_refused(rows: Sequence[str], problems: Sequence[str], tmp_path: Path) -> None:
    with pytest.raises(ContentError) as refused:
        content_with(tmp_path, *rows)
    found = [str(mistake).partition(": ")[2] for mistake in refused.value.mistakes]
    assert len(found) == len(problems)
    assert all(one.startswith(problem) for one, problem in zip(found, problems, strict=True))


def glutamate_of(body: Body) -> Body:
    entries = body["prefetch"]["aminoAcids"]["entry"]
    found = (entry["resource"] for entry in entries if "20642-5" in str(entry["resource"]["code"]))
    result: Body = next(found)
    return result


def test_a_result_that_states_no_unit_has_that_of_its_code(tmp_path: Path) -> None:
    body = request_for("alma-glutamate-high")
    expected = reply(body, CONTENT)
    result = glutamate_of(body)
    result["code"] = {"coding": [{"system": LOCAL, "code": "GLU"}]}
    for quantity in (result["valueQuantity"], *result["referenceRange"][0].values()):
        for name in ("unit", "system", "code"):
            quantity.pop(name, None) if isinstance(quantity, dict) else None
    assert reply(body, content_with(tmp_path, code_row("GLU", GLUTAMATE))) != expected
    assert reply(body, content_with(tmp_path, code_row("GLU", GLUTAMATE, unit="umol/L"))) == expected


def test_explanations_say_that_the_site_file_gave_the_meaning(tmp_path: Path) -> None:
    hospital = Hospital()
    body = hospital.rewrite(request_for("ines-allergic"), own_codes=True)
    content = content_with(tmp_path, *hospital.rows)
    (order,) = explain(answer_now(read_request(to_bytes(body), "order-sign"), content, NOW, counted_ids()))
    assert order.local_code.endswith("by the site file")
    facts = [fact for card in order.cards for condition in card.conditions for fact in condition.facts]
    said = {fact.label: origin.sent for fact in facts for origin in fact.origins if "by the site file" in origin.sent}
    assert "allergy to acetylcysteine" in said
    assert len(said) > 2


ORDER_CODE = (
    f'[[order_code]]\norder = "plasma-amino-acids"\nsystem = "{LOCAL}"\ncode = "AA1"\ndisplay = "Amino acids"\n'
)


def drafted(body: Body, content: Content) -> list[Json]:
    answered = answer_now(read_request(to_bytes(body), "order-sign"), content, NOW, counted_ids())
    actions = [action for card in answered.response.cards for one in card.suggestions for action in one.actions]
    return [action.resource for action in actions if action.type == "create"]


def test_a_drafted_order_has_the_code_of_the_site_beside_its_words(tmp_path: Path) -> None:
    body, content = request_for("edith-not-measured"), content_with(tmp_path, ORDER_CODE)
    (draft,) = drafted(body, content)
    coding = {"system": LOCAL, "code": "AA1", "display": "Amino acids"}
    assert draft["code"] == {"coding": [coding], "text": "Plasma amino acids"}
    without_words = {**draft, "code": {"coding": [{"system": LOCAL, "code": "AA1"}]}}
    body["context"]["draftOrders"]["entry"].append({"resource": without_words})
    assert drafted(body, CONTENT)
    assert not drafted(body, content)


def test_a_code_rules_out_what_its_meaning_rules_out() -> None:
    local = LocalCode(Coding(LOCAL, "AST"), Coding(ICD10, "J45.9"))
    listed = CONTENT.vocabulary.code_lists["bleeding-risk"]
    assert listed.with_local_codes([local]).excludes(local.coding)
    assert not listed.excludes(local.coding)


def test_a_unit_is_translated_where_a_result_has_no_range() -> None:
    units = LocalUnits({Coding(LOCAL, "UML"): "umol/L"})
    value = {"value": 1, "unit": "micromoles", "system": LOCAL, "code": "UML"}
    in_ucum = {"valueQuantity": {"value": 1, "system": UCUM, "code": "umol/L"}}
    assert units.translate_result({"valueQuantity": value}) == in_ucum
    assert units.translate_result({"status": "final"}) == {"status": "final"}
    assert units.translate("no quantity") == "no quantity"
