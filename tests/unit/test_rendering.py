"""From decisions to cards: text that stays text, nothing null or empty, several orders in one card."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cds_service.answering import Answer
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import absent, known
from cds_service.clinical.orders.recognise import Order
from cds_service.guidance.deciding import (
    Advice,
    Decision,
    OrderDecision,
    Outcome,
    group_advice,
    indicator_of,
    suggestions_of,
    wordings_of,
)
from cds_service.guidance.model import Card, CardText, Indicator, IndicatorRow, Phrase
from cds_service.guidance.rendering import Call, render, render_cards
from cds_service.hooks.cards import Action, to_json
from cds_service.hooks.cards import Card as ShownCard
from cds_service.hooks.requests import read_request
from tests.hostile_text import HOSTILE, LINKED_BY_GFM, MARKDOWN, WORD_JOINER
from tests.support import CONTENT, NOW, ROOT, Body, Json, answer_now

CARDS = {card.id: card for card in CONTENT.cards}
STORIES = sorted(path.stem for path in (ROOT / "fixtures" / "patients").glob("*.json"))
ORDERS = sorted(path.stem for path in (ROOT / "fixtures" / "orders").glob("*.json"))


def stored(folder: str, name: str) -> Json:
    return json.loads((ROOT / "fixtures" / folder / f"{name}.json").read_text(encoding="utf-8"))


def prefetch_of(story: str) -> Body:
    """All of a person's resources under every key of their type: reading takes what each key is for."""
    resources = [entry["resource"] for entry in stored("patients", story)["entry"]]
    keys = {
        "Patient": ["patient"],
        "Observation": ["aminoAcids", "kidneyResults", "bodyMeasures", "acetaminophenLevels"],
        "Condition": ["problemList"],
        "AllergyIntolerance": ["allergyList"],
        "MedicationRequest": ["activeMedications"],
    }
    sent: Body = {key: {"resourceType": "Bundle", "entry": []} for names in keys.values() for key in names}
    for resource in resources:
        for key in keys.get(resource["resourceType"], []):
            sent[key]["entry"].append({"resource": resource})
    return sent


def answered(orders: list[Body], patient: str = "p", prefetch: Body | None = None) -> Answer:
    drafts = {"resourceType": "Bundle", "entry": [{"resource": one} for one in orders]}
    body = {
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"patientId": patient, "draftOrders": drafts},
        "prefetch": prefetch or {},
    }
    ids = iter(range(1000))
    request = read_request(json.dumps(body).encode(), "order-sign")
    return answer_now(request, CONTENT, NOW, lambda: f"id-{next(ids)}")


def cards_of(answered_call: Answer) -> Body:
    return {card.source.topic.code: card for card in answered_call.response.cards}


def ordered(identity: str, name: str = "acetylcysteine", mg: int = 600, **members: Json) -> Body:
    dose = {"value": mg, "unit": "mg", "code": "mg"}
    timing = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    order = {"resourceType": "MedicationRequest", "id": identity, "medicationCodeableConcept": {"text": name}}
    return {**order, "dosageInstruction": [{"doseAndRate": [{"doseQuantity": dose}], "timing": timing}], **members}


def decided(card: Card, name: str = "acetylcysteine", **texts: Json) -> OrderDecision:
    """A decision to advise with facts made up for it: fact -> its texts."""
    facts = {fact: known("present", **said) for fact, said in texts.items()}
    for fact in CATALOGUE:
        facts.setdefault(fact, known("other") if fact == "use" else absent("none"))
    order = Order(ordered("d", name), (), (name,))
    wordings = wordings_of(card, facts, CONTENT.phrases)
    decision = Decision(card, Outcome.ADVISE, facts, indicator_of(card, facts), suggestions_of(card, facts), wordings)
    return OrderDecision(order, decision)


IS_HIGH = {"fact": "glutamate", "is": "high", "because": "a reason that is long enough"}
RULE = "\n\n---\n\n"
CALL = Call("p", date(2026, 11, 23), lambda: "id")


def rendered(one: OrderDecision, *more: OrderDecision) -> ShownCard:
    (advice,) = group_advice([one, *more])
    return render(advice, CONTENT, CALL)


# --- one card ---------------------------------------------------------------------------------------------------------


