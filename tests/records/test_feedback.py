"""Feedback as section 5 of the conformance checklist has it: FB-1 to FB-14. The bodies are those of a real client."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from cds_service.api.runtime import runtime_of
from cds_service.hooks.feedback import UNREAD_PATHS
from tests.records.databases import count, new_database, query, records_at
from tests.signing import ISSUER, JKU, P384, PUBLIC, Trusting, bearer, client_toml, good_token, key_toml
from tests.support import (
    INSTANCE,
    Body,
    Json,
    cards_of,
    field_of,
    new_client,
    request_for,
    runtime_behind,
    to_bytes,
    without,
)

SERVICE = "acetylcysteine-order-sign"
ACCEPTED: Body = {
    "card": "9f41baf6-175f-4217-ae43-f333ce3d5012",
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": "b2e6b375-95e8-42b6-b2e3-1b979002fef7"}],
    "outcomeTimestamp": "2026-11-23T06:46:24.360Z",
}
OVERRIDDEN: Body = {
    "card": "5354e778-1f9d-4b13-926a-00536cb91ca5",
    "outcome": "overridden",
    "outcomeTimestamp": "2026-11-23T06:46:28.427Z",
    "overrideReason": {"reason": {"code": "not-now", "system": "http://example.org/override"}},
}
COMMENT = "Spoke with the daughter, Erika Mustermann"


def send(client: TestClient, *items: Json, service: str = SERVICE, body: Json = ...) -> httpx.Response:
    """The answer to a batch of feedback."""
    body = {"feedback": list(items)} if body is ... else body
    content = body if isinstance(body, bytes) else to_bytes(body)
    response: httpx.Response = client.post(f"/cds-services/{service}/feedback", content=content)
    return response


@contextmanager
def client_of(database: str, **more: Any) -> Iterator[TestClient]:
    with new_client(records=records_at(database, **more)) as client:
        yield client


def stored(database: str, columns: str) -> list[tuple[Any, ...]]:
    return query(database, f"SELECT {columns} FROM feedback ORDER BY outcome_at")


def test_fb_5_accepted(database: str) -> None:
    with client_of(database) as client:
        response = send(client, ACCEPTED)
        assert (response.status_code, response.json()) == (200, {})
        assert stored(database, "card_uuid, outcome, suggestions, service, client, reason_code") == [
            (ACCEPTED["card"], "accepted", ACCEPTED["acceptedSuggestions"][0]["id"], SERVICE, "open", "")
        ]


def test_fb_6_overridden_with_a_reason(database: str) -> None:
    with client_of(database) as client:
        assert send(client, OVERRIDDEN).status_code == 200
        assert stored(database, "outcome, reason_system, reason_code, suggestions") == [
            ("overridden", "http://example.org/override", "not-now", "")
        ]


NO_REASONS: dict[str, Body] = {
    "no overrideReason": {},
    "a null": {"overrideReason": None},
    "an empty one": {"overrideReason": {}},
    "a reason that is null": {"overrideReason": {"reason": None}},
}


@pytest.mark.parametrize("members", NO_REASONS.values(), ids=NO_REASONS)
def test_fb_6_overridden_without_a_reason(database: str, members: Body) -> None:
    item = {name: value for name, value in OVERRIDDEN.items() if name != "overrideReason"}
    with client_of(database) as client:
        assert send(client, {**item, **members}).status_code == 200
        assert stored(database, "outcome, reason_system, reason_code") == [("overridden", "", "")]


def test_fb_12_a_reason_without_a_system_and_fb_13_one_that_no_card_offered(database: str) -> None:
    with client_of(database) as client:
        assert send(client, {**OVERRIDDEN, "overrideReason": {"reason": {"code": "our-own"}}}).status_code == 200
        assert stored(database, "reason_system, reason_code") == [("", "our-own")]


REASONS = {
    "a card's": ("tolerated-before", "urn:acetylcysteine-cds:override-reasons", "keep", "keep"),
    "SNOMED CT": ("183966005", "http://snomed.info/sct", "keep", "keep"),
    "a sentence": ("Mrs Mueller, born 1950, asked for it", "", "free-text", ""),
    "a sentence with a system": ("Mrs Mueller asked", "http://snomed.info/sct", "free-text", ""),
    "a sentence as a system": ("other", "as Dr Meyer told me", "keep", ""),
    "a long word": ("x" * 65, "", "free-text", ""),
    "a long system": ("other", "http://x.example/" + "x" * 400, "keep", ""),
    "letters of another alphabet": ("Иванова", "", "free-text", ""),
    "an escape sequence": ("\x1b[31mred", "", "free-text", ""),
    "a formula": ("=1+2", "", "free-text", ""),
}


@pytest.mark.parametrize(("code", "system", "kept_code", "kept_system"), REASONS.values(), ids=REASONS)
def test_of_a_reason_that_is_no_code_only_that_there_was_one_is_stored(
    database: str, code: str, system: str, kept_code: str, kept_system: str
) -> None:
    with client_of(database) as client:
        sent = {**OVERRIDDEN, "overrideReason": {"reason": {"code": code, "system": system}}}
        assert send(client, sent).status_code == 200
        expected = (system if kept_system == "keep" else kept_system, code if kept_code == "keep" else kept_code)
        assert stored(database, "reason_system, reason_code") == [expected]


def test_fb_7_moments_are_kept_in_utc(database: str) -> None:
    moments = ["1985-04-12T23:20:50.52Z", "1996-12-19T16:39:57-08:00", "2026-11-23t06:46:24z"]
    with client_of(database) as client:
        assert send(client, *({**ACCEPTED, "outcomeTimestamp": one} for one in moments)).status_code == 200
        kept = [str(at)[:19] for (at,) in stored(database, "outcome_at")]
        assert kept == ["1985-04-12 23:20:50", "1996-12-20 00:39:57", "2026-11-23 06:46:24"]


def test_fb_8_a_batch_of_many_cards_and_repeats_of_it_are_kept_once(database: str) -> None:
    items = [ACCEPTED, OVERRIDDEN, {**ACCEPTED, "outcomeTimestamp": "2026-11-23T06:50:00Z"}]
    with client_of(database) as client:
        answers = [send(client, *items, ACCEPTED), send(client, *items), send(client, *reversed(items))]
        assert [one.status_code for one in answers] == [200, 200, 200]
        assert count(database, "feedback") == 3


def test_fb_8_what_differs_in_anything_is_kept_beside_it(database: str) -> None:
    other_suggestion = {**ACCEPTED, "acceptedSuggestions": [{"id": "b2e6b375-95e8-42b6-b2e3-1b979002fef8"}]}
    other_reason = {**OVERRIDDEN, "overrideReason": {"reason": {"code": "another"}}}
    with client_of(database) as client:
        send(client, ACCEPTED, other_suggestion, OVERRIDDEN, other_reason)
        send(client, ACCEPTED, service="acetylcysteine-order-select")
        assert count(database, "feedback") == 5


def test_several_suggestions_are_one_row_in_whatever_order(database: str) -> None:
    first, second = {"id": "b2e6b375-95e8-42b6-b2e3-1b979002fef7"}, {"id": "a2e6b375-95e8-42b6-b2e3-1b979002fef7"}
    with client_of(database) as client:
        send(client, {**ACCEPTED, "acceptedSuggestions": [first, second]})
        send(client, {**ACCEPTED, "acceptedSuggestions": [second, first, second]})
        assert stored(database, "suggestions") == [(f"{second['id']} {first['id']}",)]


def test_fb_11_an_empty_batch_is_accepted(database: str) -> None:
    with client_of(database) as client:
        assert send(client).status_code == 200
        assert count(database, "feedback") == 0


def test_fb_11_an_unknown_service_is_not_found(database: str) -> None:
    with client_of(database) as client:
        response = send(client, ACCEPTED, service="unknown")
        assert (response.status_code, response.json()["issue"][0]["code"]) == (404, "not-found")
        assert count(database, "feedback") == 0


def test_fb_11_an_unknown_card_is_kept(database: str) -> None:
    with client_of(database) as client:
        assert send(client, ACCEPTED, {**ACCEPTED, "card": "card-7 of Erika"}).status_code == 200
        assert sorted(stored(database, "card_uuid")) == [(ACCEPTED["card"],), ("not a UUID",)]


@pytest.mark.parametrize("kept", [False, True], ids=["by default", "where the setting says so"])
def test_fb_14_a_comment_is_dropped_unless_a_setting_keeps_it(database: str, kept: bool) -> None:
    item = copy.deepcopy(OVERRIDDEN)
    item["overrideReason"]["userComment"] = COMMENT
    with client_of(database, keep_comments=kept) as client:
        assert send(client, item).status_code == 200
        assert stored(database, "comment") == [(COMMENT if kept else "",)]


def test_a_comment_alone_is_an_override_too(database: str) -> None:
    with client_of(database) as client:
        assert send(client, {**OVERRIDDEN, "overrideReason": {"userComment": COMMENT}}).status_code == 200
        assert stored(database, "outcome, reason_code, comment") == [("overridden", "", "")]


def test_feedback_on_a_card_that_was_shown_meets_it_in_the_database(database: str) -> None:
    with client_of(database) as client:
        card = cards_of(client, request_for("ines-allergic"))[0]
        send(client, {**OVERRIDDEN, "card": card["uuid"].upper()})
    joined = "SELECT card, hook_instance, outcome FROM shown_cards JOIN feedback ON uuid = card_uuid"
    assert query(database, joined) == [(card["source"]["topic"]["code"], INSTANCE, "overridden")]


# ---------------------------------------------------------------- reasons, as EHRs send them

SECRET = "S3CR3T"
CODED: Body = {"reason": {"code": "contraindicated", "system": "http://example.org/override", "display": SECRET}}
CATEGORY = "com.epic.cdshooks.feedback.overrideReason.reasonCategory"
OF_EPIC: Body = {CATEGORY: "45", "com.epic.cdshooks.feedback.overrideReason.reasonTitle": SECRET}
KEPT = ("http://example.org/override", "contraindicated")
OURS = ("urn:acetylcysteine-cds:override-reasons", "dose-intended")
SHAPES: dict[str, tuple[Body, list[tuple[str, str]]]] = {
    "of the specification": ({"overrideReason": CODED}, [KEPT]),
    "overrideReasons, an object": ({"overrideReasons": {**CODED, "userComment": SECRET}}, [KEPT]),
    "overrideReasons, a list": (
        {"overrideReasons": [CODED, {"reason": {"code": OURS[1], "system": OURS[0]}}]},
        [KEPT, OURS],
    ),
    "one reason in both": ({"overrideReason": CODED, "overrideReasons": [CODED, CODED]}, [KEPT]),
    "a list with gaps": ({"overrideReasons": [None, CODED]}, [KEPT]),
    "an empty list": ({"overrideReasons": []}, [("", "")]),
    "in an extension": ({"overrideReasons": {"extension": OF_EPIC, "userComment": SECRET}}, [(CATEGORY, "45")]),
    "in an extension of the item": ({"extension": OF_EPIC}, [(CATEGORY, "45")]),
    "an extension that is a number": ({"extension": {CATEGORY: 45}}, [(CATEGORY, "45")]),
    "words in an extension": ({"extension": {CATEGORY: f"{SECRET} asked for it"}}, [("", "free-text")]),
    "a comment alone": ({"overrideReasons": {"userComment": SECRET}}, [("", "")]),
}
ODD_SHAPES: dict[str, tuple[Body, list[str]]] = {
    "a string": ({"overrideReason": SECRET}, ["overrideReason"]),
    "a list of strings": ({"overrideReasons": [SECRET, SECRET]}, ["overrideReasons", "overrideReasons"]),
    "a coding where a reason belongs": ({"overrideReasons": [{"code": "a", "system": "urn:a"}]}, ["overrideReasons"]),
    "a list of codings": ({"overrideReason": {"reason": [{"code": "a"}]}}, ["overrideReason.reason"]),
    "no code": ({"overrideReason": {"reason": {"display": SECRET}}}, ["overrideReason.reason.code"]),
    "a code that is a number": ({"overrideReasons": {"reason": {"code": 1}}}, ["overrideReasons.reason.code"]),
    "a code with a null character": ({"overrideReason": {"reason": {"code": "a\0"}}}, ["overrideReason.reason.code"]),
    "a system that is a list": (
        {"overrideReason": {"reason": {"code": "a", "system": [SECRET]}}},
        ["overrideReason.reason.system"],
    ),
    "a comment that is an object": (
        {"overrideReason": {"userComment": {"text": SECRET}}},
        ["overrideReason.userComment"],
    ),
    "an extension that nobody named": (
        {"overrideReasons": {"extension": {SECRET: "45"}}},
        ["overrideReasons.extension"],
    ),
    "an extension that is a list": ({"extension": [OF_EPIC]}, ["extension"]),
    "an extension with a truth value": ({"extension": {CATEGORY: True}}, ["extension"]),
    "an extension with a long number": ({"extension": {CATEGORY: 10**15}}, ["extension"]),
    "a member of another name": ({"reasonForOverride": SECRET}, ["another member"]),
}
EPIC = client_toml("epic", ISSUER, key_toml(P384, "ec"), jku=JKU, dialect="epic")


def from_epic(folder: Path, *items: Json) -> tuple[httpx.Response, str, str]:
    """The answer to feedback of a client with Epic's dialect, its database, and its metrics."""
    (database,) = new_database("sqlite", folder)
    address = f"/cds-services/{SERVICE}/feedback"
    trusting = Trusting(folder, EPIC, database_url=database)
    with trusting.client as client:
        token = bearer(good_token(aud=PUBLIC + address))
        response = client.post(address, content=to_bytes({"feedback": list(items)}), headers=token)
    return response, database, runtime_of(trusting.app).metrics.exposition().decode()


