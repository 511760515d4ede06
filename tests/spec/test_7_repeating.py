"""Once is enough: what the same user was shown at selecting is not said again at signing, nor what was shown as a chart
was opened when it is opened again. In doubt it is shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service.api.repeating import ShownBefore
from cds_service.api.runtime import runtime_of
from tests.signing import (
    ISSUER,
    JKU,
    P384,
    PUBLIC,
    Trusting,
    bearer,
    client_toml,
    good_claims,
    good_header,
    good_token,
    key_toml,
    sign,
)
from tests.support import MONITORED, SERVICE_OF, Body, Json, ids_of, opening_of, replaced, request_for, to_bytes

PATIENT = "wanda-nitroglycerin"
BOTH = ["nitroglycerin-interaction", "glutamate-normal"]
REMEMBER, FILTER = "cache-for-order-sign-filtering", "filter-out-repeated-alerts"
MINUTES = 60.0


def trusting(folder: Path, **entry: Json) -> Trusting:
    clients = client_toml("hospital", ISSUER, key_toml(P384, "ec"), jku=JKU, **entry)
    return Trusting(folder, clients, site=MONITORED)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Trusting]:
    yield trusting(tmp_path, repeat="changed")


def at(hook: str, patient: str = PATIENT, extension: Json = ..., order: str = "oral-600-twice-daily") -> Body:
    body = request_for(patient, order, hook=hook)
    return body if extension is ... else {**body, "extension": extension}


def shown(service: Trusting, body: Body) -> list[str]:
    """The ids of the cards of the answer."""
    path = f"/cds-services/{SERVICE_OF[body['hook']]}"
    response = service.client.post(path, content=to_bytes(body), headers=bearer(good_token(aud=PUBLIC + path)))
    assert response.status_code == 200, response.text
    return ids_of(response.json()["cards"])


def exposed(service: Trusting) -> str:
    return runtime_of(service.app).metrics.exposition().decode()


def test_what_was_shown_at_selecting_is_not_repeated_at_signing(service: Trusting) -> None:
    assert shown(service, at("order-select")) == BOTH
    assert shown(service, at("order-sign")) == []
    assert 'cds_cards_not_repeated_total{card="glutamate-normal"} 1.0' in exposed(service)
    assert 'cds_cards_shown_total{card="glutamate-normal"} 1.0' in exposed(service)


def test_without_a_selection_everything_is_shown_at_signing_however_often(service: Trusting) -> None:
    assert [shown(service, at("order-sign")) for _ in range(2)] == [BOTH, BOTH]


def test_a_selection_is_answered_whole_however_often(service: Trusting) -> None:
    assert [shown(service, at("order-select")) for _ in range(2)] == [BOTH, BOTH]


def test_by_default_everything_is_repeated(tmp_path: Path) -> None:
    service = trusting(tmp_path)
    extension = {"pddi-configuration-items": {FILTER: True}}
    assert shown(service, at("order-select", extension={"pddi-configuration-items": {REMEMBER: True}})) == BOTH
    assert shown(service, at("order-sign", extension=extension)) == BOTH
    assert len(runtime_of(service.app).shown) == 0


def test_a_critical_card_is_always_repeated(service: Trusting) -> None:
    first = shown(service, at("order-select", "ines-allergic"))
    assert shown(service, at("order-sign", "ines-allergic")) == first == ["acetylcysteine-hypersensitivity"]


ANOTHER: dict[str, Body] = {
    "another user": replaced(at("order-sign"), ["context", "userId"], "Practitioner/another"),
    "no user": replaced(at("order-sign"), ["context", "userId"], None),
    "another encounter": replaced(at("order-sign"), ["context", "encounterId"], "another"),
    "another dose": at("order-sign", order="oral-1200-once-daily"),
    "another patient": at("order-sign", "bruno-glutamate-normal"),
}


@pytest.mark.parametrize("body", ANOTHER.values(), ids=ANOTHER)
def test_whatever_differs_is_shown(service: Trusting, body: Body) -> None:
    shown(service, at("order-select"))
    answered_anew = shown(trusting_like(service), body)
    assert shown(service, body) == answered_anew != []


def trusting_like(service: Trusting) -> Trusting:
    """A second service for the same client, which has shown nothing yet: another replica, or the first restarted."""
    file = runtime_of(service.app).settings.clients
    assert file is not None
    return Trusting(file.parent, file.read_text(encoding="utf-8"))


def test_an_order_that_changed_in_anything_is_spoken_of_again(service: Trusting) -> None:
    shown(service, at("order-select"))
    body = at("order-sign")
    body["context"]["draftOrders"]["entry"][0]["resource"]["note"] = [{"text": "after meals"}]
    assert shown(service, body) == BOTH


def test_a_card_that_changed_is_shown_and_the_other_is_not(service: Trusting) -> None:
    shown(service, at("order-select"))
    body = at("order-sign")
    for entry in body["prefetch"]["aminoAcids"]["entry"]:
        entry["resource"]["effectiveDateTime"] = "2026-11-21"
    assert shown(service, body) == ["glutamate-normal"]


@pytest.mark.parametrize(("minutes", "expected"), [(29, []), (31, BOTH)])
def test_after_half_an_hour_it_is_said_again(service: Trusting, minutes: int, expected: list[str]) -> None:
    shown(service, at("order-select"))
    service.seconds += minutes * MINUTES
    assert shown(service, at("order-sign")) == expected


def test_another_replica_and_a_restart_know_nothing_and_show_everything(service: Trusting) -> None:
    shown(service, at("order-select"))
    assert shown(trusting_like(service), at("order-sign")) == BOTH


def test_another_client_is_shown_what_this_one_was(tmp_path: Path) -> None:
    entries = [
        client_toml("north", ISSUER, key_toml(P384, "ec"), tenants=["north"], repeat="changed"),
        client_toml("south", ISSUER, key_toml(P384, "ec"), tenants=["south"], repeat="changed"),
    ]
    service = Trusting(tmp_path, "\n".join(entries))

    def answered(tenant: str, body: Body) -> list[str]:
        path = f"/cds-services/acetylcysteine-{body['hook']}"
        headers = bearer(sign(good_header(jku=...), good_claims(aud=PUBLIC + path, tenant=tenant)))
        return ids_of(service.client.post(path, content=to_bytes(body), headers=headers).json()["cards"])

    assert answered("north", at("order-select")) == BOTH
    assert answered("south", at("order-sign")) == BOTH
    assert answered("north", at("order-sign")) == []


# ---------------------------------------------------------------- charts that are opened again

DUE, NEW = "runa-follow-up-due", "tomas-new-allergy"


def test_what_was_read_as_a_chart_was_opened_is_not_said_again_as_it_is_opened_again(service: Trusting) -> None:
    assert [shown(service, opening_of(DUE)) for _ in range(3)] == [["follow-up-due"], [], []]
    assert 'cds_cards_not_repeated_total{card="follow-up-due"} 2.0' in exposed(service)
    assert 'cds_cards_shown_total{card="follow-up-due"} 1.0' in exposed(service)


def test_a_warning_about_a_new_risk_is_not_critical_and_said_once(service: Trusting) -> None:
    first = shown(service, opening_of(NEW))
    assert "new-risk" in first
    assert shown(service, opening_of(NEW)) == []


def test_an_opening_that_shows_nothing_does_not_renew_the_half_hour(service: Trusting) -> None:
    said = []
    for _ in range(4):
        said.append(shown(service, opening_of(DUE)))
        service.seconds += 16 * MINUTES
    assert said == [["follow-up-due"], [], ["follow-up-due"], []]


def test_by_default_it_is_said_at_every_opening(tmp_path: Path) -> None:
    service = trusting(tmp_path)
    assert [shown(service, opening_of(DUE)) for _ in range(2)] == [["follow-up-due"]] * 2
    assert len(runtime_of(service.app).shown) == 0


OPENED_OTHERWISE: dict[str, Body] = {
    "another user": replaced(opening_of(DUE), ["context", "userId"], "Practitioner/another"),
    "no user": replaced(opening_of(DUE), ["context", "userId"], None),
    "another encounter": replaced(opening_of(DUE), ["context", "encounterId"], "another"),
    "a call that wants everything": {**opening_of(DUE), "extension": {FILTER: False}},
}


@pytest.mark.parametrize("body", OPENED_OTHERWISE.values(), ids=OPENED_OTHERWISE)
def test_whatever_differs_in_an_opening_is_shown(service: Trusting, body: Body) -> None:
    assert [shown(service, opening) for opening in (opening_of(DUE), body)] == [["follow-up-due"]] * 2


def test_what_was_read_as_a_chart_was_opened_is_nothing_to_a_signature(service: Trusting) -> None:
    shown(service, opening_of(PATIENT))
    assert shown(service, at("order-sign")) == BOTH


# ---------------------------------------------------------------- the options of a request

HELD: dict[str, Any] = {"in PDDI-CDS's member": lambda options: {"pddi-configuration-items": options}, "alone": dict}


@pytest.mark.parametrize("held", HELD.values(), ids=HELD)
@pytest.mark.parametrize(
    ("remember", "leave_out", "expected"),
    [(True, True, []), (False, True, BOTH), (True, False, BOTH), (False, False, BOTH)],
)
def test_a_call_may_say_that_it_wants_everything(
    service: Trusting, held: Any, remember: bool, leave_out: bool, expected: list[str]
) -> None:
    shown(service, at("order-select", extension=held({REMEMBER: remember})))
    assert shown(service, at("order-sign", extension=held({FILTER: leave_out}))) == expected


ODD: dict[str, tuple[Json, list[str]]] = {
    "a string": ({"pddi-configuration-items": {FILTER: "false"}}, [FILTER]),
    "a number": ({FILTER: 0}, [FILTER]),
    "null": ({FILTER: None}, [FILTER]),
    "items that are a list": ({"pddi-configuration-items": [{FILTER: False}]}, []),
    "an extension that is a list": ([{FILTER: False}], []),
    "an extension that is a string": (FILTER, []),
    "other options": ({"show-evidence-support": True, "com.example": {"deep": [1]}}, []),
}


@pytest.mark.parametrize(("extension", "named"), ODD.values(), ids=ODD)
def test_an_option_of_the_wrong_type_is_ignored_and_logged(
    service: Trusting, extension: Json, named: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shown(service, at("order-select"))
    capsys.readouterr()
    assert shown(service, at("order-sign", extension=extension)) == []
    said = capsys.readouterr().out
    assert ("options not read" in said) == bool(named)
    assert all(name in said for name in named)


def test_an_extension_that_is_nested_too_deeply_is_ignored_and_logged(
    service: Trusting, capsys: pytest.CaptureFixture[str]
) -> None:
    deep: Json = {FILTER: False}
    for _ in range(150):
        deep = {"x": deep}
    shown(service, at("order-select"))
    assert shown(service, at("order-sign", extension=deep)) == []
    assert "options not read" in capsys.readouterr().out


# ---------------------------------------------------------------- discovery


def services(service: Trusting) -> dict[str, Json]:
    return {
        offered["hook"]: offered.get("extension") for offered in service.client.get("/cds-services").json()["services"]
    }


def test_discovery_lists_the_option_of_each_hook_for_a_client_that_may_use_it(tmp_path: Path) -> None:
    found = services(trusting(tmp_path, repeat="changed"))
    assert [item["code"] for item in found["order-select"]["configuration-items"]] == [REMEMBER]
    assert [item["code"] for item in found["order-sign"]["configuration-items"]] == [FILTER]
    (item,) = found["order-sign"]["configuration-items"]
    assert (item["type"], set(item)) == ("boolean", {"code", "type", "name", "description"})
    assert "No card says that another was left out" in item["description"]
    assert [item["code"] for item in found["patient-view"]["configuration-items"]] == [FILTER]
    assert "when the chart was opened" in found["patient-view"]["configuration-items"][0]["description"]
    assert found["medication-prescribe"] is None


def test_discovery_lists_no_option_for_others(tmp_path: Path) -> None:
    assert set(services(trusting(tmp_path)).values()) == {None}


# ---------------------------------------------------------------- what is remembered


def test_nothing_that_is_remembered_names_anybody(service: Trusting) -> None:
    shown(service, at("order-select"))
    remembered = runtime_of(service.app).shown
    kept = repr(vars(remembered))
    assert len(remembered) == 2
    assert PATIENT not in kept
    assert "Practitioner" not in kept


def test_the_same_words_under_another_secret_have_another_hash() -> None:
    one, other = (ShownBefore(secret, lambda: 0.0) for secret in (b"one", b"other"))
    assert one.hash_of("a", ["b"]) != other.hash_of("a", ["b"])
    assert one.hash_of("a", "bc") != one.hash_of("ab", "c")


def test_only_so_many_are_remembered_and_the_oldest_is_forgotten_first() -> None:
    remembered = ShownBefore(b"secret", lambda: 0.0, most=3)
    hashes = [remembered.hash_of(number) for number in range(5)]
    for hashed in (hashes[0], *hashes):
        remembered.add(hashed)
    assert [remembered.holds(hashed) for hashed in hashes] == [False, False, True, True, True]
    assert len(remembered) == 3


def test_what_has_expired_takes_no_room() -> None:
    now = [0.0]
    remembered = ShownBefore(b"secret", lambda: now[0])
    for number in range(10):
        remembered.add(remembered.hash_of(number))
    now[0] = 31 * MINUTES
    remembered.add(remembered.hash_of("new"))
    assert len(remembered) == 1


class Broken(ShownBefore):
    """A store that fails at everything."""

    def hash_of(self, *parts: Any) -> bytes:
        """Fails."""
        raise RuntimeError("broken")


def test_a_fault_shows_every_card_and_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service = trusting(tmp_path, repeat="changed")
    object.__setattr__(runtime_of(service.app), "shown", Broken(b"", lambda: 0.0))
    assert [shown(service, at(hook)) for hook in ("order-select", "order-sign")] == [BOTH, BOTH]
    assert "bug" in capsys.readouterr().out
