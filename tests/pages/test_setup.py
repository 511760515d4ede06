"""The set-up sheet: what an analyst types in is what the service works with, and only operators may read it."""

import hashlib
import html
import re
from base64 import b64encode
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds_service.auth.clients import load_clients
from cds_service.fhir.scopes import smart_scopes
from tests.command import run_command
from tests.pages.looking import Page
from tests.signing import P384, PUBLIC, Trusting, client_toml, key_toml
from tests.support import CONTENT, HOOKS, VERIFY, new_client

JKU = "https://ehr.example.org/.well-known/jwks.json"
ENTRIES: dict[str, dict[str, Any]] = {
    "epic": {
        "issuer": "https://ehr.example.org/api/FHIR/R4",
        "jku": JKU,
        "dialect": "epic",
        "fhir_servers": ["https://ehr.example.org/api/FHIR/R4"],
        "amino_acids_order_code": "AA1",
        "tenants": ["<b>north</b>"],
    },
    "plain": {"issuer": "urn:plain", "cds_hooks": "3.0", "repeat": "changed"},
    "old": {"issuer": "urn:old", "jku": JKU, "cds_hooks": "1.0"},
}
CLIENTS = "\n".join(
    client_toml(name, str(entry["issuer"]), **{key: value for key, value in entry.items() if key != "issuer"})
    + (key_toml(P384, "ec") if "jku" not in entry else "")
    for name, entry in ENTRIES.items()
)


def service(folder: Path, **settings: Any) -> TestClient:
    app = Trusting(folder, CLIENTS, **settings).app
    return TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 50000))


def codes(text: str) -> set[str]:
    """What stands in the type that is to be copied, without the places where a line may break."""
    found = re.findall(r"<code>(.*?)</code>", text, re.DOTALL)
    return {html.unescape(re.sub(r"<[^>]+>", "", code)) for code in found}


def sheet(folder: Path, name: str) -> str:
    response = service(folder).get(f"/setup/{name}")
    assert response.status_code == 200
    return str(response.text)


def test_the_sheet_has_every_address_and_every_query_of_discovery(tmp_path: Path) -> None:
    client = service(tmp_path)
    found = codes(client.get("/setup/epic").text)
    for offered in client.get("/cds-services").json()["services"]:
        assert {offered["id"], offered["hook"], f"{PUBLIC}/cds-services/{offered['id']}"} <= found
        assert set(offered["prefetch"]) <= found
        assert set(offered["prefetch"].values()) <= found
    assert f"{PUBLIC}/cds-services" in found
    assert set(HOOKS) <= found
    assert VERIFY not in found


def test_the_sheet_has_the_service_for_pharmacists_where_it_is_on(tmp_path: Path) -> None:
    found = codes(service(tmp_path, medication_verify=True).get("/setup/epic").text)
    assert {VERIFY, f"{PUBLIC}/cds-services/acetylcysteine-{VERIFY}"} <= found


def test_the_sheet_has_what_the_entry_of_the_client_says(tmp_path: Path) -> None:
    text = sheet(tmp_path, "epic")
    (client, *_) = load_clients(tmp_path / "clients.toml")
    assert {client.issuer, client.jku, *client.fhir_servers, *client.tenants} <= codes(text)
    assert {"ES384", "RS384", "AA1", client.dialect.order_code_system, *client.dialect.feedback_reasons} <= codes(text)
    assert "none that changes an order" in text
    assert "<b>north</b>" not in text


def test_the_sheet_has_the_scopes_and_the_codes_that_analysts_map(tmp_path: Path) -> None:
    plain, epic = (codes(sheet(tmp_path, name)) for name in ("plain", "epic"))
    assert {spelling for scope in smart_scopes() for spelling in (scope.smart_1, scope.smart_2)} <= plain
    assert set(CONTENT.override_reasons) | {card.id for card in CONTENT.order_cards} <= plain
    assert {"doseAboveStudied", "glutamateHigh", "dose-intended"} <= epic
    assert "dose-above-studied" not in epic


def test_a_client_of_1_0_is_told_nothing_that_1_0_does_not_have(tmp_path: Path) -> None:
    text = sheet(tmp_path, "old")
    assert "Override reasons" not in text
    assert "at-most-one" in text
    assert "CDS Hooks 1.0 has no feedback" in text


def test_who_is_not_told_twice_is_told_how(tmp_path: Path) -> None:
    assert "context.userId" in codes(sheet(tmp_path, "plain"))
    assert "context.userId" not in codes(sheet(tmp_path, "epic"))


def test_keys_of_the_file_are_named_by_their_kid(tmp_path: Path) -> None:
    assert "ec" in codes(sheet(tmp_path, "plain"))


def test_without_a_list_of_clients_there_is_one_sheet_for_trying(tmp_path: Path) -> None:
    client = TestClient(new_client().app, client=("127.0.0.1", 1))
    assert "/setup/open" in client.get("/setup").text
    assert "No clients are listed" in client.get("/setup/open").text
    assert client.get("/setup/hospital").status_code == 404


def test_every_client_has_its_sheet_and_no_other_has_one(tmp_path: Path) -> None:
    client = service(tmp_path)
    links = [str(given.get("href")) for tag, given in Page(client.get("/setup").text).elements if tag == "a"]
    assert [link for link in links if link.startswith("/setup/")] == [f"/setup/{name}" for name in ENTRIES]
    assert [client.get(f"/setup/{name}").status_code for name in (*ENTRIES, "nobody", "open")] == [200] * 3 + [404] * 2


