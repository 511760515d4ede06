"""clients.toml: read strictly, every mistake at once and with its line, and nothing secret repeated."""

import json
from pathlib import Path

import pytest

from cds_service.auth.clients import load_clients
from cds_service.errors import ContentError
from tests.signing import P256, P384, RSA, client_toml, key_toml
from tests.support import ROOT

GOOD = """
[[client]]
name = "hospital"
issuer = "https://ehr.example.org/"
jku = "https://ehr.example.org/jwks.json"
fhir_servers = ["https://fhir.example.org/r4"]
tenants = ["north"]
cds_hooks = "2.0"
token_reuse = "refuse"
"""
KEY = key_toml(P384, "ec")
WITH_KEY = GOOD.replace('jku = "https://ehr.example.org/jwks.json"\n', "") + KEY


def mistakes_in(text: str, folder: Path) -> list[str]:
    file = folder / "clients.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        load_clients(file)
    return [str(mistake) for mistake in caught.value.mistakes]


EXAMPLE = (ROOT / "clients.example.toml").read_text(encoding="utf-8")


def test_the_example_as_it_stands_is_refused_in_words(tmp_path: Path) -> None:
    placeholder = "is a placeholder of clients.example.toml: write the address of your own EHR"
    published = "is the example of the specification, whose private key is published: anyone could sign"
    assert sorted(mistake.partition(": ")[2] for mistake in mistakes_in(EXAMPLE, tmp_path)) == [
        f"client.0.fhir_servers.0: {placeholder}",
        f"client.0.issuer: {placeholder}",
        f"client.0.jku: {placeholder}",
        f"client.1.fhir_servers.0: {placeholder}",
        f"client.1.issuer: {placeholder}",
        f"client.1.key.0: {published}",
    ]


@pytest.mark.parametrize("host", ["ehr.example", "EHR.Example", "ehr.example:8443"])
def test_every_name_that_nobody_can_have_is_a_placeholder(host: str, tmp_path: Path) -> None:
    (problem,) = mistakes_in(GOOD.replace("fhir.example.org", host), tmp_path)
    assert "is a placeholder" in problem


def test_a_path_may_be_called_example(tmp_path: Path) -> None:
    (tmp_path / "clients.toml").write_text(GOOD.replace("org/r4", "org/.example/r4"), encoding="utf-8")
    assert load_clients(tmp_path / "clients.toml")


def test_the_example_is_sound_with_addresses_and_a_key_of_ones_own(tmp_path: Path) -> None:
    text = EXAMPLE.replace(".example/", ".example.org/").partition("[[client.key]]")[0]
    own_key = key_toml(P384, "example-kid") + 'alg = "ES384"\n'
    (tmp_path / "clients.toml").write_text(text + own_key, encoding="utf-8")
    by_address, by_key = load_clients(tmp_path / "clients.toml")
    assert (by_address.name, by_address.cds_hooks, by_address.keys) == ("example-ehr", "2.0", ())
    assert by_address.jku.startswith("https://")
    assert (by_key.name, by_key.cds_hooks, by_key.jku) == ("example-clinic", "1.0", "")
    assert [(key.kid, key.kind, key.alg) for key in by_key.keys] == [("example-kid", "P-384", "ES384")]


def test_a_client_has_what_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(GOOD + key_toml(RSA, "rsa") + key_toml(P256, "p256"), encoding="utf-8")
    (one,) = load_clients(file)
    assert (one.name, one.issuer, one.jku) == (
        "hospital",
        "https://ehr.example.org/",
        "https://ehr.example.org/jwks.json",
    )
    assert (one.fhir_servers, one.tenants) == (("https://fhir.example.org/r4",), ("north",))
    assert (one.cds_hooks, one.token_reuse) == ("2.0", "refuse")
    assert [(key.kid, key.kind) for key in one.keys] == [("rsa", "RSA"), ("p256", "P-256")]


