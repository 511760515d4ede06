"""CDS Hooks 2.0, CDS Service Response: the rules of the checklist over every person, order and hook of the fixtures.

Each rule is a function that lists what breaks it. It is run over every answer, and over one broken answer that it
must find: a rule that cannot fail proves nothing.
"""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from cds_service.content.examples import read_json
from tests.support import (
    CONTENT,
    FIXTURES,
    HOOKS,
    INSTANCE,
    PATIENTS,
    Body,
    cards_of,
    every_service,
    id_of,
    ids_of,
    new_client,
    opening_of,
    post,
    prefetch_for,
    request_for,
    walk,
)

LEVELS = ("critical", "warning", "info")
ORDERS = ("oral-600-twice-daily", "oral-1800-twice-daily", "inhaled-3ml", "oral-for-bronchitis", "intravenous")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CARD_MEMBERS = {
    "uuid",
    "summary",
    "detail",
    "indicator",
    "source",
    "suggestions",
    "selectionBehavior",
    "overrideReasons",
    "links",
}
Rule = Callable[[Body], Iterator[object]]


@pytest.fixture(scope="module")
def answers() -> dict[str, Body]:
    """The answer to every person with some orders, at every hook: with everything sent, and with next to nothing."""
    client, found = new_client(every_service()), {}
    for patient in PATIENTS:
        found[f"{patient}, opened"] = post(client, opening_of(patient)).json()
        for name, prefetch in (("all", prefetch_for(patient)), ("next to nothing", {"bodyMeasures": None})):
            for hook in HOOKS:
                body = request_for(patient, *ORDERS[:2], hook=hook, prefetch=prefetch)
                found[f"{patient}, two orders, {name}, {hook}"] = post(client, body).json()
            for order in ORDERS:
                body = request_for(patient, order, prefetch=prefetch)
                found[f"{patient}, {order}, {name}"] = post(client, body).json()
    return found


# ---------------------------------------------------------------- the rules


def resp_1_the_answer_is_an_object_with_a_list_of_cards(answer: Body) -> Iterator[object]:
    if not isinstance(answer, dict) or not isinstance(answer.get("cards"), list):
        yield answer


def resp_2_system_actions_are_left_out(answer: Body) -> Iterator[object]:
    yield from set(answer) - {"cards"}


def resp_4_nothing_is_null_or_empty_but_the_list_of_cards(answer: Body) -> Iterator[object]:
    for path, value in walk(answer):
        if path != "$.cards" and (value is None or value in ("", [], {})):
            yield path