@pytest.mark.parametrize("path", ["/setup", "/setup/epic"])
def test_only_those_who_may_read_the_metrics_may_read_who_the_clients_are(tmp_path: Path, path: str) -> None:
    app = Trusting(tmp_path, CLIENTS, metrics_from=(ip_network("10.0.0.0/8"),)).app
    assert TestClient(app, client=("10.1.2.3", 1)).get(path).status_code == 200
    refused = TestClient(app, client=("127.0.0.1", 1)).get(path)
    assert refused.status_code == 404
    assert "epic" not in refused.text


def test_the_sheet_needs_no_other_file_and_its_policy_allows_its_own_style_alone(tmp_path: Path) -> None:
    response = service(tmp_path).get("/setup/epic")
    (style,) = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in response.headers["content-security-policy"]
    loading = [tag for tag, given in Page(response.text).elements if {"src", "href", "style"} & given.keys()]
    assert loading == []


# ---------------------------------------------------------------- the command


def settings_of(folder: Path) -> dict[str, str]:
    (folder / "clients.toml").write_text(CLIENTS, encoding="utf-8")
    return {"CDS_CLIENTS": str(folder / "clients.toml"), "CDS_PUBLIC_URL": PUBLIC}


def test_the_command_prints_the_page_or_writes_it(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    printed = run_command("setup-sheet", "--client", "epic", settings=settings)
    written = run_command("setup-sheet", "--client", "epic", "--out", str(tmp_path / "sheet.html"), settings=settings)
    assert (printed.exit_code, written.exit_code, written.stdout) == (0, 0, "")
    assert printed.stdout == (tmp_path / "sheet.html").read_text(encoding="utf-8") + "\n"
    assert printed.stdout.strip() == sheet(tmp_path, "epic").strip()


@pytest.mark.parametrize("arguments", [(), ("--client", "nobody")], ids=["none of three", "an unknown one"])
def test_a_client_that_is_not_listed_is_refused_and_the_listed_ones_are_named(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run_command("setup-sheet", *arguments, settings=settings_of(tmp_path))
    assert done.exit_code == 2
    assert "epic, plain, old" in done.output


def test_a_list_of_clients_without_our_own_address_is_refused(tmp_path: Path) -> None:
    settings = {name: value for name, value in settings_of(tmp_path).items() if name == "CDS_CLIENTS"}
    done = run_command("setup-sheet", "--client", "epic", settings=settings)
    assert (done.exit_code, "CDS_PUBLIC_URL" in done.output) == (2, True)


def test_a_hook_at_which_every_card_is_off_is_not_on_the_sheet(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    rows = [f'card = "{card.id}"' for card in CONTENT.order_cards]
    why = 'mode = "off"\nhooks = ["order-select"]\nbecause = "A test."\ndecided_by = "Us"\ndecided_on = 2026-11-20\n'
    site.write_text("\n".join(f"[[card]]\n{row}\n{why}" for row in rows), encoding="utf-8")
    client = service(tmp_path, site=site)
    offered = {one["hook"] for one in client.get("/cds-services").json()["services"]}
    assert offered == set(HOOKS) - {"order-select"}
    found = codes(client.get("/setup/epic").text)
    assert "acetylcysteine-order-sign" in found
    assert "acetylcysteine-order-select" not in found


SAFETY_CARDS = ("screening-incomplete", "acetylcysteine-hypersensitivity")
ROW = '[[card]]\ncard = "{}"\nmode = "{}"\n{}because = "A test."\ndecided_by = "Us"\ndecided_on = 2026-11-20\n'


def sheet_at_site(folder: Path, site: str, name: str) -> str:
    (folder / "site.toml").write_text(site, encoding="utf-8")
    response = service(folder, site=folder / "site.toml").get(f"/setup/{name}")
    return " ".join(str(response.text).split())


@pytest.mark.parametrize("name", ENTRIES)
def test_the_sheet_of_a_silent_site_names_every_card_and_no_test_that_passes_by_silence(
    tmp_path: Path, name: str
) -> None:
    open_site, silent = (sheet_at_site(tmp_path, f'drafts = "{drafts}"', name) for drafts in ("show", "silent"))
    tests = ["no card may say <code>screening-incomplete", "a critical card appears"]
    assert [text in open_site for text in tests] == [True, True]
    assert [text in silent for text in tests] == [False, False]
    for card in CONTENT.order_cards:
        assert f"<td><code>{card.id}</code></td><td>{html.escape(card.title)}</td><td>silent</td>" in silent
    assert "Cards that this client is not shown" not in open_site
    assert f"cds-service explain BODY --client {name}" in silent


@pytest.mark.parametrize("card", SAFETY_CARDS)
def test_only_the_tests_of_the_cards_that_are_silent_for_this_client_differ(tmp_path: Path, card: str) -> None:
    site = ROW.format(card, "silent", 'clients = ["epic"]\nhooks = ["order-select"]\n')
    epic, plain = (sheet_at_site(tmp_path, site, name) for name in ("epic", "plain"))
    assert f"<td><code>{card}</code></td>" in epic
    assert "<td>silent at order-select</td>" in epic
    assert ("no card may say" in epic, "a critical card appears" in epic) == tuple(one != card for one in SAFETY_CARDS)
    assert "Cards that this client is not shown" not in plain
