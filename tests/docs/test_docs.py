"""What the documents say is run, or compared with what is true."""

import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.content.explaining import explain_request, read_call
from cds_service.fhir.queries import QUERIES
from cds_service.settings import CARDS, Settings, describe
from cds_service.telemetry.metrics import AUTHENTICATION_FAILURES
from tests.docs.blocks import blocks_of
from tests.support import CONTENT, cards_of, ids_of, new_client, prefetch_for

ROOT = CARDS.parent
FOUND = {*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")}
DOCUMENTS = sorted(FOUND - {ROOT / "mutants" / "README.md"})  # a copy, made by `make mutants`


def blocks(document: Path, language: str) -> list[str]:
    return [block.text for block in blocks_of(document) if block.language == language]


def test_the_readme_fits_on_its_first_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 105


def test_the_readmes_request_gives_the_card_that_it_prints() -> None:
    words = shlex.split(next(block for block in blocks(ROOT / "README.md", "sh") if "curl" in block))
    address, file = words[2], words[-1].removeprefix("@")
    reply = TestClient(create_app(Settings(), CONTENT)).post(
        address.replace("http://127.0.0.1:8000", ""), content=(ROOT / file).read_bytes()
    )
    card, printed = reply.json()["cards"][0], json.loads(blocks(ROOT / "README.md", "json")[0])

    for name in ("summary", "indicator", "source"):
        assert card[name] == printed[name]
    assert card["detail"].startswith(printed["detail"].removesuffix(" …"))
    assert printed.keys() < card.keys()


def test_the_explanation_in_the_review_guide_is_the_real_one() -> None:
    guide = ROOT / "docs" / "reviewing-guidance.md"
    words = shlex.split(next(block for block in blocks(guide, "sh") if "explain" in block))
    now = datetime.fromisoformat(words[words.index("--now") + 1]).replace(tzinfo=UTC)
    real = iter(
        "\n".join(explain_request(read_call((ROOT / words[-1]).read_bytes()), CONTENT, now).lines()).splitlines()
    )

    for line in next(block for block in blocks(guide, "text") if block.startswith("Cards: ")).splitlines():
        assert line in real, line  # in this order: `in` uses the iterator up to the line


def test_the_review_guide_lists_every_card() -> None:
    guide = (ROOT / "docs" / "reviewing-guidance.md").read_text(encoding="utf-8")

    assert {card.id for card in CONTENT.cards} <= set(re.findall(r"`([a-z-]+)`", guide))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_setting_says_what_it_is_for() -> None:
    for name, default, meaning in describe():
        assert name.startswith("CDS_")
        assert default
        assert meaning.endswith(".")


def test_settings_that_documents_name_exist() -> None:
    named = {name for path in DOCUMENTS for name in re.findall(r"`(CDS_[A-Z_]+)", path.read_text(encoding="utf-8"))}

    assert named <= {name for name, _, _ in describe()}


INTEGRATING = (ROOT / "docs" / "integrating.md").read_text(encoding="utf-8")


def test_the_guide_names_the_scopes_of_every_query() -> None:
    scopes = INTEGRATING.partition("### Scopes")[2].partition("### ")[0]
    rows = [line for line in scopes.splitlines() if line.startswith("| `")]

    assert sorted(re.findall(r"`(\w+)`", " ".join(row.split("|")[1] for row in rows))) == sorted(QUERIES)
    for query in QUERIES.values():
        row = next(one for one in rows if f"`{query.key}`" in one)
        assert f"`patient/{query.resource_type}.read`" in row
        assert re.search(rf"`patient/{query.resource_type}\.rs?`", row)


TO_TRY = re.findall(
    r"^\| `([a-z-]+)` \| (none|`[a-z-]+`(?:, `[a-z-]+`)*)",
    INTEGRATING.partition("## Trying it in the CDS Hooks sandbox\n")[2],
    re.MULTILINE,
)


def test_the_guide_has_patients_to_try() -> None:
    assert len(TO_TRY) > 5


@pytest.mark.parametrize(("patient", "cards"), TO_TRY)
def test_a_patient_to_try_gets_the_cards_that_the_guide_says(patient: str, cards: str) -> None:
    sandbox = (ROOT / "fixtures" / "unusual" / "sandbox-order-sign.json").read_text(encoding="utf-8")
    body = {**json.loads(sandbox.replace("pt-1", patient)), "prefetch": prefetch_for(patient)}

    assert ids_of(cards_of(new_client(), body)) == re.findall(r"`([a-z-]+)`", cards)


@pytest.mark.parametrize("document", [ROOT / "README.md", ROOT / "docs" / "integrating.md"], ids=lambda path: path.name)
def test_the_link_to_the_sandbox_names_addresses_that_the_demo_has(document: Path) -> None:
    (link,) = re.findall(r"https://sandbox\.cds-hooks\.org/\?[^)>\s]+", document.read_text(encoding="utf-8"))
    named = dict(parse_qsl(urlsplit(link).query))
    here = "http://127.0.0.1:8000"

    with new_client(Settings(demo=True)) as client:
        server = named["fhirServiceUrl"].removeprefix(here)
        assert client.get(f"{server}/metadata").json()["resourceType"] == "CapabilityStatement"
        assert client.get(f"{server}/Patient/{named['patientId']}").json()["id"] == named["patientId"]
        assert client.get(named["serviceDiscoveryURL"].removeprefix(here)).json()["services"]


def test_every_reason_for_a_401_is_explained_with_what_is_expected() -> None:
    table = INTEGRATING.partition("| your log says | what is wrong | what is expected |")[2].partition("\n\n")[0]
    explained = {reason for row in table.splitlines()[2:] for reason in re.findall(r"`([^`]+)`", row.split("|")[1])}
    assert explained == set(AUTHENTICATION_FAILURES)
