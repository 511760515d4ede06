"""From decisions to cards: text that stays text, nothing null or empty, several orders in one card."""

import html
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import absent, known
from cds_service.clinical.orders.recognise import Order
from cds_service.content.loading import load_content
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
from cds_service.guidance.escaping import SHOWN_LENGTH, escape, plain
from cds_service.guidance.model import CardText, Phrase
from cds_service.guidance.rendering import Call, render, render_cards
from cds_service.hooks.cards import Action, to_json
from cds_service.hooks.requests import read_request
from tests.support import answer_now

ROOT = Path(__file__).parents[2]
CONTENT = load_content(ROOT / "cards")
CARDS = {card.id: card for card in CONTENT.cards}
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
STORIES = sorted(path.stem for path in (ROOT / "fixtures" / "patients").glob("*.json"))
ORDERS = sorted(path.stem for path in (ROOT / "fixtures" / "orders").glob("*.json"))
WORD_JOINER = "\u2060"
MARKDOWN = MarkdownIt("gfm-like", {"html": True, "linkify": False})  # links of bare text: see LINKED_BY_GFM
LINKED_BY_GFM = re.compile(r"(https?|ftp)://|www\.|(mailto|xmpp):|[\w.+-]@\w", re.IGNORECASE)


def stored(folder, name):
    return json.loads((ROOT / "fixtures" / folder / f"{name}.json").read_text(encoding="utf-8"))


def prefetch_of(story):
    """All of a person's resources under every key of their type: reading takes what each key is for."""
    resources = [entry["resource"] for entry in stored("patients", story)["entry"]]
    keys = {
        "Patient": ["patient"],
        "Observation": ["aminoAcids", "kidneyResults", "bodyMeasures", "acetaminophenLevels"],
        "Condition": ["problemList"],
        "AllergyIntolerance": ["allergyList"],
        "MedicationRequest": ["activeMedications"],
    }
    sent = {key: {"resourceType": "Bundle", "entry": []} for names in keys.values() for key in names}
    for resource in resources:
        for key in keys.get(resource["resourceType"], []):
            sent[key]["entry"].append({"resource": resource})
    return sent


def answered(orders, patient="p", prefetch=None):
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


def cards_of(answered_call):
    return {card.source.topic.code: card for card in answered_call.response.cards}


def ordered(identity, name="acetylcysteine", mg=600, **members):
    dose = {"value": mg, "unit": "mg", "code": "mg"}
    timing = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    order = {"resourceType": "MedicationRequest", "id": identity, "medicationCodeableConcept": {"text": name}}
    return {**order, "dosageInstruction": [{"doseAndRate": [{"doseQuantity": dose}], "timing": timing}], **members}


def decided(card, name="acetylcysteine", **texts):
    """A decision to advise with facts made up for it: fact -> its texts."""
    facts = {fact: known("present", **said) for fact, said in texts.items()}
    for fact in CATALOGUE:
        facts.setdefault(fact, known("other") if fact == "use" else absent("none"))
    order = Order(ordered("d", name), (), (name,))
    wordings = wordings_of(card, facts, CONTENT.phrases)
    decision = Decision(card, Outcome.ADVISE, facts, indicator_of(card, facts), suggestions_of(card, facts), wordings)
    return OrderDecision(order, decision)


IS_HIGH = {"fact": "glutamate", "is": "high", "because": "a reason that is long enough"}
CALL = Call("p", date(2026, 11, 23), lambda: "id")


def rendered(one, *more):
    (advice,) = group_advice([one, *more])
    return render(advice, CONTENT, CALL)


# --- escape -----------------------------------------------------------------------------------------------------------