def resp_4_2_a_card_has_only_members_of_cds_hooks_2_0(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        yield from set(card) - CARD_MEMBERS


def resp_4_2_a_uuid_is_a_lower_case_uuid(answer: Body) -> Iterator[object]:
    for path, value in walk(answer):
        if path.endswith(".uuid") and not UUID.fullmatch(value):
            yield path, value


def resp_4_2_every_card_has_a_uuid_and_no_uuid_occurs_twice(answer: Body) -> Iterator[object]:
    uuids = [value for path, value in walk(answer) if path.endswith(".uuid")]
    if len(set(uuids)) < len(uuids):
        yield uuids
    yield from (card for card in answer["cards"] if "uuid" not in card)


def resp_4_2_a_summary_is_one_line_of_fewer_than_140_characters(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        if not 0 < len(card["summary"]) < 140 or "\n" in card["summary"] or "{" in card["summary"]:
            yield card["summary"]


def resp_4_2_detail_has_no_raw_html_no_open_hole_and_no_empty_item(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        if (
            re.search(r"<[A-Za-z/!]|\{[a-z_.]+\}|(?m:^ *- *$)", card["detail"])
            or card["detail"] != card["detail"].strip()
        ):
            yield card["detail"]


def resp_4_2_an_indicator_is_one_of_three(answer: Body) -> Iterator[object]:
    yield from (card["indicator"] for card in answer["cards"] if card["indicator"] not in LEVELS)


def resp_4_2_critical_comes_first_then_warnings_then_information(answer: Body) -> Iterator[object]:
    levels = [LEVELS.index(card["indicator"]) for card in answer["cards"]]
    if levels != sorted(levels):
        yield levels


def resp_4_2_selection_behavior_is_there_if_and_only_if_suggestions_are(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        if ("suggestions" in card) != (card.get("selectionBehavior") == "any"):
            yield card


def resp_4_3_source_has_a_label_and_a_topic_with_system_and_code(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        source = card["source"]
        topic = source.get("topic", {})
        if source.get("label") != CONTENT.about.source_label or not topic.get("code"):
            yield source
        if topic.get("system") != CONTENT.about.topic_system or not topic.get("display"):
            yield topic


def resp_4_3_a_url_or_icon_of_a_source_is_absolute(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        yield from (card["source"][name] for name in ("url", "icon") if not _is_https(card["source"].get(name, "")))


def resp_4_3_the_topic_is_the_id_of_a_card_of_the_content(answer: Body) -> Iterator[object]:
    known = {card.id for card in CONTENT.cards}
    yield from (name for name in ids_of(answer["cards"]) if name not in known)


def resp_4_2_a_card_that_warns_has_override_reasons_but_for_an_antidote(
    answer: Body,
) -> Iterator[object]:
    for card in answer["cards"]:
        is_of_antidote = id_of(card) == "acetylcysteine-hypersensitivity" and card["indicator"] == "warning"
        if card["indicator"] != "info" and bool(card.get("overrideReasons")) is is_of_antidote:
            yield id_of(card)


def resp_4_2_an_override_reason_has_code_system_and_display_and_occurs_once(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        reasons = card.get("overrideReasons", [])
        yield from (reason for reason in reasons if not all(reason.get(n) for n in ("code", "system", "display")))
        if len({reason.get("code") for reason in reasons}) < len(reasons):
            yield reasons


def resp_4_4_a_suggestion_has_label_uuid_and_actions_and_is_never_recommended(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        for one in card.get("suggestions", []):
            if not (one.get("label") and one.get("uuid") and one.get("actions")) or one.get("isRecommended"):
                yield one


def resp_4_5_an_action_has_type_description_and_its_resource(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        for action in (action for one in card.get("suggestions", []) for action in one.get("actions", [])):
            needed = "resourceId" if action.get("type") == "delete" else "resource"
            wrong = action.get("type") not in ("create", "update", "delete") or not action.get("description")
            if wrong or not action.get(needed) or {"resource", "resourceId"} <= set(action):
                yield action


def resp_4_6_a_link_is_absolute_https_with_a_label_and_no_app_context(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        for link in card.get("links", []):
            wrong = link.get("type") != "absolute" or "appContext" in link or not link.get("label")
            if wrong or not urlsplit(link.get("url", "")).hostname or not _is_https(link["url"]):
                yield link


def resp_4_6_no_card_has_the_same_link_twice(answer: Body) -> Iterator[object]:
    for card in answer["cards"]:
        urls = [link["url"] for link in card.get("links", [])]
        if len(set(urls)) < len(urls):
            yield urls


def _is_https(url: str) -> bool:
    return not url or url.startswith("https://")


RULES: list[Rule] = [rule for name, rule in sorted(globals().items()) if name.startswith("resp_")]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


@each_rule
def test_every_answer_keeps_the_rule(rule: Rule, answers: dict[str, Body]) -> None:
    assert {where: broken for where, answer in answers.items() if (broken := list(rule(answer)))} == {}


# ---------------------------------------------------------------- the rules can fail

SOUND: Body = {
    "cards": [
        {
            "uuid": INSTANCE,
            "summary": "One sentence",
            "detail": "Words",
            "indicator": "warning",
            "source": {
                "label": CONTENT.about.source_label,
                "url": "https://example.org",
                "topic": {"system": CONTENT.about.topic_system, "code": "dose-above-studied", "display": "Dose"},
            },
            "suggestions": [
                {
                    "label": "Remove it",
                    "uuid": INSTANCE[::-1].replace("-", "")[:8] + INSTANCE[8:],
                    "actions": [{"type": "delete", "description": "Remove it", "resourceId": "MedicationRequest/1"}],
                }
            ],
            "selectionBehavior": "any",
            "overrideReasons": [{"system": "urn:x", "code": "one", "display": "One"}],
            "links": [{"label": "Somebody, 2012", "url": "https://doi.org/1", "type": "absolute"}],
        }
    ]
}
CARD = SOUND["cards"][0]


def put(*path: Any) -> Callable[[Body], None]:
    """An edit of the sound answer: the last of the path is the new value, an Ellipsis removes the member."""
    *where, last, value = path

    def edit(answer: Body) -> None:
        target: Any = answer
        for part in where:
            target = target[part]
        if value is ...:
            del target[last]
        else:
            target[last] = value

    return edit


BREAKS: list[tuple[Rule, str, Callable[[Body], None]]] = [
    (resp_1_the_answer_is_an_object_with_a_list_of_cards, "no cards", put("cards", ...)),
    (resp_1_the_answer_is_an_object_with_a_list_of_cards, "null", put("cards", None)),
    (resp_2_system_actions_are_left_out, "empty", put("systemActions", [])),
    (resp_4_nothing_is_null_or_empty_but_the_list_of_cards, "null", put("cards", 0, "links", None)),
    (resp_4_nothing_is_null_or_empty_but_the_list_of_cards, "list", put("cards", 0, "links", [])),
    (resp_4_nothing_is_null_or_empty_but_the_list_of_cards, "text", put("cards", 0, "source", "topic", "code", "")),
    (resp_4_nothing_is_null_or_empty_but_the_list_of_cards, "object", put("cards", 0, "source", "topic", {})),
    (resp_4_2_a_card_has_only_members_of_cds_hooks_2_0, "more", put("cards", 0, "title", "x")),
    (resp_4_2_a_uuid_is_a_lower_case_uuid, "capitals", put("cards", 0, "uuid", INSTANCE.upper())),
    (resp_4_2_a_uuid_is_a_lower_case_uuid, "suggestion", put("cards", 0, "suggestions", 0, "uuid", "1")),
    (resp_4_2_every_card_has_a_uuid_and_no_uuid_occurs_twice, "none", put("cards", 0, "uuid", ...)),
    (
        resp_4_2_every_card_has_a_uuid_and_no_uuid_occurs_twice,
        "twice",
        put("cards", 0, "suggestions", 0, "uuid", INSTANCE),
    ),
    (resp_4_2_a_summary_is_one_line_of_fewer_than_140_characters, "140", put("cards", 0, "summary", "x" * 140)),
    (resp_4_2_a_summary_is_one_line_of_fewer_than_140_characters, "lines", put("cards", 0, "summary", "a\nb")),
    (resp_4_2_detail_has_no_raw_html_no_open_hole_and_no_empty_item, "html", put("cards", 0, "detail", "<b>x</b>")),
    (
        resp_4_2_detail_has_no_raw_html_no_open_hole_and_no_empty_item,
        "hole",
        put("cards", 0, "detail", "a {age.amount}"),
    ),
    (
        resp_4_2_detail_has_no_raw_html_no_open_hole_and_no_empty_item,
        "item",
        put("cards", 0, "detail", "- one\n- \n- two"),
    ),
    (resp_4_2_detail_has_no_raw_html_no_open_hole_and_no_empty_item, "space", put("cards", 0, "detail", "Words\n")),
    (resp_4_2_an_indicator_is_one_of_three, "hard-stop", put("cards", 0, "indicator", "hard-stop")),
    (
        resp_4_2_critical_comes_first_then_warnings_then_information,
        "behind",
        put("cards", [{**CARD, "indicator": "info"}, CARD]),
    ),
    (
        resp_4_2_critical_comes_first_then_warnings_then_information,
        "last",
        put("cards", [CARD, {**CARD, "indicator": "critical"}]),
    ),
    (
        resp_4_2_selection_behavior_is_there_if_and_only_if_suggestions_are,
        "missing",
        put("cards", 0, "selectionBehavior", ...),
    ),
    (
        resp_4_2_selection_behavior_is_there_if_and_only_if_suggestions_are,
        "alone",
        put("cards", 0, "suggestions", ...),
    ),
    (
        resp_4_2_selection_behavior_is_there_if_and_only_if_suggestions_are,
        "other",
        put("cards", 0, "selectionBehavior", "at-most-one"),
    ),
    (resp_4_3_source_has_a_label_and_a_topic_with_system_and_code, "label", put("cards", 0, "source", "label", "x")),
    (resp_4_3_source_has_a_label_and_a_topic_with_system_and_code, "topic", put("cards", 0, "source", "topic", ...)),
    (
        resp_4_3_source_has_a_label_and_a_topic_with_system_and_code,
        "system",
        put("cards", 0, "source", "topic", "system", ...),
    ),
    (resp_4_3_a_url_or_icon_of_a_source_is_absolute, "relative", put("cards", 0, "source", "url", "/about")),
    (
        resp_4_3_the_topic_is_the_id_of_a_card_of_the_content,
        "unknown",
        put("cards", 0, "source", "topic", "code", "other"),
    ),
    (
        resp_4_2_a_card_that_warns_has_override_reasons_but_for_an_antidote,
        "none",
        put("cards", 0, "overrideReasons", ...),
    ),
    (
        resp_4_2_an_override_reason_has_code_system_and_display_and_occurs_once,
        "display",
        put("cards", 0, "overrideReasons", 0, "display", ...),
    ),
    (
        resp_4_2_an_override_reason_has_code_system_and_display_and_occurs_once,
        "twice",
        put("cards", 0, "overrideReasons", CARD["overrideReasons"] * 2),
    ),
    (
        resp_4_4_a_suggestion_has_label_uuid_and_actions_and_is_never_recommended,
        "uuid",
        put("cards", 0, "suggestions", 0, "uuid", ...),
    ),
    (
        resp_4_4_a_suggestion_has_label_uuid_and_actions_and_is_never_recommended,
        "recommended",
        put("cards", 0, "suggestions", 0, "isRecommended", True),
    ),
    (
        resp_4_5_an_action_has_type_description_and_its_resource,
        "description",
        put("cards", 0, "suggestions", 0, "actions", 0, "description", ...),
    ),
    (
        resp_4_5_an_action_has_type_description_and_its_resource,
        "type",
        put("cards", 0, "suggestions", 0, "actions", 0, "type", "patch"),
    ),
    (
        resp_4_5_an_action_has_type_description_and_its_resource,
        "no resource",
        put("cards", 0, "suggestions", 0, "actions", 0, "type", "update"),
    ),
    (
        resp_4_6_a_link_is_absolute_https_with_a_label_and_no_app_context,
        "http",
        put("cards", 0, "links", 0, "url", "http://doi.org/1"),
    ),
    (
        resp_4_6_a_link_is_absolute_https_with_a_label_and_no_app_context,
        "smart",
        put("cards", 0, "links", 0, "type", "smart"),
    ),
    (
        resp_4_6_a_link_is_absolute_https_with_a_label_and_no_app_context,
        "no host",
        put("cards", 0, "links", 0, "url", "https:///x"),
    ),
    (resp_4_6_no_card_has_the_same_link_twice, "twice", put("cards", 0, "links", CARD["links"] * 2)),
]


@each_rule
def test_a_sound_answer_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(SOUND)) == []


@pytest.mark.parametrize(
    ("rule", "edit"),
    [pytest.param(rule, edit, id=f"{rule.__name__}: {name}") for rule, name, edit in BREAKS],
)
def test_an_answer_that_breaks_the_rule_is_found(rule: Rule, edit: Callable[[Body], None]) -> None:
    broken = copy.deepcopy(SOUND)
    edit(broken)
    assert list(rule(broken))


def test_every_rule_has_an_answer_that_breaks_it() -> None:
    assert {rule.__name__ for rule in RULES} == {rule.__name__ for rule, _, _ in BREAKS}


# ---------------------------------------------------------------- every card, at every hook


def test_the_answers_hold_every_card_of_the_content_and_every_level(answers: dict[str, Body]) -> None:
    cards = [card for answer in answers.values() for card in answer["cards"]]
    with_a_second_order = {"glutamine-kidney-injury", "glutamine-kidney-disease"}  # in the golden replies
    assert set(ids_of(cards)) == {card.id for card in CONTENT.cards} - with_a_second_order
    assert {card["indicator"] for card in cards} == set(LEVELS)


def test_no_answer_has_two_baseline_cards(answers: dict[str, Body]) -> None:
    family = {card.id for card in CONTENT.cards if card.family == "baseline"}
    several = {where for where, one in answers.items() if sum(id_of(card) in family for card in one["cards"]) > 1}
    assert several == set()


STORIES = [
    ("alma-glutamate-high", "oral-600-twice-daily", ["glutamate-high"]),
    ("bruno-glutamate-normal", "oral-600-twice-daily", ["glutamate-normal"]),
    ("chiara-glutamate-low", "oral-600-twice-daily", ["glutamate-low"]),
    ("daniel-both-low", "oral-600-twice-daily", ["glutamate-low-cystine-low"]),
    ("edith-not-measured", "oral-600-twice-daily", ["bronchospasm-oral", "glutamate-not-measured"]),
    ("felix-unclassified", "oral-600-twice-daily", ["glutamate-unclassified"]),
    ("greta-on-treatment", "oral-600-twice-daily", ["glutamate-on-treatment"]),
    ("hugo-child", "oral-600-twice-daily", ["no-paediatric-evidence"]),
    (
        "ines-allergic",
        "oral-1800-twice-daily",
        ["acetylcysteine-hypersensitivity", "dose-above-studied"],
    ),
    ("kira-copd", "inhaled-3ml", ["bronchospasm-inhaled"]),
    ("nils-poisoned-allergic", "intravenous", ["acetylcysteine-hypersensitivity"]),
    ("jonas-poisoned", "oral-600-twice-daily", []),
]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(("patient", "order", "cards"), STORIES, ids=[f"{p}, {o}" for p, o, _ in STORIES])
def test_each_hook_gives_the_cards_of_the_story(
    client: TestClient, hook: str, patient: str, order: str, cards: list[str]
) -> None:
    assert ids_of(cards_of(client, request_for(patient, order, hook=hook))) == cards


@pytest.mark.parametrize("hook", HOOKS)
def test_resp_1_nothing_to_say_is_a_200_with_an_empty_list(client: TestClient, hook: str) -> None:
    response = post(client, request_for("bruno-glutamate-normal", "amoxicillin", hook=hook))
    assert (response.status_code, response.content) == (200, b'{"cards":[]}')


def test_resp_1_an_answer_is_json(client: TestClient) -> None:
    assert post(client, request_for("bruno-glutamate-normal")).headers["content-type"] == "application/json"


def test_resp_4_2_the_uuids_of_the_cards_come_from_the_source_of_ids(client: TestClient) -> None:
    cards = cards_of(client, request_for("ines-allergic", "oral-1800-twice-daily"))
    made = [card["uuid"] for card in cards] + [one["uuid"] for card in cards for one in card.get("suggestions", [])]
    assert set(made) == {f"00000000-0000-4000-8000-{n + 1:012x}" for n in range(len(made))}


INDICATORS = [
    ("ines-allergic", "oral-600-twice-daily", "acetylcysteine-hypersensitivity", "critical"),
    ("ines-allergic", "inhaled-3ml", "acetylcysteine-hypersensitivity", "critical"),
    ("nils-poisoned-allergic", "intravenous", "acetylcysteine-hypersensitivity", "warning"),
    ("kira-copd", "inhaled-3ml", "bronchospasm-inhaled", "warning"),
    ("kira-copd", "oral-600-twice-daily", "bronchospasm-oral", "info"),
    ("bruno-glutamate-normal", "oral-1800-twice-daily", "dose-above-studied", "warning"),
    ("bruno-glutamate-normal", "oral-1800-twice-daily", "glutamate-normal", "info"),
    ("yara-ulcer-unsure", "oral-600-twice-daily", "screening-incomplete", "info"),
]


@pytest.mark.parametrize(
    ("patient", "order", "card", "indicator"), INDICATORS, ids=[f"{card}, {order}" for _, order, card, _ in INDICATORS]
)
def test_guidance_4_the_indicator_is_that_of_the_contract(
    client: TestClient, patient: str, order: str, card: str, indicator: str
) -> None:
    cards = cards_of(client, request_for(patient, order))
    assert [one["indicator"] for one in cards if id_of(one) == card] == [indicator]


def test_guidance_2_a_card_about_orders_comes_for_each_and_one_about_the_patient_once(client: TestClient) -> None:
    body = request_for("ines-allergic", "oral-1800-twice-daily", "oral-1201-twice-daily")
    assert ids_of(cards_of(client, body)) == [
        *["acetylcysteine-hypersensitivity"] * 2,
        "dose-above-studied",
    ]


def test_the_links_of_a_card_are_those_of_its_sources(client: TestClient) -> None:
    for card in cards_of(client, request_for("ines-allergic", "oral-1800-twice-daily")):
        content = next(one for one in CONTENT.cards if one.id == id_of(card))
        urls = [CONTENT.sources[name].url for name in content.sources]
        assert [link["url"] for link in card["links"]] == [url for url in urls if url]


def test_what_the_ehr_wrote_stays_text_and_makes_no_markup_in_a_card(client: TestClient) -> None:
    body = request_for("bruno-glutamate-normal", "oral-1800-twice-daily")
    concept = body["context"]["draftOrders"]["entry"][0]["resource"]["medicationCodeableConcept"]
    concept["text"] = "<img src=x onerror=alert(1)> [NAC](https://evil.example) **bold** `code`"
    (card,) = (one for one in cards_of(client, body) if id_of(one) == "dose-above-studied")
    assert "<img" not in card["detail"]
    assert "&lt;img" in card["detail"]
    assert not re.search(r"(?<!\\)\]\(https?://evil", card["detail"])
    assert r"\*\*bold\*\*" in card["detail"]


def test_the_fixtures_are_what_the_readme_says_one_bundle_for_each_person() -> None:
    for patient in PATIENTS:
        assert read_json(FIXTURES / "patients" / f"{patient}.json")["type"] == "collection"