def shown_high(result: str, name: str = "acetylcysteine") -> ShownCard:
    """The card on a dose above: its summary shows the amount, its detail names the orders."""
    return rendered(decided(CARDS["dose-above-studied"], name, dose_per_day={"amount": result}))


def test_a_summary_that_becomes_too_long_gives_way_to_the_title() -> None:
    card = CARDS["dose-above-studied"]
    words = "{dose_per_day.amount} of acetylcysteine per day is more than"
    (summary,) = (wording.text for wording in CONTENT.phrases["dose_summary"].says if wording.text.startswith(words))
    room = 139 - len(summary.replace("{dose_per_day.amount}", ""))
    fits, too_long = shown_high("9" * room).summary, shown_high("9" * (room + 1)).summary
    assert (len(fits), too_long) == (139, card.title)


def says(detail: str, **texts: Json) -> str:
    text = CardText(summary="Summary", fold="Fold.", detail=detail)
    return rendered(decided(CARDS["glutamate-high"].model_copy(update={"text": text}), **texts)).detail.partition(RULE)[
        2
    ]


def test_each_hole_is_filled_and_one_without_a_value_is_a_mistake() -> None:
    result = {"result": "64 µmol/L"}
    version = f"Content {CONTENT.about.version}. This card: {CONTENT.status_note}."
    said = says("{glutamate.result}. {version_line} {glutamate.result}", glutamate=result)
    assert said == f"64 µmol/L. {version} 64 µmol/L"
    assert says("No hole.") == "No hole."
    with pytest.raises(KeyError):
        says("{glutamate.date}", glutamate=result)


def test_a_phrase_without_a_wording_for_the_facts_is_a_mistake() -> None:
    silent = Phrase.model_validate({"id": "line", "about": "A line.", "says": [{"when": [IS_HIGH], "text": "High."}]})
    content = replace(CONTENT, phrases={"line": silent})
    card = CARDS["glutamate-high"].model_copy(
        update={"text": CardText(summary="Summary", fold="Fold.", detail="{line}")}
    )
    with pytest.raises(LookupError, match="line has no wording"):
        wordings_of(card, {"glutamate": absent("none")}, content.phrases)


def test_a_card_says_who_says_so_and_about_what() -> None:
    one = shown_high("2,401 mg")
    assert one.uuid == "id"
    assert one.source.label == CONTENT.about.source_label
    assert (one.source.topic.code, one.source.topic.display) == ("dose-above-studied", "Dose above the doses studied")
    assert one.source.topic.system == CONTENT.about.topic_system


def test_the_detail_names_the_version_of_the_content_and_its_status() -> None:
    detail = shown_high("2,401 mg").detail
    assert CONTENT.about.version in detail
    assert CONTENT.status_note in detail


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_of_an_order_makes_nothing_in_a_card(text: str, expected: str | None) -> None:
    one = rendered(decided(CARDS["dose-above-studied"], f"acetylcysteine {text}", dose_per_day={"amount": text}))
    page = MARKDOWN.render(one.detail)
    assert {*re.findall(r"</?([a-z0-9]+)", page)} <= {"p", "strong", "ul", "li", "hr"}
    assert not LINKED_BY_GFM.search(html.unescape(page))
    assert not set("<>&\n") & {*one.summary}


@pytest.mark.parametrize("identity", [card.id for card in CONTENT.cards if card.override_reasons])
def test_a_warning_offers_its_override_reasons_with_code_system_and_display(identity: str) -> None:
    texts: Json = {
        "dose_per_day": {"amount": "2,401 mg"},
        "hypersensitivity": {"term": "acetylcysteine"},
        "age": {"amount": "1"},
        "bronchospasm_risk": {"term": "asthma"},
        "nitroglycerin": {"term": "nitroglycerin"},
        "parenteral_glutamine": {"term": "glutamine"},
        "dialysis": {"summary": "dialysis on the problem list"},
        "kidney_injury": {"summary": "acute kidney injury on the problem list"},
        "treatment_days": {"since_day": "28 Sep 2026"},
        "new_hypersensitivity": {"term": "acetylcysteine", "day": "2 Nov 2026"},
        "new_nitroglycerin": {"term": "nitroglycerin", "day": "2 Nov 2026"},
    }
    reasons = rendered(decided(CARDS[identity], **texts)).overrideReasons
    assert [reason.code for reason in reasons] == CARDS[identity].override_reasons
    assert {reason.system for reason in reasons} == {CONTENT.about.override_system}
    assert [reason.display for reason in reasons] == [CONTENT.override_reasons[one.code].display for one in reasons]