HOSTILE = {
    # text, and what a reader sees of it where that is not the text itself
    "script": ("<script>alert(1)</script>", None),
    "image with a handler": ('<img src=x onerror="alert(1)">', None),
    "inline HTML": ("<b>bold</b> and <!-- comment -->", None),
    "closing tags": ("</p></div><p>", None),
    "unclosed tag": ("<a href='javascript:alert(1)'", None),
    "CDATA": ("<![CDATA[x]]>", None),
    "processing instruction": ("<?php echo 1 ?>", None),
    "link": ("[click](https://evil.example)", None),
    "link with a title": ('[click](/x "title")', None),
    "link by reference": ("[click][1]", None),
    "definition of a link": ("[1]: https://evil.example", None),
    "footnote": ("[^1]: note", None),
    "image": ("![x](https://evil.example/a.png)", None),
    "task": ("[x] done", None),
    "link in angle brackets": ("<https://evil.example>", None),
    "address in angle brackets": ("<a@evil.example>", None),
    "bare http": ("see http://evil.example now", None),
    "bare https in capitals": ("HTTPS://EVIL.EXAMPLE", None),
    "bare ftp": ("ftp://evil.example", None),
    "bare www": ("www.evil.example", None),
    "bare www in capitals": ("(WWW.evil.example)", None),
    "bare address": ("mail a@evil.example now", None),
    "mailto": ("mailto:a@evil.example", None),
    "xmpp in capitals": ("XMPP:a@evil.example/x", None),
    "link broken by zero width": ("http:\u200b//evil.example", "http://evil.example"),
    "www broken by zero width": ("ww\u200bw.evil.example", "www.evil.example"),
    "table": ("a | b", None),
    "whole table": ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b | |---|---| | 1 | 2 |"),
    "heading": ("# heading", None),
    "heading of six": ("###### heading", None),
    "heading underlined": ("heading\n===", "heading ==="),
    "line of equals": ("===", None),
    "rule of hyphens": ("---", None),
    "rule of stars": ("* * *", None),
    "rule of underscores": ("___", None),
    "list with a hyphen": ("- item", None),
    "list with a plus": ("+ item", None),
    "list with a star": ("* item", None),
    "list with a number": ("1. item", None),
    "list with a bracket": ("1) item", None),
    "list with a long number": ("123456789. item", None),
    "quote": ("> quoted", None),
    "indented code": ("    code", "code"),
    "fence of backticks": ("```python", None),
    "fence of tildes": ("~~~python", None),
    "code span": ("`code` and ``more``", None),
    "emphasis": ("*a* _b_ **c** __d__ ***e***", None),
    "strike-through": ("~~gone~~", None),
    "formula": ("$x^2$ and $$y$$", None),
    "backslashes": ("\\*not\\* \\\\ \\", None),
    "backslash before a bracket": ("\\[x](y)", None),
    "entity": ("&lt;script&gt; &copy; &#60; &#x3C;", None),
    "ampersand": ("AT&T & co", None),
    "quotes": ("\"double\" 'single'", None),
    "line break": ("one\ntwo\r\nthree", "one two three"),
    "paragraph": ("one\n\n# two", "one # two"),
    "hard break": ("one  \ntwo", "one two"),
    "line separators of Unicode": ("one\u2028two\u2029three\u0085four", "one two three four"),
    "tabs": ("\tone\ttwo", "one two"),
    "control characters": ("a\x00b\x07c\x1b[31md\x7f", "abc[31md"),
    "bidi overrides": ("\u202egnp.exe\u202c \u2066x\u2069 \u200f\u061c", "gnp.exe x"),
    "zero width": ("a\u200bb\u200cc\u200dd\u2060e", "abcde"),
    "not a character": ("a\ufefeb", "ab"),
    "byte order mark": ("\ufeffa", "a"),
    "soft hyphen": ("acetyl\u00adcysteine", "acetylcysteine"),
    "tag characters": ("a\U000e0041b", "ab"),
    "private use": ("a\ue000b", "ab"),
    "half of a pair": ("a\ud800b", "ab"),
    "template": ("{glutamate.result} {{context.patientId}}", None),
    "blank": (" \n\t ", ""),
    "plain": ("Acetylcysteine 600 MG Oral Capsule (2,400 mg/day), 10–120 µmol/L!", None),
    "minus": ("−5 to +5 ± 1 ÷ 2 × 3", None),
    "number with a decimal point": ("2.5 mg", None),
}
LONG = {
    "letters": "x" * 10_000,
    "stars": "*" * 10_000,
    "brackets": "[" * 10_000,
    "tags": "<b>" * 5_000,
    "ampersands": "&" * 10_000,
    "links": "http://a " * 5_000,
    "line breaks": "a\n" * 5_000,
}


