"""The invariants that HL7 publishes with CDS Hooks 3.0, as they are written there, over everything that is sent.

They are the FHIRPath expressions of `input/fsh/invariants` (HL7/cds-hooks fb10ca77, 2026-06-24), each at the element
that `input/fsh/logicals` hangs it on. Each is shown to fail too: one that cannot fail proves nothing.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhirpathpy import evaluate
from starlette.testclient import TestClient

from cds_service.hooks.dialects import CdsHooks
from cds_service.hooks.feedback import read_feedback
from tests.golden.stories import reply_of, requests
from tests.signing import ISSUER, JKU, P384, PUBLIC, SERVICE, Trusting, bearer, client_toml, good_token, key_toml
from tests.support import CONTENT, Body, Json, request_for, to_bytes, walk

INVARIANTS = {  # key -> the element, the expression
    "cds-r-1": ("request", "fhirAuthorization.exists() implies fhirServer.exists()"),
    "cds-r-2": ("fhirAuthorization", "scope.contains('patient/') implies patient.exists()"),
    "cds-resp-1": (
        "cards",
        "(selectionBehavior = 'at-most-one') implies suggestions.where(isRecommended).count() <= 1",
    ),
    "cds-resp-2": ("actions", "(type = 'delete') implies (resourceId.exists() and resource.empty())"),
    "cds-resp-3": ("links", "(type != 'smart') implies (appContext.empty())"),
    "cds-resp-4": ("overrideReasons", "all(display.exists())"),
    "cds-resp-5": ("suggestions", "actions.all(description.exists())"),
    "cds-resp-6": ("cards", "suggestions.exists() implies selectionBehavior.exists()"),
    "cds-resp-7": (
        "suggestions",
        "actionSelectionBehavior.empty() or actionSelectionBehavior = 'all' or actionSelectionBehavior = 'any' "
        "or actionSelectionBehavior = 'at-most-one'",
    ),
    "cds-fb-1": ("feedback", "outcome = 'accepted' or outcome = 'overridden'"),
    "cds-fb-2": ("feedback", "(outcome = 'accepted') implies acceptedSuggestions.exists()"),
    "cds-fb-3": ("overrideReason", "reason.exists() or userComment.exists()"),
}
OF_RESPONSES = [key for key in INVARIANTS if key.startswith("cds-resp")]


def elements(body: Json, name: str) -> Iterator[Body]:
    """Every element of this name: the items of a list, or an object itself."""
    if name == "request":
        yield body
        return
    for path, value in walk(body):
        if path.endswith(f".{name}"):
            yield from value if isinstance(value, list) else [value]


def broken(body: Json, key: str) -> list[Body]:
    """The elements for which an invariant does not hold."""
    name, expression = INVARIANTS[key]
    return [element for element in elements(body, name) if evaluate(element, expression) != [True]]


def reply(path: Path) -> Body:
    read: Body = json.loads(reply_of(path).read_text(encoding="utf-8"))
    return read


CARD: Body = {
    "suggestions": [{"actions": [{"type": "delete", "description": "Remove it", "resourceId": "MedicationRequest/1"}]}],
    "selectionBehavior": "any",
    "overrideReasons": [{"system": "urn:x", "code": "one", "display": "One"}],
    "links": [{"label": "A source", "url": "https://example.org", "type": "absolute"}],
}
RECOMMENDED = {"isRecommended": True, "actions": []}
FAILING: dict[str, Body] = {
    "cds-r-1": {"fhirAuthorization": {"scope": "user/Patient.r"}},
    "cds-r-2": {"fhirServer": "https://x", "fhirAuthorization": {"scope": "patient/Observation.rs"}},
    "cds-resp-1": {"cards": [{**CARD, "selectionBehavior": "at-most-one", "suggestions": [RECOMMENDED, RECOMMENDED]}]},
    "cds-resp-2": {"actions": [{"type": "delete", "description": "x", "resource": "MedicationRequest/1"}]},
    "cds-resp-3": {"links": [{"type": "absolute", "appContext": "x"}]},
    "cds-resp-4": {"overrideReasons": [{"code": "one"}]},
    "cds-resp-5": {"suggestions": [{"actions": [{"type": "delete"}]}]},
    "cds-resp-6": {"cards": [{"suggestions": [RECOMMENDED]}]},
    "cds-resp-7": {"suggestions": [{"actionSelectionBehavior": "some"}]},
    "cds-fb-1": {"feedback": [{"outcome": "ignored"}]},
    "cds-fb-2": {"feedback": [{"outcome": "accepted"}]},
    "cds-fb-3": {"feedback": [{"outcome": "overridden", "overrideReason": {"extension": {"x": "1"}}}]},
}


@pytest.mark.parametrize("key", INVARIANTS)
def test_each_invariant_can_fail_and_can_hold(key: str) -> None:
    assert broken(FAILING[key], key)
    whole = {"cards": [CARD], "feedback": [{"outcome": "overridden", "overrideReason": {"userComment": "x"}}]}
    assert broken(whole, key) == []


@pytest.mark.parametrize("key", OF_RESPONSES)
def test_every_golden_reply_keeps_the_invariants(key: str) -> None:
    replies = {path.stem: reply(path) for path in requests()}
    assert {name: found for name, body in replies.items() if (found := broken(body, key))} == {}
    assert sum(len(list(elements(body, INVARIANTS[key][0]))) for body in replies.values()) > 20


def test_the_golden_replies_hold_a_removal() -> None:
    """Otherwise the invariant on removals would hold for want of any."""
    actions = [action for path in requests() for action in elements(reply(path), "actions")]
    assert "delete" in {action["type"] for action in actions}


@pytest.mark.parametrize("key", ["cds-r-1", "cds-r-2"])
def test_every_golden_request_keeps_the_invariants(key: str) -> None:
    bodies = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in requests()}
    assert {name: found for name, body in bodies.items() if (found := broken(body, key))} == {}


@pytest.mark.parametrize("key", [key for key in INVARIANTS if key.startswith("cds-fb")])
def test_the_feedback_of_the_openapi_document_keeps_the_invariants_and_is_taken(client: TestClient, key: str) -> None:
    posted = client.get("/openapi.json").json()["paths"]["/cds-services/{service_id}/feedback"]["post"]
    sent = [example["value"] for example in posted["requestBody"]["content"]["application/json"]["examples"].values()]
    assert {item["outcome"] for body in sent for item in body["feedback"]} == {"accepted", "overridden"}
    assert [found for body in sent if (found := broken(body, key))] == []
    for body in sent:
        assert read_feedback(to_bytes(body)).unread == {}


# ---------------------------------------------------------------- a client of 3.0


def trusting(folder: Path, cds_hooks: CdsHooks, **more: Any) -> Trusting:
    entry = client_toml("hospital", ISSUER, key_toml(P384, "ec"), jku=JKU, cds_hooks=cds_hooks)
    return Trusting(folder, entry, **more)


@pytest.mark.parametrize(("cds_hooks", "version"), [("1.0", None), ("2.0", None), ("3.0", "3.0.0")])
@pytest.mark.parametrize("is_open", [True, False], ids=["open discovery", "with a token"])
def test_discovery_has_the_version_of_the_clients_that_know_one(
    tmp_path: Path, cds_hooks: CdsHooks, version: str | None, is_open: bool
) -> None:
    client = trusting(tmp_path, cds_hooks, open_discovery=is_open).client
    headers = {} if is_open else bearer(good_token(aud=f"{PUBLIC}/cds-services"))
    response = client.get("/cds-services", headers=headers)
    assert response.status_code == 200
    assert {service.get("version") for service in response.json()["services"]} == {version}
    assert [path for path, value in walk(response.json()) if value in (None, "", [], {})] == []


def test_discovery_without_a_token_is_that_of_2_0_where_clients_differ(tmp_path: Path) -> None:
    entries = [client_toml(name, f"urn:{name}", jku=JKU, cds_hooks=name) for name in ("2.0", "3.0")]
    named = "\n".join(entries).replace('name = "2.0"', 'name = "old"').replace('name = "3.0"', 'name = "new"')
    services = Trusting(tmp_path, named).client.get("/cds-services").json()["services"]
    assert {service.get("version") for service in services} == {None}


@pytest.mark.parametrize("key", OF_RESPONSES)
def test_the_answers_of_3_0_keep_the_invariants(tmp_path: Path, key: str) -> None:
    client = trusting(tmp_path, "3.0").client
    for patient in ("ines-allergic", "alma-glutamate-high"):
        body = to_bytes(request_for(patient, "oral-capsule-twice-daily"))
        response = client.post(SERVICE, content=body, headers=bearer(good_token()))
        assert broken(response.json(), key) == []


def test_most_of_our_reasons_have_a_published_category() -> None:
    found = {reason.code: reason.category for reason in CONTENT.override_reasons.values()}
    assert found == {
        "tolerated-before": "cds-not-applicable",
        "record-out-of-date": "cds-not-applicable",
        "benefit-outweighs-risk": "recipient-concerns-outcomes",
        "will-be-monitored": "recipient-concerns-outcomes",
        "dose-intended": None,
    }