def test_what_may_be_left_out_is_careful(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(client_toml(jku="http://127.0.0.1:9/jwks.json"), encoding="utf-8")
    (one,) = load_clients(file)
    assert (one.fhir_servers, one.tenants, one.cds_hooks, one.token_reuse) == ((), (), "2.0", "refuse")


def test_two_clients_may_share_an_issuer_if_their_tenants_differ(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(GOOD + GOOD.replace("hospital", "clinic").replace("north", "south"), encoding="utf-8")
    assert [one.name for one in load_clients(file)] == ["hospital", "clinic"]


NOT_AN_ADDRESS = "is not a plain http or https address: no user, query, fragment or odd spelling"
NO_TLS = "is not https; http is for this machine's loopback only"
SECRET = "c2VjcmV0LW5ldmVyLXRvLWJlLXByaW50ZWQ"
BROKEN: dict[str, tuple[str, list[str]]] = {
    "nothing": ("", ["1: there is no [[client]]"]),
    "no TOML": (
        "\n[[client]\n",
        ["2: not TOML: Expected ']]' at the end of an array declaration (at line 2, column 9)"],
    ),
    "a secret in no TOML": (f"[[client]]\nd = {SECRET}", ["2: not TOML: Invalid value (at line 2, column 5)"]),
    "one client as a table": (GOOD.replace("[[client]]", "[client]"), ["1: client is not a list of tables"]),
    "another table": (f"{GOOD}\n[cleint]\na = 1\n", ["11: unknown key cleint"]),
    "an unknown key": (f"{GOOD}isuer = 1", ["10: client.0.isuer: there is no such key: did you mean issuer?"]),
    "no name": (GOOD.replace('name = "hospital"\n', ""), ["2: client.0.name: it is missing"]),
    "a name with spaces": (
        GOOD.replace('"hospital"', '"The Hospital"'),
        ["3: client.0.name: String should match pattern '^[a-z0-9][a-z0-9-]{0,39}$'"],
    ),
    "no issuer": (GOOD.replace("issuer", "# issuer"), ["2: client.0.issuer: it is missing"]),
    "an empty issuer": (
        GOOD.replace('https://ehr.example.org/"', '"'),
        ["4: client.0.issuer: String should have at least 1 character"],
    ),
    "neither keys nor their address": (
        GOOD.replace("jku", "# jku"),
        ["2: client.0: there is neither a jku nor a [[client.key]]"],
    ),
    "an address without TLS": (
        GOOD.replace("https://ehr.example.org/jwks", "http://ehr.example.org/jwks"),
        [f"5: client.0.jku: {NO_TLS}"],
    ),
    "an address with a query": (GOOD.replace("jwks.json", "jwks.json?a"), [f"5: client.0.jku: {NOT_AN_ADDRESS}"]),
    "an address with a password": (
        GOOD.replace("https://ehr.example.org/jwks", f"https://u:{SECRET}@ehr.example.org/jwks"),
        [f"5: client.0.jku: {NOT_AN_ADDRESS}"],
    ),
    "a file": (
        GOOD.replace("https://ehr.example.org/jwks.json", "file:///jwks.json"),
        [f"5: client.0.jku: {NOT_AN_ADDRESS}"],
    ),
    "a FHIR server without TLS": (
        GOOD.replace("https://fhir.", "http://fhir."),
        [f"6: client.0.fhir_servers.0: {NO_TLS}"],
    ),
    "a FHIR server as a number": (
        GOOD.replace("fhir.example.org", "2130706433"),
        [f"6: client.0.fhir_servers.0: {NOT_AN_ADDRESS}"],
    ),
    "a FHIR server that is no list": (
        GOOD.replace('["https://fhir.example.org/r4"]', '"https://fhir.example.org/r4"'),
        ["6: client.0.fhir_servers: Input should be a valid list"],
    ),
    "an empty tenant": (
        GOOD.replace('"north"', '""'),
        ["7: client.0.tenants.0: String should have at least 1 character"],
    ),
    "another version": (
        GOOD.replace('"2.0"', '"1.1"'),
        ["8: client.0.cds_hooks: Input should be '1.0', '2.0' or '3.0'"],
    ),
    "the version as a number": (
        GOOD.replace('"2.0"', "2.0"),
        ["8: client.0.cds_hooks: Input should be '1.0', '2.0' or '3.0'"],
    ),
    "an unknown dialect": (
        GOOD + 'dialect = "klingon"\n',
        ["10: client.0.dialect: Input should be 'standard' or 'epic'"],
    ),
    "an unknown option": (
        GOOD + "feedback = true\n",
        ["10: client.0.feedback: there is no such key: did you mean feedback_reasons?"],
    ),
    "an unknown form of topic codes": (
        GOOD + 'topic_code = "snake"\n',
        ["10: client.0.topic_code: Input should be 'id' or 'camel'"],
    ),
    "a number of actions below none": (
        GOOD + "actions_per_suggestion = -1\n",
        ["10: client.0.actions_per_suggestion: Input should be greater than or equal to 0"],
    ),
    "a code without its system": (
        GOOD + 'amino_acids_order_code = "AA1"\n',
        ["2: client.0: amino_acids_order_code has no order_code_system"],
    ),
    "another policy": (
        GOOD.replace('"refuse"', '"ignore"'),
        ["9: client.0.token_reuse: Input should be 'refuse', 'strict' or 'allow'"],
    ),
    "a private key": (
        f'{WITH_KEY}d = "{SECRET}"\n',
        ["9: client.0.key.0: holds the secret part of a key (d); only a public key belongs here"],
    ),
    "a whole private RSA key": (
        f'{GOOD}{key_toml(RSA, "rsa")}p = "{SECRET}"\nq = "{SECRET}"\nd = "{SECRET}"\n',
        ["10: client.0.key.0: holds the secret part of a key (d, p, q); only a public key belongs here"],
    ),
    "a symmetric key": (
        f'{GOOD}[[client.key]]\nkty = "oct"\nkid = "k"\nk = "{SECRET}"\n',
        ["10: client.0.key.0: holds the secret part of a key (k); only a public key belongs here"],
    ),
    "a key without an id": (WITH_KEY.replace("kid", "id"), ["9: client.0.key.0: has no kid"]),
    "a key on another curve": (
        WITH_KEY.replace("P-384", "secp256k1"),
        ["9: client.0.key.0: is neither RSA nor on one of the curves P-256, P-384 and P-521"],
    ),
    "a key of another curve than it says": (
        WITH_KEY.replace("P-384", "P-256"),
        ["9: client.0.key.0: its numbers are missing or are no key"],
    ),
    "a key for encryption": (f'{WITH_KEY}use = "enc"\n', ["9: client.0.key.0: is not for signatures"]),
    "a key for an algorithm that it cannot have": (
        f'{WITH_KEY}alg = "RS384"\n',
        ["9: client.0.key.0: its alg is not one for its kind of key"],
    ),
    "the second key": (
        f"{WITH_KEY}{KEY.replace('kid', 'id')}",
        ["15: client.0.key.1: has no kid"],
    ),
    "two keys with one id": (f"{WITH_KEY}{KEY}", ["9: client.0.key: two keys have the same kid"]),
    "two clients with one name": (
        GOOD + GOOD.replace('https://ehr.example.org/"', 'urn:other"'),
        ["12: client.1.name: another client has this name"],
    ),
    "two clients with one issuer": (
        GOOD + GOOD.replace("hospital", "clinic"),
        ["13: client.1.issuer: another client has it, and not other tenants"],
    ),
    "two clients with one issuer, one without tenants": (
        GOOD + GOOD.replace("hospital", "clinic").replace('"north"', ""),
        ["13: client.1.issuer: another client has it, and not other tenants"],
    ),
    "everything at once": (
        GOOD.replace('"2.0"', '"4.0"').replace("https://fhir.", "ftp://fhir.") + GOOD.replace("name", "nom"),
        [
            f"6: client.0.fhir_servers.0: {NOT_AN_ADDRESS}",
            "8: client.0.cds_hooks: Input should be '1.0', '2.0' or '3.0'",
            "11: client.1.name: it is missing",
            "12: client.1.nom: there is no such key",
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, expected: list[str]) -> None:
    found = mistakes_in(text, tmp_path)
    assert found == [f"clients.toml:{one}" for one in expected]
    assert SECRET not in "".join(found)


def test_a_small_rsa_key_is_a_mistake(tmp_path: Path) -> None:
    small = {"kty": "RSA", "kid": "small", "e": "AQAB", "n": "w" * 171}  # 1026 bits
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in small.items())
    (found,) = mistakes_in(f"{GOOD}[[client.key]]\n{lines}\n", tmp_path)
    assert "fewer than 2048" in found or "are no key" in found


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="No such file"):
        load_clients(tmp_path / "clients.toml")