def paragraph(markdown):
    """The one paragraph that the Markdown makes, or a failure; its tokens and its HTML."""
    tokens = MARKDOWN.parse(markdown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    return tokens[1].children, MARKDOWN.render(markdown)


def visible(markdown):
    children, page = paragraph(markdown)
    assert {child.type for child in children} <= {"text"}
    inside = page.strip().removeprefix("<p>").removesuffix("</p>")
    assert "<" not in inside
    assert ">" not in inside
    return html.unescape(inside)


def test_the_table_is_as_long_as_it_is_meant_to_be():
    assert len(HOSTILE) >= 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [pair for pair in HOSTILE.values() if pair[1] != ""],
    ids=[name for name, pair in HOSTILE.items() if pair[1] != ""],
)
def test_hostile_text_is_shown_as_it_is_and_makes_nothing(text, expected):
    seen = visible(escape(text))
    assert seen.replace(WORD_JOINER, "") == (text if expected is None else expected)
    assert not LINKED_BY_GFM.search(seen)


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_one_item_of_a_list(text, expected):
    tokens = [token.type for token in MARKDOWN.parse(f"- {escape(text)}\n- end")]
    assert tokens.count("list_item_open") == 2
    assert not {"heading_open", "table_open", "hr", "fence", "code_block", "html_block", "blockquote_open"} & {*tokens}


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_also_harmless_where_a_client_takes_it_for_html(text, expected):
    assert not re.search(r"[<>\"']", escape(text))


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_in_the_paragraph_of_the_line_above(text, expected):
    assert [token.type for token in MARKDOWN.parse(f"above\n{escape(text)}")][::2] == [
        "paragraph_open",
        "paragraph_close",
    ]


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_in_its_cell_of_a_table(text, expected):
    tokens = MARKDOWN.parse(f"| a | b |\n|---|---|\n| {escape(text)} | end |")
    cells = [tokens[index + 1].content for index, token in enumerate(tokens) if token.type == "td_open"]
    assert (len(cells), cells[-1]) == (2, "end")


def test_text_never_finishes_a_link_that_stands_around_it():
    for markdown in (f"[a {escape('](/evil)')}", f"{escape('[a')}](/evil)", f"{escape('![a')}](/evil)"):
        assert "<a" not in MARKDOWN.render(markdown)
        assert "<img" not in MARKDOWN.render(markdown)


def test_no_formula_is_made_where_a_client_knows_formulas():
    assert escape("$x$") == r"\$x\$"


def test_blank_text_shows_nothing():
    assert escape(HOSTILE["blank"][0]) == ""


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_very_long_text_is_cut_and_says_so(text):
    seen = visible(escape(text)).replace(WORD_JOINER, "")
    assert len(seen) == SHOWN_LENGTH
    assert seen.endswith("…")
    assert text.replace("\n", " ").startswith(seen[:-1])


def test_text_of_just_the_length_is_not_cut():
    assert escape("x" * SHOWN_LENGTH) == "x" * SHOWN_LENGTH
    assert escape("x" * (SHOWN_LENGTH + 1)) == "x" * (SHOWN_LENGTH - 1) + "…"


def test_every_printable_character_survives():
    characters = [chr(code) for code in range(0x21, 0x7F)] + list("µ×–≥÷äéñßøŁżİ漢字אب")
    for character in characters:
        for text in (character, f"{character}a", f"a{character}a", f"a {character} a", f"{character} a"):
            assert visible(escape(text)).replace(WORD_JOINER, "") == text


# --- plain, for summaries ---------------------------------------------------------------------------------------------

PLAIN = {
    "less than": ("<5 µmol/L", "less than 5 µmol/L"),
    "at most": ("<=5 µmol/L", "at most 5 µmol/L"),
    "more than": (">900 µmol/L", "more than 900 µmol/L"),
    "at least": (">=900 µmol/L", "at least 900 µmol/L"),
    "ampersand": ("a & b", "a b"),
    "control and invisible characters": ("a\x00b\u202ec\u200bd", "abcd"),
    "space": ("  a  b ", "a b"),
    "line break": ("one\ntwo", "one two"),
    "nothing to change": ("Plasma glutamate 168 µmol/L (*high*)", "Plasma glutamate 168 µmol/L (*high*)"),
}


@pytest.mark.parametrize(("text", "expected"), PLAIN.values(), ids=PLAIN)
def test_a_value_in_a_summary_has_its_comparator_in_words_and_nothing_that_html_reads(text, expected):
    assert plain(text) == expected


# --- one card ---------------------------------------------------------------------------------------------------------


def shown_high(result, name="acetylcysteine"):
    """The card on a dose above: its summary shows the amount, its detail names the orders."""
    return rendered(decided(CARDS["dose-above-studied"], name, dose_per_day={"amount": result}))