def test_each_source_that_has_an_address_is_linked_in_order() -> None:
    one = shown_high("2,401 mg")
    sources = [CONTENT.sources[name] for name in CARDS["dose-above-studied"].sources]
    assert [(link.label, link.url) for link in one.links] == [
        (f"{source.label}{source.where_it_leads}", source.url) for source in sources
    ]
    assert {link.type for link in one.links} == {"absolute"}


def test_a_source_without_an_address_is_not_linked() -> None:
    card = CARDS["dose-above-studied"].model_copy(update={"sources": ["seed-article", "schmaal-2012"]})
    seed = CONTENT.sources["seed-article"].model_copy(update={"url": None})
    content = replace(CONTENT, sources={**CONTENT.sources, "seed-article": seed})
    (advice,) = group_advice([decided(card, dose_per_day={"amount": "1 mg"})])
    one = render(advice, content, CALL)
    assert [link.url for link in one.links] == [CONTENT.sources["schmaal-2012"].url]


def test_cards_are_sorted_by_urgency_and_otherwise_keep_their_order() -> None:
    def advice(name: str, indicator: Indicator) -> Advice:
        card = CARDS["glutamate-high"].model_copy(
            update={"id": name, "text": CardText(summary="s", fold="f", detail="d")}
        )
        return Advice(card, (decided(card),), IndicatorRow(level=indicator), ())

    levels: list[tuple[str, Indicator]] = [
        ("a", "info"),
        ("b", "warning"),
        ("c", "critical"),
        ("d", "info"),
        ("e", "critical"),
        ("f", "warning"),
    ]
    rendered_cards = render_cards([advice(*level) for level in levels], CONTENT, CALL)
    assert "".join(card_id for card_id, _ in rendered_cards) == "cebfad"
    assert all(card_id == card.source.topic.code for card_id, card in rendered_cards)


# --- every card on the wire -------------------------------------------------------------------------------------------


def empties(value: Json, path: str = "$") -> Iterator[Json]:
    if value is None or value in ("", [], {}):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from empties(inner, f"{path}.{key}")


@pytest.mark.parametrize("order", ORDERS)
def test_no_card_for_anybody_has_a_member_that_is_null_or_empty(order: str) -> None:
    for story in [*STORIES, "nobody"]:
        prefetch = prefetch_of(story) if story in STORIES else {"bodyMeasures": None}
        wire = json.loads(to_json(answered([stored("orders", order)], story, prefetch).response))
        for card in wire["cards"]:
            assert not list(empties(card)), (story, card["source"]["topic"]["code"])
            assert 0 < len(card["summary"]) < 140
            assert card["indicator"] == "info" or card["overrideReasons"]


@pytest.mark.parametrize("story", [*STORIES, "nobody"])
def test_the_detail_of_every_card_is_tidy(story: str) -> None:
    prefetch = prefetch_of(story) if story in STORIES else {"bodyMeasures": None}
    orders = [stored("orders", "oral-1200-twice-daily"), stored("orders", "oral-no-dosage")]
    for drafts in (orders[:1], orders[1:], orders):
        for card in answered(drafts, story, prefetch).response.cards:
            assert "\n\n\n" not in card.detail
            assert card.detail == card.detail.strip()
            assert not re.search(r"^-\s*$", card.detail, re.MULTILINE)
            assert not re.search(r"\{[a-z_.]+\}", card.detail + card.summary)


# --- several orders in one card ---------------------------------------------------------------------------------------


def list_items(detail: str) -> list[str]:
    tokens = MARKDOWN.parse(detail)
    inside = [tokens[index + 2].content for index, token in enumerate(tokens) if token.type == "list_item_open"]
    return [one.replace(WORD_JOINER, "") for one in inside]


def test_a_card_about_the_patient_names_each_order_with_its_own_dose() -> None:
    orders = [ordered("a", "Acetylcysteine morning", 600), ordered("b", "Acetylcysteine evening", 900)]
    card = cards_of(answered(orders, "alma-glutamate-high", prefetch_of("alma-glutamate-high")))["glutamate-high"]
    doses = [item for item in list_items(card.detail) if "by itself" in item]
    assert ["morning" in item and "600 mg" in item for item in doses] == [True, False]
    assert ["evening" in item and "900 mg" in item for item in doses] == [False, True]