@pytest.mark.parametrize(("members", "expected"), SHAPES.values(), ids=SHAPES)
def test_reasons_are_read_in_every_shape_that_clients_send(
    tmp_path: Path, members: Body, expected: list[tuple[str, str]]
) -> None:
    response, database, metrics = from_epic(tmp_path, {**without(OVERRIDDEN, "overrideReason"), **members})
    assert (response.status_code, response.json()) == (200, {})
    assert sorted(stored(database, "reason_system, reason_code")) == sorted(expected)
    assert "cds_feedback_reasons_not_read_total{" not in metrics
    assert SECRET not in str(query(database, "SELECT * FROM feedback"))


@pytest.mark.parametrize(("members", "paths"), ODD_SHAPES.values(), ids=ODD_SHAPES)
def test_a_reason_in_another_shape_costs_the_reason_and_is_counted_and_named(
    tmp_path: Path, members: Body, paths: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    response, database, metrics = from_epic(tmp_path, ACCEPTED, {**without(OVERRIDDEN, "overrideReason"), **members})
    assert (response.status_code, response.json()) == (200, {})
    assert stored(database, "outcome, reason_system, reason_code") == [("accepted", "", ""), ("overridden", "", "")]
    for path, times in Counter(paths).items():
        assert f'cds_feedback_reasons_not_read_total{{client="epic",path="{path}"}} {float(times)}' in metrics
    assert set(paths) <= set(UNREAD_PATHS)
    said = capsys.readouterr().out
    assert str(dict(Counter(paths))) in said
    assert SECRET not in said + metrics


def test_an_extension_is_read_only_for_the_client_whose_entry_names_it(database: str) -> None:
    item = {**without(OVERRIDDEN, "overrideReason"), "overrideReasons": {"extension": OF_EPIC}}
    with client_of(database) as client:
        assert send(client, item).status_code == 200
        assert stored(database, "reason_code") == [("",)]


# ---------------------------------------------------------------- what is refused


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    """A client, and the database that nothing of a refused batch may reach."""
    (database,) = new_database("sqlite", tmp_path_factory.mktemp("refused"))
    with client_of(database) as client:
        yield client, database


LONG = SECRET * 100
DEEP = b'{"feedback":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BAD_ITEMS: dict[str, tuple[Json, str]] = {
    "no object": (SECRET, "feedback[2]"),
    "null": (None, "feedback[2]"),
    "no card": ({**ACCEPTED, "card": None}, "feedback[2].card"),
    "a blank card": ({**ACCEPTED, "card": "  "}, "feedback[2].card"),
    "a card that is a number": ({**ACCEPTED, "card": 7}, "feedback[2].card"),
    "a card that is too long": ({**ACCEPTED, "card": LONG}, "feedback[2].card"),
    "a null character": ({**ACCEPTED, "card": f"{SECRET}\0"}, "feedback[2].card"),
    "no outcome": ({**ACCEPTED, "outcome": None}, "feedback[2].outcome"),
    "another outcome": ({**ACCEPTED, "outcome": SECRET}, "feedback[2].outcome"),
    "an outcome in capitals": ({**ACCEPTED, "outcome": "Accepted"}, "feedback[2].outcome"),
    "no moment": ({**ACCEPTED, "outcomeTimestamp": None}, "feedback[2].outcomeTimestamp"),
    "words for a moment": ({**ACCEPTED, "outcomeTimestamp": SECRET}, "feedback[2].outcomeTimestamp"),
    "a moment without a zone": (
        {**ACCEPTED, "outcomeTimestamp": "2026-11-23T06:46:24"},
        "feedback[2].outcomeTimestamp",
    ),
    "a day alone": ({**ACCEPTED, "outcomeTimestamp": "2026-11-23"}, "feedback[2].outcomeTimestamp"),
    "a day that is not": ({**ACCEPTED, "outcomeTimestamp": "2026-02-30T00:00:00Z"}, "feedback[2].outcomeTimestamp"),
    "before the first year": (
        {**ACCEPTED, "outcomeTimestamp": "0001-01-01T00:00:00+10:00"},
        "feedback[2].outcomeTimestamp",
    ),
    "a number for a moment": ({**ACCEPTED, "outcomeTimestamp": 1.5}, "feedback[2].outcomeTimestamp"),
    "accepted without suggestions": ({**ACCEPTED, "acceptedSuggestions": None}, "feedback[2].acceptedSuggestions"),
    "no suggestion": ({**ACCEPTED, "acceptedSuggestions": []}, "feedback[2].acceptedSuggestions"),
    "suggestions as an object": ({**ACCEPTED, "acceptedSuggestions": {}}, "feedback[2].acceptedSuggestions"),
    "a suggestion without an id": (
        {**ACCEPTED, "acceptedSuggestions": [{"id": "a"}, {"uuid": SECRET}]},
        "feedback[2].acceptedSuggestions[1].id",
    ),
    "a suggestion as a string": (
        {**ACCEPTED, "acceptedSuggestions": [SECRET]},
        "feedback[2].acceptedSuggestions[0]",
    ),
}
BAD_BODIES: dict[str, tuple[Json, str]] = {
    "no JSON": (b"{", "body"),
    "nothing": (b"", "body"),
    "no UTF-8": (b'{"feedback": "\xff"}', "body"),
    "half a character": (b'{"feedback": [{"card": "\\ud800"}]}', "body"),
    "nested too deeply": (DEEP, "body"),
    "a list": ([ACCEPTED], "body"),
    "no feedback": ({}, "feedback"),
    "feedback as an object": ({"feedback": ACCEPTED}, "feedback"),
}