def test_a_summary_that_becomes_too_long_gives_way_to_the_title():
    card = CARDS["dose-above-studied"]
    room = 139 - len(card.text.summary.replace("{dose_per_day.amount}", ""))
    fits, too_long = shown_high("9" * room).summary, shown_high("9" * (room + 1)).summary
    assert (len(fits), too_long) == (139, card.title)


def says(detail, **texts):
    text = CardText(summary="Summary", detail=detail)
    return rendered(decided(CARDS["glutamate-high"].model_copy(update={"text": text}), **texts)).detail


def test_each_hole_is_filled_and_one_without_a_value_is_a_mistake():
    result = {"result": "64 µmol/L"}
    (effects,) = (one.text for one in CONTENT.phrases["effects_line"].says)
    said = says("{glutamate.result}. {effects_line} {glutamate.result}", glutamate=result)
    assert said == f"64 µmol/L. {effects} 64 µmol/L"
    assert says("No hole.") == "No hole."
    with pytest.raises(KeyError):
        says("{glutamate.date}", glutamate=result)


def test_a_phrase_without_a_wording_for_the_facts_is_a_mistake():
    silent = Phrase.model_validate({"id": "line", "about": "A line.", "says": [{"when": [IS_HIGH], "text": "High."}]})
    content = replace(CONTENT, phrases={"line": silent})
    card = CARDS["glutamate-high"].model_copy(update={"text": CardText(summary="Summary", detail="{line}")})
    with pytest.raises(LookupError, match="line has no wording"):
        wordings_of(card, {"glutamate": absent("none")}, content.phrases)


def test_a_card_says_who_says_so_and_about_what():
    one = shown_high("2,401 mg")
    assert one.uuid == "id"
    assert one.source.label == CONTENT.about.source_label
    assert (one.source.topic.code, one.source.topic.display) == ("dose-above-studied", "Dose above the doses studied")
    assert one.source.topic.system == CONTENT.about.topic_system


def test_the_detail_names_the_version_of_the_content_and_its_status():
    detail = shown_high("2,401 mg").detail
    assert CONTENT.about.version in detail
    assert CONTENT.about.status_note in detail


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_of_an_order_makes_nothing_in_a_card(text, expected):
    one = rendered(decided(CARDS["dose-above-studied"], f"acetylcysteine {text}", dose_per_day={"amount": text}))
    page = MARKDOWN.render(one.detail)
    assert {*re.findall(r"</?([a-z0-9]+)", page)} <= {"p", "strong", "ul", "li", "h2", "h3"}
    assert not LINKED_BY_GFM.search(html.unescape(page))
    assert not set("<>&\n") & {*one.summary}


@pytest.mark.parametrize("identity", [card.id for card in CONTENT.cards if card.override_reasons])
def test_a_warning_offers_its_override_reasons_with_code_system_and_display(identity):
    texts = {
        "dose_per_day": {"amount": "2,401 mg"},
        "hypersensitivity": {"term": "acetylcysteine"},
        "bronchospasm_risk": {"term": "asthma"},
        "nitroglycerin": {"term": "nitroglycerin"},
        "parenteral_glutamine": {"term": "glutamine"},
        "dialysis": {"summary": "dialysis on the problem list"},
        "kidney_injury": {"summary": "acute kidney injury on the problem list"},
    }
    reasons = rendered(decided(CARDS[identity], **texts)).overrideReasons
    assert [reason.code for reason in reasons] == CARDS[identity].override_reasons
    assert {reason.system for reason in reasons} == {CONTENT.about.override_system}
    assert [reason.display for reason in reasons] == [CONTENT.override_reasons[one.code].display for one in reasons]


def test_each_source_that_has_an_address_is_linked_in_order():
    one = shown_high("2,401 mg")
    sources = [CONTENT.sources[name] for name in CARDS["dose-above-studied"].sources]
    assert [(link.label, link.url) for link in one.links] == [(source.label, source.url) for source in sources]
    assert {link.type for link in one.links} == {"absolute"}


def test_a_source_without_an_address_is_not_linked():
    card = CARDS["dose-above-studied"].model_copy(update={"sources": ["seed-article", "schmaal-2012"]})
    seed = CONTENT.sources["seed-article"].model_copy(update={"url": None})
    content = type(CONTENT)(**{**vars(CONTENT), "sources": {**CONTENT.sources, "seed-article": seed}})
    (advice,) = group_advice([decided(card, dose_per_day={"amount": "1 mg"})])
    one = render(advice, content, CALL)
    assert [link.url for link in one.links] == [CONTENT.sources["schmaal-2012"].url]