def test_a_card_about_one_order_does_not_name_it_before_its_dose() -> None:
    call = answered([ordered("a", "Acetylcysteine morning")], "alma-glutamate-high", prefetch_of("alma-glutamate-high"))
    detail = cards_of(call)["glutamate-high"].detail
    assert "Dose **600 mg per day**" in detail
    assert "morning" not in detail


def fold(text: str, **texts: Json) -> str:
    """What stands above the fold of a card with this text."""
    written = CardText(summary="Summary", fold=text, detail="Details.")
    return rendered(decided(CARDS["glutamate-high"].model_copy(update={"text": written}), **texts)).detail.partition(
        RULE
    )[0]


def test_a_text_of_a_fact_is_cut_above_the_fold_and_whole_below_it() -> None:
    term = " ".join(f"word{number}" for number in range(11))
    assert fold("{bleeding_risk.term}.", bleeding_risk={"term": term}) == f"{term.removesuffix(' word10')}…."
    assert fold("{bleeding_risk.term}.", bleeding_risk={"term": "one word"}) == "one word."
    assert says("{bleeding_risk.term}.", bleeding_risk={"term": term}) == f"{term}."


def test_days_above_the_fold_have_short_months() -> None:
    term = {"term": "since 3 September 2026"}
    assert fold("{bleeding_risk.term}.", bleeding_risk=term) == "since 3 Sep 2026."
    assert says("{bleeding_risk.term}.", bleeding_risk=term) == "since 3 September 2026."


def test_items_above_the_fold_that_say_nothing_leave_no_gap() -> None:
    assert (
        fold("- {kidney_fold}\n- {dose_fold}\n- {pregnancy_fold}") == "- No dose is stated yet; most studies: 2,400 mg."
    )


def test_a_list_names_every_item_that_holds_and_says_nothing_without_one() -> None:
    assert fold("{none_on_record}").startswith("None on record: acetylcysteine allergy, asthma/COPD, ")
    assert fold("x {not_checked}") == "x **Not checked**: kidney function."
    assert "Not checked" not in fold("x {not_checked}", kidney={"summary": ""})


def test_an_order_about_which_a_phrase_says_nothing_is_no_item() -> None:
    assert says("a\n{ordered_line}\n- b") == "a\n- b"


def test_one_card_on_screening_names_what_was_not_done_for_any_of_its_orders() -> None:
    inhaled = ordered("a", "acetylcysteine", dosageInstruction=[{"route": {"text": "inhalation"}}])
    for drafts in ([inhaled, ordered("b")], [ordered("b"), inhaled]):
        detail = cards_of(answered(drafts, prefetch={"bodyMeasures": None}))["screening-incomplete"].detail
        assert "allergy to acetylcysteine" in detail
        assert "plasma glutamate" in detail


def test_items_of_a_fact_become_items_of_a_list() -> None:
    card = CARDS["screening-incomplete"]
    one = rendered(decided(card, screens_not_done={"names": "first", "list": ("first *one*", "second")}))
    assert list_items(one.detail) == [r"first \*one\*", "second"]


def test_a_number_keeps_its_exact_value_on_the_wire() -> None:
    wire = to_json(Action(type="create", description="d", resource={"value": Decimal("0.10")}))
    assert b'{"value":0.10}' in wire


def test_a_card_can_list_its_orders() -> None:
    card = CARDS["glutamate-high"].model_copy(update={"text": CardText(summary="Summary", fold="", detail="{orders}")})
    assert list_items(rendered(decided(card, "morning"), decided(card, "evening *one*")).detail) == [
        "morning",
        r"evening \*one\*",
    ]


def test_a_suggestion_says_of_which_of_several_orders_it_is() -> None:
    card = CARDS["acetylcysteine-hypersensitivity"].model_copy(update={"scope": "patient"})
    found = {"hypersensitivity": {"term": "acetylcysteine"}}
    both = rendered(decided(card, "morning", **found), decided(card, "evening", **found))
    (one,) = rendered(decided(card, "morning", **found)).suggestions
    assert [suggestion.label for suggestion in both.suggestions] == [f"{one.label}: morning", f"{one.label}: evening"]