@pytest.mark.parametrize(("item", "field"), BAD_ITEMS.values(), ids=BAD_ITEMS)
def test_one_bad_item_is_named_and_nothing_of_its_batch_is_kept(
    kept: tuple[TestClient, str], item: Json, field: str
) -> None:
    client, database = kept
    response = send(client, ACCEPTED, OVERRIDDEN, item)
    assert (response.status_code, field_of(response)) == (400, field)
    assert SECRET not in response.text
    assert count(database, "feedback") == 0


@pytest.mark.parametrize(("body", "field"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_body_that_is_no_feedback_is_refused(kept: tuple[TestClient, str], body: Json, field: str) -> None:
    client, database = kept
    response = send(client, body=body)
    assert (response.status_code, field_of(response)) == (400, field)
    assert count(database, "feedback") == 0


def test_a_body_over_the_limit_of_the_hooks_is_refused(kept: tuple[TestClient, str]) -> None:
    client, database = kept
    padding = " " * runtime_behind(client).settings.max_body_bytes
    assert send(client, body=(json.dumps({"feedback": [ACCEPTED]}) + padding).encode()).status_code == 413
    assert count(database, "feedback") == 0


def test_every_body_of_a_real_client_that_is_refused_above_is_accepted_when_it_is_whole(tmp_path: Path) -> None:
    (database,) = new_database("sqlite", tmp_path)
    with client_of(database) as client:
        assert send(client, ACCEPTED, OVERRIDDEN).status_code == 200
        assert count(database, "feedback") == 2


def test_a_batch_as_large_as_a_body_may_be_is_kept_whole(database: str) -> None:
    items = [{**OVERRIDDEN, "card": f"00000000-0000-4000-8000-{n:012x}"} for n in range(5000)]
    with client_of(database) as client:
        assert send(client, *items).status_code == 200
        assert count(database, "feedback") == 5000


def test_a_browser_may_ask_before_it_sends(kept: tuple[TestClient, str]) -> None:
    client, _ = kept
    headers = {"Origin": "https://sandbox.cds-hooks.org", "Access-Control-Request-Method": "POST"}
    response = client.options(f"/cds-services/{SERVICE}/feedback", headers=headers)
    assert response.status_code == 200
    assert "POST" in response.headers["access-control-allow-methods"]


@pytest.mark.parametrize("put_back", [False, True], ids=["deleted", "replaced"])
def test_feedback_that_would_go_to_a_file_that_is_gone_is_refused(tmp_path: Path, put_back: bool) -> None:
    file = tmp_path / "records.sqlite3"
    with client_of(f"sqlite:///{file}") as client:
        assert send(client, ACCEPTED).status_code == 200
        copy = file.read_bytes()
        file.unlink()
        if put_back:
            file.write_bytes(copy)
        assert send(client, OVERRIDDEN).status_code == 503
        assert client.get("/health/ready").status_code == 503