def test_cards_are_sorted_by_urgency_and_otherwise_keep_their_order():
    def advice(name, indicator):
        card = CARDS["glutamate-high"].model_copy(update={"id": name, "text": CardText(summary="s", detail="d")})
        return Advice(card, (decided(card),), indicator, ())

    levels = [("a", "info"), ("b", "warning"), ("c", "critical"), ("d", "info"), ("e", "critical"), ("f", "warning")]
    rendered_cards = render_cards([advice(*level) for level in levels], CONTENT, CALL)
    assert "".join(card_id for card_id, _ in rendered_cards) == "cebfad"
    assert all(card_id == card.source.topic.code for card_id, card in rendered_cards)


# --- every card on the wire -------------------------------------------------------------------------------------------


def empties(value, path="$"):
    if value is None or value in ("", [], {}):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from empties(inner, f"{path}.{key}")


@pytest.mark.parametrize("order", ORDERS)
def test_no_card_for_anybody_has_a_member_that_is_null_or_empty(order):
    for story in [*STORIES, "nobody"]:
        prefetch = prefetch_of(story) if story in STORIES else {"bodyMeasures": None}
        wire = json.loads(to_json(answered([stored("orders", order)], story, prefetch).response))
        for card in wire["cards"]:
            assert not list(empties(card)), (story, card["source"]["topic"]["code"])
            assert 0 < len(card["summary"]) < 140
            assert card["indicator"] == "info" or card["overrideReasons"]


@pytest.mark.parametrize("story", [*STORIES, "nobody"])
def test_the_detail_of_every_card_is_tidy(story):
    prefetch = prefetch_of(story) if story in STORIES else {"bodyMeasures": None}
    orders = [stored("orders", "oral-1200-twice-daily"), stored("orders", "oral-no-dosage")]
    for drafts in (orders[:1], orders[1:], orders):
        for card in answered(drafts, story, prefetch).response.cards:
            assert "\n\n\n" not in card.detail
            assert card.detail == card.detail.strip()
            assert not re.search(r"^-\s*$", card.detail, re.MULTILINE)
            assert not re.search(r"\{[a-z_.]+\}", card.detail + card.summary)


# --- several orders in one card ---------------------------------------------------------------------------------------


def list_items(detail):
    tokens = MARKDOWN.parse(detail)
    inside = [tokens[index + 2].content for index, token in enumerate(tokens) if token.type == "list_item_open"]
    return [one.replace(WORD_JOINER, "") for one in inside]


def test_a_card_about_the_patient_names_each_order_with_its_own_dose():
    orders = [ordered("a", "Acetylcysteine morning", 600), ordered("b", "Acetylcysteine evening", 900)]
    card = cards_of(answered(orders, "alma-glutamate-high", prefetch_of("alma-glutamate-high")))["glutamate-high"]
    doses = [item for item in list_items(card.detail) if "Ordered:" in item]
    assert ["morning" in item and "600 mg" in item for item in doses] == [True, False]
    assert ["evening" in item and "900 mg" in item for item in doses] == [False, True]


def test_a_card_about_one_order_does_not_name_it_before_its_dose():
    call = answered([ordered("a", "Acetylcysteine morning")], "alma-glutamate-high", prefetch_of("alma-glutamate-high"))
    detail = cards_of(call)["glutamate-high"].detail
    assert "Ordered: 600 mg per day" in detail
    assert "morning" not in detail


def test_one_card_on_screening_names_what_was_not_done_for_any_of_its_orders():
    inhaled = ordered("a", "acetylcysteine", dosageInstruction=[{"route": {"text": "inhalation"}}])
    for drafts in ([inhaled, ordered("b")], [ordered("b"), inhaled]):
        detail = cards_of(answered(drafts, prefetch={"bodyMeasures": None}))["screening-incomplete"].detail
        assert "allergy to acetylcysteine" in detail
        assert "plasma glutamate" in detail


def test_items_of_a_fact_become_items_of_a_list():
    card = CARDS["screening-incomplete"]
    one = rendered(decided(card, screens_not_done={"list": ("first *one*", "second")}))
    assert list_items(one.detail) == [r"first \*one\*", "second"]


def test_a_number_keeps_its_exact_value_on_the_wire():
    wire = to_json(Action(type="create", description="d", resource={"value": Decimal("0.10")}))
    assert b'{"value":0.10}' in wire
