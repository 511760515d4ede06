"""Bodies that are broken, hostile or merely strange: a refusal that names the member, or an answer; never a 5xx."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cds_service.api.schemas import ref
from cds_service.fhir.queries import QUERIES
from cds_service.settings import Settings
from tests.openapi import misfits
from tests.support import (
    BUNDLE_OF,
    HOOKS,
    Body,
    Json,
    as_read,
    field_of,
    ids_of,
    new_client,
    post,
    prefetch_for,
    replaced,
    request_for,
    to_bytes,
    without,
)

ALMA = "alma-glutamate-high"
VALID = request_for(ALMA)
BYTES = to_bytes(VALID)
ADDRESS = "/cds-services/acetylcysteine-order-sign"
DEEP = 100_000
MARK = "PUT THE VALUE HERE"
EMPTY_CALL = b'{"hook":"order-sign","hookInstance":"one","context":{"patientId":"p","draftOrders":{"entry":[]}}}'


def with_raw(path: tuple[str, ...], raw: bytes) -> bytes:
    """The valid body with bytes at a path that no encoder would write."""
    marked = to_bytes(replaced(VALID, path, MARK))
    assert marked.count(f'"{MARK}"'.encode()) == 1
    return marked.replace(f'"{MARK}"'.encode(), raw)


def with_order_member(name: str, raw: bytes) -> bytes:
    """The valid body whose order has a member with these bytes as its value."""
    body = copy.deepcopy(VALID)
    body["context"]["draftOrders"]["entry"][0]["resource"][name] = MARK
    return to_bytes(body).replace(f'"{MARK}"'.encode(), raw)


def with_extra(raw: bytes, where: bytes = b'"hookInstance"') -> bytes:
    """A call without orders, with one more unknown member before another."""
    return EMPTY_CALL.replace(where, b'"unknown":' + raw + b"," + where, 1)


# ---------------------------------------------------------------- refused: the body

NOT_A_BODY: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b" \n\t ",
    "null": b"null",
    "true": b"true",
    "a number": b"5",
    "a text": b'"hook"',
    "an empty list": b"[]",
    "a list with a valid body": b"[" + BYTES + b"]",
    "text": b"hook=order-sign",
    "XML": b"<Bundle/>",
    "half of a valid body": BYTES[: len(BYTES) // 2],
    "all but the last byte": BYTES[:-1],
    "a valid body and more": BYTES + b"}",
    "two valid bodies": BYTES + b"\n" + BYTES,
    "single quotes": EMPTY_CALL.replace(b'"', b"'"),
    "a trailing comma": EMPTY_CALL[:-1] + b",}",
    "a comment": b"/* order */" + EMPTY_CALL,
    "a byte order mark": b"\xef\xbb\xbf" + EMPTY_CALL,
    "UTF-16": EMPTY_CALL.decode().encode("utf-16"),
    "UTF-32 without a mark": EMPTY_CALL.decode().encode("utf-32-le"),
    "gzip": b"\x1f\x8b\x08\x00" + EMPTY_CALL,
    "a zero byte before it": b"\x00" + EMPTY_CALL,
    "NaN": with_extra(b"NaN"),
    "Infinity": with_extra(b"Infinity"),
    "minus Infinity": with_extra(b"-Infinity"),
    "a number with a leading zero": with_extra(b"007"),
    "a hexadecimal number": with_extra(b"0x10"),
    "a bare word": with_extra(b"undefined"),
    "a raw control character in a text": EMPTY_CALL.replace(b'"p"', b'"\x01"'),
    "a line break in a text": EMPTY_CALL.replace(b'"p"', b'"a\nb"'),
    "an unknown escape": EMPTY_CALL.replace(b'"p"', rb'"\q"'),
    "Latin-1 in the hook": EMPTY_CALL.replace(b'"order-sign"', b'"order-sign\xe9"'),
    "invalid UTF-8 in the patientId": EMPTY_CALL.replace(b'"p"', b'"\xff"'),
    "invalid UTF-8 in the orders": with_order_member("note", b'"\xff\xfe"'),
    "an overlong slash in the patientId": EMPTY_CALL.replace(b'"p"', b'"\xc0\xaf"'),
    "a lone surrogate in the patientId": EMPTY_CALL.replace(b'"p"', rb'"\ud800"'),
    "a lone low surrogate in the hookInstance": EMPTY_CALL.replace(b'"one"', rb'"\udfff"'),
    "a lone surrogate in the orders": with_order_member("note", rb'"\ud83d"'),
    "a surrogate as bytes": EMPTY_CALL.replace(b'"p"', b'"\xed\xa0\x80"'),
    "a lone surrogate in a member's name": with_order_member("x", rb'{"\ud800":1}'),
    "NaN in the orders": with_order_member("note", b"NaN"),
    "NaN in the prefetch": with_raw(("prefetch", "patient"), b"NaN"),
    "lists nested too deeply in the orders": with_order_member("note", b"[" * DEEP + b"]" * DEEP),
    "objects nested too deeply in the orders": with_order_member("note", b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "lists nested too deeply in the context": with_raw(("context", "encounterId"), b"[" * DEEP + b"]" * DEEP),
    "lists nested too deeply in the prefetch": with_raw(("prefetch", "patient"), b"[" * DEEP + b"]" * DEEP),
    "objects nested too deeply in the prefetch": with_raw(("prefetch",), b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "lists nested too deeply in an unknown member": with_extra(b"[" * DEEP + b"]" * DEEP),
    "lists that are never closed": with_extra(b"[" * DEEP),
    "nothing but brackets": b"[" * DEEP,
    "nothing but braces": b'{"a":' * DEEP,
}


@pytest.mark.parametrize("body", NOT_A_BODY.values(), ids=NOT_A_BODY)
def test_what_is_no_json_object_is_refused_as_a_whole(client: TestClient, body: bytes) -> None:
    response = post(client, body)
    assert (response.status_code, field_of(response)) == (400, "body")
    assert response.headers["content-type"] == "application/json"


def test_a_prefetch_with_invalid_utf_8_is_refused_and_named(client: TestClient) -> None:
    response = post(client, with_raw(("prefetch", "patient"), b'"\xff"'))
    assert (response.status_code, field_of(response)) in ((400, "prefetch"), (400, "body"))


# ---------------------------------------------------------------- refused: a member

WRONG_TEXTS: dict[str, Json] = {
    "null": None,
    "a number": 5,
    "true": True,
    "a list": [],
    "an object": {},
    "a list of one text": ["order-sign"],
}
WRONG_OBJECTS: dict[str, Json] = {"null": None, "a number": 5, "false": False, "a list": [], "a text": "{}"}
WRONG_MEMBERS: list[tuple[str, str, Body]] = [
    *(("hook", name, replaced(VALID, ["hook"], value)) for name, value in WRONG_TEXTS.items()),
    ("hook", "empty", replaced(VALID, ["hook"], "")),
    ("hook", "missing", without(VALID, "hook")),
    ("hook", "another hook", replaced(VALID, ["hook"], "encounter-start")),
    ("hook", "in capitals", replaced(VALID, ["hook"], "ORDER-SIGN")),
    ("hook", "with a space", replaced(VALID, ["hook"], "order-sign ")),
    *(("hookInstance", name, replaced(VALID, ["hookInstance"], value)) for name, value in WRONG_TEXTS.items()),
    ("hookInstance", "empty", replaced(VALID, ["hookInstance"], "")),
    ("hookInstance", "blank", replaced(VALID, ["hookInstance"], " \t ")),
    ("hookInstance", "missing", without(VALID, "hookInstance")),
    *(("context", name, replaced(VALID, ["context"], value)) for name, value in WRONG_OBJECTS.items()),
    ("context", "missing", without(VALID, "context")),
    *(
        ("context.patientId", name, replaced(VALID, ["context", "patientId"], value))
        for name, value in WRONG_TEXTS.items()
    ),
    ("context.patientId", "empty", replaced(VALID, ["context", "patientId"], "")),
    ("context.patientId", "blank", replaced(VALID, ["context", "patientId"], "  ")),
    ("context.patientId", "a reference", replaced(VALID, ["context", "patientId"], f"Patient/{ALMA}")),
    ("context.patientId", "a path", replaced(VALID, ["context", "patientId"], "../x")),
    ("context.patientId", "missing", without(VALID, "context", "patientId")),
    ("context.draftOrders", "missing", without(VALID, "context", "draftOrders")),
    *(
        ("context.draftOrders", name, replaced(VALID, ["context", "draftOrders"], value))
        for name, value in {"null": None, "a number": 5, "true": True, "a text": "Bundle"}.items()
    ),
    *(
        ("context.draftOrders.entry", name, replaced(VALID, ["context", "draftOrders", "entry"], value))
        for name, value in {"an object": {}, "a number": 0, "a text": "", "false": False}.items()
    ),
]


@pytest.mark.parametrize(
    ("field", "body"), [pytest.param(field, body, id=f"{field}: {name}") for field, name, body in WRONG_MEMBERS]
)
def test_a_member_that_is_missing_or_of_the_wrong_kind_is_refused_and_named(
    client: TestClient, field: str, body: Body
) -> None:
    response = post(client, body)
    assert (response.status_code, field_of(response)) == (400, field)
    assert response.json()["issue"][0]["details"]["text"].startswith(f"{field}: ")
    assert misfits(ref("OrderSignRequest"), as_read(body)) != []


def test_there_are_at_least_fifty_bodies_that_are_refused() -> None:
    assert len(NOT_A_BODY) + len(WRONG_MEMBERS) >= 50


@pytest.mark.parametrize("hook", HOOKS)
def test_of_several_mistakes_the_answer_names_one(client: TestClient, hook: str) -> None:
    response = post(client, b'{"hook":5,"context":[]}', f"acetylcysteine-{hook}")
    assert (response.status_code, field_of(response)) == (400, "hook")


def test_of_two_members_of_one_name_the_last_counts(client: TestClient) -> None:
    twice = BYTES.replace(b'"hook":"order-sign"', b'"hook":"order-sign","hook":"order-select"')
    assert field_of(post(client, twice)) == "hook"
    thrice = BYTES.replace(b'"hook":"order-sign"', b'"hook":7,"hook":"order-select","hook":"order-sign"')
    assert post(client, thrice).status_code in (200, 400)


def test_a_patient_id_that_stands_twice_is_read_as_one_of_them_in_every_place(client: TestClient) -> None:
    twice = BYTES.replace(f'"patientId":"{ALMA}"'.encode(), f'"patientId":"other","patientId":"{ALMA}"'.encode())
    assert twice != BYTES
    assert ids_of(post(client, twice).json()["cards"]) == ["glutamate-high"]


# ---------------------------------------------------------------- strange, and answered

STRANGE_ORDERS: dict[str, Json] = {
    "null entries": None,
    "no entries": [],
    "entries that are no objects": [None, 5, "x", [], True],
    "an entry without a resource": [{}],
    "an entry with a null resource": [{"resource": None}],
    "an entry with a list for a resource": [{"resource": []}],
    "a resource without a type": [{"resource": {"id": "x"}}],
    "a resource whose type is a number": [{"resource": {"resourceType": 5}}],
    "an order that is empty": [{"resource": {"resourceType": "MedicationRequest"}}],
    "an order whose drug is a number": [{"resource": {"resourceType": "MedicationRequest", "medication": 5}}],
}


MAY_BE_ANYTHING: dict[str, Json] = {
    "an order for an unknown reference": [
        {"resource": {"resourceType": "MedicationRequest", "medicationReference": {"reference": "Medication/x"}}}
    ],
    "an order that points to itself": [
        {
            "fullUrl": "urn:uuid:1",
            "resource": {"resourceType": "MedicationRequest", "medicationReference": {"reference": "urn:uuid:1"}},
        }
    ],
}


@pytest.mark.parametrize("entries", MAY_BE_ANYTHING.values(), ids=MAY_BE_ANYTHING)
@pytest.mark.parametrize("hook", HOOKS)
def test_an_order_whose_drug_cannot_be_read_at_all_is_no_order_for_something_else(
    client: TestClient, hook: str, entries: Json
) -> None:
    body = replaced(request_for(ALMA, hook=hook), ["context", BUNDLE_OF[hook], "entry"], entries)
    assert post(client, body).status_code == 412


@pytest.mark.parametrize("entries", STRANGE_ORDERS.values(), ids=STRANGE_ORDERS)
@pytest.mark.parametrize("hook", HOOKS)
def test_orders_in_which_no_acetylcysteine_can_be_seen_are_answered_with_no_cards(
    client: TestClient, hook: str, entries: Json
) -> None:
    body = replaced(request_for(ALMA, hook=hook), ["context", BUNDLE_OF[hook], "entry"], entries)
    response = post(client, body)
    assert (response.status_code, response.json()) == (200, {"cards": []})


def test_a_strange_entry_beside_the_order_takes_no_card_away(client: TestClient) -> None:
    body = copy.deepcopy(VALID)
    body["context"]["draftOrders"]["entry"] += [None, 5, {"resource": {"resourceType": []}}]
    assert ids_of(post(client, body).json()["cards"]) == ["glutamate-high"]


HUGE: dict[str, bytes] = {
    "1e999999999": b"1e999999999",
    "-1e999999999": b"-1e999999999",
    "1e-999999999": b"1e-999999999",
    "an exponent of 19 digits": b"1e1000000000000000000",
    "an exponent of 30 digits": b"1e" + b"9" * 30,
    "a negative exponent of 30 digits": b"1e-" + b"9" * 30,
    "zero with an exponent of 30 digits": b"0e" + b"9" * 30,
    "400 digits": b"9" * 400,
    "minus 400 digits": b"-" + b"9" * 400,
    "400 digits after the point": b"0." + b"1" * 400,
    "5,000 digits": b"9" * 5000,
    "100,000 digits": b"9" * 100_000,
    "minus zero": b"-0",
    "minus zero point zero": b"-0.0",
}


def dose(raw: bytes) -> bytes:
    return with_order_member(
        "dosageInstruction", b'[{"doseAndRate":[{"doseQuantity":{"unit":"mg","value":%b}}]}]' % raw
    )


def frequency(raw: bytes) -> bytes:
    return with_order_member(
        "dosageInstruction",
        b'[{"timing":{"repeat":{"frequency":%b,"period":%b,"periodUnit":"d"}},'
        b'"doseAndRate":[{"doseQuantity":{"unit":"mg","code":"mg","system":"http://unitsofmeasure.org",'
        b'"value":600}}]}]' % (raw, raw),
    )


def supply(raw: bytes) -> bytes:
    return with_order_member("dispenseRequest", b'{"expectedSupplyDuration":{"value":%b,"code":"d"}}' % raw)


def glutamate(raw: bytes) -> bytes:
    body = copy.deepcopy(VALID)
    for entry in body["prefetch"]["aminoAcids"]["entry"]:
        entry["resource"]["valueQuantity"]["value"] = MARK
        entry["resource"]["referenceRange"][0]["low"]["value"] = MARK
    return to_bytes(body).replace(f'"{MARK}"'.encode(), raw)


def total(raw: bytes) -> bytes:
    return with_raw(("prefetch", "problemList", "total"), raw)


def unknown_member(raw: bytes) -> bytes:
    return BYTES.replace(b'"hookInstance"', b'"unknown":' + raw + b',"hookInstance"', 1)


PLACES = [dose, frequency, supply, glutamate, total, unknown_member]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("raw", HUGE.values(), ids=HUGE)
def test_a_number_of_absurd_size_never_breaks_the_service(
    client: TestClient, raw: bytes, place: Callable[[bytes], bytes]
) -> None:
    assert place(raw) != place(b"1")
    assert post(client, place(raw)).status_code in (200, 400)


@pytest.mark.parametrize("raw", [b"1e999999999", b"1e-999999999", b"9" * 400], ids=["large", "small", "400 digits"])
def test_a_dose_of_absurd_size_is_not_known_rather_than_zero_or_huge(client: TestClient, raw: bytes) -> None:
    cards = post(client, dose(raw)).json()["cards"]
    assert ids_of(cards) == ["glutamate-high"]
    assert "mg per day, " not in cards[0]["detail"]


@pytest.mark.parametrize("raw", [b"1e999999999", b"9" * 400], ids=["large", "400 digits"])
def test_a_result_of_absurd_size_is_not_used(client: TestClient, raw: bytes) -> None:
    assert ids_of(post(client, glutamate(raw)).json()["cards"]) == ["glutamate-not-measured"]


NESTED_PLACES = {
    "the reason of the order": ("context", "reasonCode"),
    "the drug of the order": ("context", "medicationCodeableConcept"),
    "the dosage of the order": ("context", "dosageInstruction"),
    "the code of a condition": ("problemList", "code"),
    "the status of a condition": ("problemList", "clinicalStatus"),
    "the components of a result": ("aminoAcids", "component"),
    "the code of a result": ("aminoAcids", "code"),
}
KEYS = ("concept", "component", "coding", "extension")


def nested(place: str, key: str, depth: int) -> bytes:
    """The valid body in which one member of a resource is nested this deeply."""
    where, member = NESTED_PLACES[place]
    body = copy.deepcopy(VALID)
    bundle = body["context"]["draftOrders"] if where == "context" else body["prefetch"][where]
    if not bundle.get("entry"):
        bundle["entry"] = [{"resource": {"resourceType": "Condition", "id": "alma-nested"}}]
    bundle["entry"][0]["resource"][member] = MARK
    inner = f'{{"{key}":'.encode() * depth + b'{"coding":[{"code":"x"}],"text":"y"}' + b"}" * depth
    return to_bytes(body).replace(f'"{MARK}"'.encode(), inner)


@pytest.mark.parametrize("depth", [10, 300, 700, 980, 2000, 20_000])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("place", NESTED_PLACES)
def test_nesting_of_any_depth_in_what_is_read_never_breaks_the_service(
    client: TestClient, place: str, key: str, depth: int
) -> None:
    assert post(client, nested(place, key, depth)).status_code in (200, 400)


@pytest.mark.parametrize("place", ["the reason of the order", "the drug of the order", "the code of a condition"])
def test_nesting_that_the_parser_just_bears_is_borne_by_the_readers_too(client: TestClient, place: str) -> None:
    broken = [d for d in range(880, 1010) if post(client, nested(place, "concept", d)).status_code not in (200, 400)]
    assert broken == []


ODD_TEXTS = {
    "an escaped zero": r"\u0000",
    "a right-to-left override": r"\u202e",
    "an emoji by surrogates": r"\ud83d\udc8a",
    "a line separator": r"a\u2028b",
    "markup": "<script>alert(1)</script>",
    "a template": "{{context.patientId}} {age.amount} %s {0}",
    "a path": "../../etc/passwd",
    "90,000 letters": "x" * 90_000,
}


@pytest.mark.parametrize("odd", ODD_TEXTS.values(), ids=ODD_TEXTS)
@pytest.mark.parametrize("place", ["patientId", "hookInstance", "drug", "status", "birthDate", "unit"])
def test_an_odd_text_is_answered(client: TestClient, place: str, odd: str) -> None:
    body = copy.deepcopy(VALID)
    order, result = (
        body["context"]["draftOrders"]["entry"][0]["resource"],
        body["prefetch"]["aminoAcids"]["entry"][0]["resource"],
    )
    target, member = {
        "patientId": (body["context"], "patientId"),
        "hookInstance": (body, "hookInstance"),
        "drug": (order["medicationCodeableConcept"], "text"),
        "status": (result, "status"),
        "birthDate": (body["prefetch"]["patient"], "birthDate"),
        "unit": (result["valueQuantity"], "unit"),
    }[place]
    target[member] = MARK
    response = post(client, to_bytes(body).replace(MARK.encode(), odd.encode()))
    refused = place == "patientId" and "/" in odd
    assert response.status_code == (400 if refused else 200)
    assert response.json()["resourceType" if refused else "cards"]


# ---------------------------------------------------------------- too large


LIMIT = Settings().max_body_bytes


def padded(size: int) -> bytes:
    """A valid call without orders of exactly this many bytes."""
    return EMPTY_CALL + b" " * (size - len(EMPTY_CALL))


def in_chunks(body: bytes, size: int = 65_536) -> Iterator[bytes]:
    yield from (body[start : start + size] for start in range(0, len(body), size))


def test_the_default_limit_is_4_mib() -> None:
    assert LIMIT == 4 * 1024 * 1024


@pytest.mark.parametrize(
    ("size", "status"), [(LIMIT - 1, 200), (LIMIT, 200), (LIMIT + 1, 413)], ids=["under", "on", "over"]
)
@pytest.mark.parametrize("chunked", [False, True], ids=["by Content-Length", "by chunks"])
def test_a_body_over_the_limit_is_refused_and_one_on_it_is_not(
    client: TestClient, size: int, status: int, chunked: bool
) -> None:
    body = padded(size)
    response = client.post(ADDRESS, content=in_chunks(body) if chunked else body)
    assert ("content-length" in response.request.headers) is not chunked
    assert response.status_code == status


def test_a_body_that_is_too_large_is_refused_with_an_operation_outcome(client: TestClient) -> None:
    issue = client.post(ADDRESS, content=padded(LIMIT + 1)).json()["issue"][0]
    assert issue["code"] == "too-long"
    assert str(LIMIT) in issue["details"]["text"]


def test_a_gigantic_content_length_is_refused_before_the_body_is_read(client: TestClient) -> None:
    def never_read() -> Iterator[bytes]:
        yield EMPTY_CALL
        raise AssertionError("the body was read to its end")

    response = client.post(ADDRESS, content=never_read(), headers={"Content-Length": "9" * 30})
    assert response.status_code == 413


@pytest.mark.parametrize("declared", ["-1", "many", "", "1e3", "0x10", "٣"])
def test_a_content_length_that_is_no_number_does_not_break_the_service(client: TestClient, declared: str) -> None:
    headers = [(b"content-length", declared.encode())]
    assert client.post(ADDRESS, content=in_chunks(EMPTY_CALL), headers=headers).status_code in (200, 400)


def test_a_content_length_that_is_too_small_does_not_lift_the_limit(client: TestClient) -> None:
    response = client.post(ADDRESS, content=in_chunks(padded(LIMIT + 1)), headers={"Content-Length": "10"})
    assert response.status_code == 413


def test_the_limit_is_the_setting() -> None:
    client = new_client(Settings(max_body_bytes=len(EMPTY_CALL)))
    assert client.post(ADDRESS, content=EMPTY_CALL).status_code == 200
    assert client.post(ADDRESS, content=EMPTY_CALL + b" ").status_code == 413


def test_an_unknown_service_is_not_found_however_large_the_body(client: TestClient) -> None:
    assert client.post("/cds-services/unknown", content=padded(LIMIT + 1)).status_code == 404


# ---------------------------------------------------------------- made by Hypothesis

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
TELLING = st.sampled_from(
    [
        "resourceType",
        "Bundle",
        "MedicationRequest",
        "Observation",
        "OperationOutcome",
        "entry",
        "resource",
        "code",
        "coding",
        "system",
        "concept",
        "reference",
        "status",
        "final",
        "http://loinc.org",
        "20642-5",
        "2026-11-20",
        "valueQuantity",
        "value",
        "mg",
        "acetylcysteine",
    ]
)
ANY_JSON = st.recursive(
    LEAVES | TELLING,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TELLING | st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
ORDER: Body = VALID["context"]["draftOrders"]["entry"][0]["resource"]
RESOURCES = {
    key: (value["entry"][0]["resource"] if "entry" in value else value)
    for key, value in prefetch_for("quentin-dialysis").items()
    if value and ("entry" in value or key == "patient")
}


def answer_of(body: Body) -> int:
    return post(CLIENT, json.dumps(body, default=float).encode()).status_code


CLIENT = new_client()


@given(value=ANY_JSON)
def test_any_json_as_the_body_is_answered_or_refused(value: Json) -> None:
    assert post(CLIENT, json.dumps(value).encode()).status_code in (200, 400)


@given(value=ANY_JSON, member=st.sampled_from(["hook", "hookInstance", "context", "prefetch", "fhirServer"]))
def test_any_json_as_a_member_of_the_body_is_answered_or_refused(value: Json, member: str) -> None:
    assert answer_of({**VALID, member: value}) in (200, 400, 412)  # 412: no prefetch is left of it


@given(value=ANY_JSON, member=st.sampled_from(["patientId", "userId", "draftOrders", "selections"]))
def test_any_json_as_a_member_of_the_context_is_answered_or_refused(value: Json, member: str) -> None:
    assert answer_of(replaced(VALID, ["context", member], value)) in (200, 400)


@given(value=ANY_JSON)
def test_any_json_beside_the_order_is_answered(value: Json) -> None:
    entries = [value, {"resource": value}, *VALID["context"]["draftOrders"]["entry"]]
    assert answer_of(replaced(VALID, ["context", "draftOrders", "entry"], entries)) == 200


@given(
    value=ANY_JSON, member=st.sampled_from(sorted({*ORDER, "medication", "medicationReference", "contained", "reason"}))
)
def test_any_json_as_a_member_of_the_order_is_answered(value: Json, member: str) -> None:
    order = {**ORDER, member: value}
    assert answer_of(replaced(VALID, ["context", "draftOrders", "entry"], [{"resource": order}])) == 200


@given(value=ANY_JSON, member=st.sampled_from(["timing", "doseAndRate", "route", "asNeeded", "maxDosePerPeriod"]))
def test_any_json_as_a_member_of_the_dosage_is_answered(value: Json, member: str) -> None:
    order = {**ORDER, "dosageInstruction": [{**ORDER["dosageInstruction"][0], member: value}]}
    assert answer_of(replaced(VALID, ["context", "draftOrders", "entry"], [{"resource": order}])) == 200


@given(value=ANY_JSON, key=st.sampled_from(sorted(QUERIES)))
def test_any_json_as_a_value_of_the_prefetch_is_answered(value: Json, key: str) -> None:
    assert answer_of(replaced(VALID, ["prefetch", key], value)) == 200


@given(value=ANY_JSON, key=st.sampled_from(sorted(QUERIES)))
def test_any_json_as_an_entry_of_the_prefetch_is_answered(value: Json, key: str) -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": value}, value]}
    assert answer_of(replaced(VALID, ["prefetch", key], bundle)) == 200


@given(data=st.data(), value=ANY_JSON, key=st.sampled_from(sorted(RESOURCES)))
def test_any_json_as_a_member_of_a_prefetched_resource_is_answered(data: st.DataObject, value: Json, key: str) -> None:
    member = data.draw(st.sampled_from(sorted({*RESOURCES[key], "component", "hasMember", "contained", "issued"})))
    resource = {**RESOURCES[key], member: value}
    bundle: Any = {"resourceType": "Bundle", "entry": [{"resource": resource}]}
    assert answer_of(replaced(VALID, ["prefetch", key], bundle)) == 200


@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused(body: bytes) -> None:
    assert post(CLIENT, body).status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path", ["/cds-services/", f"{ADDRESS}/", f"{ADDRESS}/feedback/", "/guidance/", "/health/live/"]
)
def test_an_address_with_a_slash_too_many_leads_nowhere(method: str, path: str) -> None:
    """A redirect would repeat the call, with its data, at an address that the Host header and http make up."""
    reply = CLIENT.request(method, path, content=BYTES, follow_redirects=False)
    assert reply.status_code in (404, 405)
    assert "location" not in reply.headers
    assert reply.json()["resourceType"] == "OperationOutcome"
