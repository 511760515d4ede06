"""A card that a site keeps silent is decided, recorded, counted and explained as ever, and not answered."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from cds_service.settings import Settings
from cds_service.site.opening import open_site
from tests.command import run_command
from tests.records.databases import query, records_at
from tests.support import (
    CONTENT,
    HOOKS,
    Body,
    cards_of,
    ids_of,
    new_client,
    post,
    request_for,
    runtime_behind,
    to_bytes,
    without,
)
from tests.unit.site.files import card_row, write_site

SILENT = 'drafts = "silent"\n'
ALLERGY, HIGH, INCOMPLETE = "acetylcysteine-hypersensitivity", "glutamate-high", "screening-incomplete"


@contextmanager
def client_with(folder: Path, *parts: str) -> Iterator[TestClient]:
    """A client of a service with a site file of these parts."""
    database = f"sqlite:///{folder / 'records.sqlite3'}"
    settings = Settings(site=write_site(folder, *parts))
    with new_client(settings, records=records_at(database)) as client:
        yield client


def recorded(folder: Path, mode: str) -> set[str]:
    rows = query(f"sqlite:///{folder / 'records.sqlite3'}", "SELECT card, mode FROM shown_cards")
    return {card for card, of_card in rows if of_card == mode}


def answered_without_site(body: Body) -> list[Body]:
    with new_client() as client:
        return cards_of(client, body)


ORDERS = [("alma-glutamate-high", "oral-600-twice-daily"), ("ines-allergic", "oral-600-twice-daily")]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(("patient", "order"), ORDERS)
def test_what_would_have_been_shown_is_recorded_and_not_answered(
    patient: str, order: str, hook: str, tmp_path: Path
) -> None:
    body = request_for(patient, order, hook=hook)
    would_be = ids_of(answered_without_site(body))
    with client_with(tmp_path, SILENT) as client:
        assert post(client, body).json() == {"cards": []}
    assert recorded(tmp_path, "silent") == set(would_be)
    assert recorded(tmp_path, "shown") == set()


def test_the_other_cards_are_answered_as_if_the_silent_one_were_shown(tmp_path: Path) -> None:
    """With an allergy no dose is suggested, whether or not the site shows the card that says so."""
    body = request_for("ines-allergic")
    expected = [card for card in answered_without_site(body) if ids_of([card]) != [ALLERGY]]
    with client_with(tmp_path, card_row("silent", card=ALLERGY)) as client:
        answered = cards_of(client, body)
    assert [card["detail"] for card in answered] == [card["detail"] for card in expected]
    assert recorded(tmp_path, "silent") == {ALLERGY}
    assert recorded(tmp_path, "shown") == set(ids_of(answered))


def test_a_card_that_is_off_is_neither_answered_nor_recorded(tmp_path: Path) -> None:
    with client_with(tmp_path, card_row("off", card=HIGH)) as client:
        assert HIGH not in ids_of(cards_of(client, request_for("alma-glutamate-high")))
    assert HIGH not in recorded(tmp_path, "silent") | recorded(tmp_path, "shown")


def test_silent_cards_are_counted_apart_and_logged(tmp_path: Path) -> None:
    with client_with(tmp_path, card_row("silent", card=HIGH)) as client, capture_logs() as logs:
        shown = ids_of(cards_of(client, request_for("alma-glutamate-high")))
        written = runtime_behind(client).metrics.exposition().decode()
    assert HIGH not in shown
    assert f'cds_cards_silent_total{{card="{HIGH}"}} 1.0' in written
    assert f'cds_cards_shown_total{{card="{HIGH}"}} 0.0' in written
    (line,) = [line for line in logs if line["event"] == "answered"]
    assert line["silent_cards"] == 1
    assert line["cards"] == shown


BARE = without(request_for("alma-glutamate-high"), "prefetch")


@pytest.mark.parametrize(("rows", "status"), [([], 412), ([SILENT], 200), ([card_row("silent", card=HIGH)], 412)])
def test_an_ehr_is_not_troubled_with_missing_data_where_nothing_can_be_shown(
    rows: Sequence[str], status: int, tmp_path: Path
) -> None:
    with client_with(tmp_path, *rows) as client:
        response = post(client, BARE)
    assert response.status_code == status
    assert recorded(tmp_path, "silent") == ({INCOMPLETE} if status == 200 else set())


def all_off() -> list[str]:
    return [card_row("off", card=card.id, hooks=("order-sign",)) for card in CONTENT.order_cards]


def test_where_every_card_is_off_nothing_is_gathered(tmp_path: Path) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise AssertionError("no FHIR server is to be asked")

    settings = Settings(site=write_site(tmp_path, *all_off()))
    http = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
    with new_client(settings, http=http) as client:
        body = {**BARE, "fhirServer": "http://127.0.0.1:1/fhir"}
        assert cards_of(client, body) == []
        assert cards_of(client, request_for("alma-glutamate-high", hook="order-select"))
        services = client.get("/cds-services").json()["services"]
    assert {service["hook"] for service in services} == set(HOOKS) - {"order-sign"}


def test_a_hook_at_which_some_client_may_see_a_card_keeps_its_service(tmp_path: Path) -> None:
    rows = [row.replace("because", 'clients = ["open"]\nbecause') for row in all_off()]
    site = open_site(write_site(tmp_path, *rows), CONTENT, HOOKS, ("open", "south"))
    assert not site.modes_for("order-sign", "open").decides_any
    assert site.decides_any("order-sign")


def explained(folder: Path, *parts: str) -> str:
    (folder / "body.json").write_bytes(to_bytes(request_for("alma-glutamate-high")))
    arguments = ("explain", str(folder / "body.json"), "--now", "2026-11-23T09:00:00")
    done = run_command(*arguments, settings={"CDS_SITE": str(write_site(folder, *parts))})
    assert done.exit_code == 0
    return done.output


def test_the_explanation_says_what_the_site_file_keeps_silent_and_why(tmp_path: Path) -> None:
    because = "by the site file because “under review” (decided by drug committee on 2026-11-20, site.toml:1)"
    lines = explained(tmp_path, card_row("silent", card=HIGH), card_row("off", card="glutamate-low")).splitlines()
    assert f"  {HIGH}: advise, silent {because}" in lines
    assert f"Silent: {HIGH}" in lines
    assert f"  glutamate-low: stay silent, switched off {because.replace(':1)', ':8)')}" in lines
    assert "  glutamate-normal: stay silent" in lines


def test_the_explanation_of_an_order_says_that_all_is_off(tmp_path: Path) -> None:
    assert explained(tmp_path, *all_off()) == "By the site file every card is off at this hook.\n"


def test_the_explanation_of_silence_says_that_what_applies_is_off(tmp_path: Path) -> None:
    assert "The site file shows none of the cards that apply." in explained(tmp_path, card_row("off", card=HIGH))


def test_the_explanation_of_silence_names_the_site_file(tmp_path: Path) -> None:
    assert "The site file keeps every card silent that applies." in explained(tmp_path, SILENT)
