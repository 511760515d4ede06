"""Every page: there, harmless, of this host alone, and made from the content."""

import re
from collections.abc import Iterator

import pytest
from markupsafe import escape
from starlette.testclient import TestClient

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.guidance.model import Content
from cds_service.pages.markup import Pages, link_hosts
from cds_service.settings import Settings
from tests.pages.looking import CARDS, GUIDES, PAGES, Page, demo_client, look
from tests.reviews import as_signed
from tests.support import CONTENT, ROOT, new_client, post, request_for

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "form": "action", "use": "href"}


@pytest.fixture(scope="module")
def demo() -> Iterator[TestClient]:
    with demo_client() as client:
        yield client


@pytest.mark.parametrize("path", [*PAGES, *GUIDES])
def test_a_page_is_there_and_says_what_it_is(demo: TestClient, path: str) -> None:
    page = look(demo, path)

    assert len(page.all("h1")) == 1
    assert page.all("html") == [{"lang": "en-GB"}]
    assert CONTENT.about.version in page.text
    assert CONTENT.status_note in page.text


@pytest.mark.parametrize("path", [*PAGES, *GUIDES])
def test_a_page_loads_and_sends_nothing_beyond_this_host(demo: TestClient, path: str) -> None:
    page = look(demo, path)

    addresses = [given.get(LOADS[tag]) for tag, given in page.elements if tag in LOADS]
    assert addresses
    assert [one for one in addresses if one and not (one.startswith("/") and not one.startswith("//"))] == []


@pytest.mark.parametrize("path", [*PAGES, *GUIDES])
def test_a_page_holds_no_script_style_or_handler_of_its_own(demo: TestClient, path: str) -> None:
    page = look(demo, path)

    assert page.all("style") == []
    assert [given for given in page.all("script") if not given.get("src")] == []
    names = {name for _, given in page.elements for name in given}
    assert [name for name in names if name == "style" or name.startswith("on")] == []


@pytest.mark.parametrize("path", ["/", "/guidance/glutamate-high", "/try", "/guidance/no-such-card"])
def test_a_page_may_load_only_what_is_its_own(demo: TestClient, path: str) -> None:
    headers = demo.get(path, headers=BROWSER).headers

    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*PAGES, *GUIDES])
def test_a_page_and_what_it_loads_are_small(demo: TestClient, path: str) -> None:
    page = look(demo, path)
    loaded = [given.get(LOADS[tag]) for tag, given in page.elements if tag in ("script", "link")]

    sizes = [len(demo.get(one).content) for one in [path, *(str(one) for one in loaded)]]

    assert sum(sizes) < 110_000


def test_every_link_inside_leads_somewhere(demo: TestClient) -> None:
    pages = (*PAGES, *GUIDES)
    links = {str(given["href"]).partition("#")[0] for path in pages for given in look(demo, path).all("a")}
    inside = {one for one in links if one.startswith("/")}

    assert inside >= set(pages)
    assert [one for one in sorted(inside) if demo.get(one).status_code != 200] == []


@pytest.mark.parametrize("path", PAGES)
def test_every_field_has_a_name(demo: TestClient, path: str) -> None:
    page = look(demo, path)
    named = {given.get("for") for given in page.all("label")}

    fields = [given for tag, given in page.elements if tag in ("input", "select", "textarea")]
    assert [one for one in fields if one.get("type") != "hidden" and one.get("id") not in named] == []


def test_home_has_the_address_of_each_service(demo: TestClient) -> None:
    values = {given.get("value") for given in look(demo, "/").all("input")}

    assert values == {
        "http://testserver/cds-services",
        "http://testserver/cds-services/acetylcysteine-medication-prescribe",
        "http://testserver/cds-services/acetylcysteine-order-select",
        "http://testserver/cds-services/acetylcysteine-order-sign",
        "http://testserver/cds-services/acetylcysteine-monitoring",
    }


def test_home_has_a_door_to_everything_that_is_on(demo: TestClient, client: TestClient) -> None:
    inside = {given.get("href") for given in look(demo, "/").all("a")}
    outside = {given.get("href") for given in look(client, "/").all("a")}

    assert {"/cds-services", "/health/ready", "/try", "/docs", "/openapi.json", "/demo/fhir/metadata"} <= inside
    assert inside - outside == {"/try", "/demo/fhir/metadata"}


def test_home_names_the_public_address_where_one_is_set() -> None:
    with new_client(Settings(public_url="https://cds.example.org")) as client:
        values = {given.get("value") for given in look(client, "/").all("input")}

    assert "https://cds.example.org/cds-services" in values


def test_home_says_draft_only_of_a_draft() -> None:
    def home(content: Content) -> str:
        pages = Pages((), content=content, version="1", demo=False)
        return str(pages.page("home.html", path="/", services=[], links=[], base_url="").body, "utf-8")

    draft, signed = home(CONTENT), home(as_signed(CONTENT))

    assert "Draft" in draft
    assert "Draft" not in signed
    assert CONTENT.about.status_notes.signed in signed


@pytest.mark.parametrize("path", ["/try", "/explain"])
def test_outside_demo_mode_there_is_no_trying(path: str, client: TestClient) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path, data={"do": "order"}).status_code == 404
    assert "/try" not in {given.get("href") for given in look(client, "/").all("a")}


@pytest.mark.parametrize("identity", CARDS)
def test_the_page_of_a_card_has_what_a_reviewer_needs(demo: TestClient, identity: str) -> None:
    card, page = CARDS[identity], look(demo, f"/guidance/{identity}")

    for row in card.when:
        assert row.say() in page.text
        assert row.because in page.text
    for source in (CONTENT.sources[name] for name in card.all_sources):
        assert source.url is None or source.url in {given.get("href") for given in page.all("a")}
    for example in CONTENT.examples[identity]:
        assert " ".join(example.name.split()) in page.text
    assert card.review.written_by in page.text
    assert "As the clinician sees it" in page.text


def test_a_card_is_shown_as_text_where_the_fixtures_are_not_there(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with new_client(Settings(fixtures=tmp_path)) as client:
        page = look(client, "/guidance/glutamate-high")

    assert "As the clinician sees it" not in page.text
    assert "Alma: the card's own patient" in page.text
    assert "not run" in page.text


WRONG_ADDRESSES = {
    "/guidance/no-such-card": "There is no such card or list",
    "/guidance/%3Cscript%3Ehurt": "There is no such card or list",
    "/guidance/code-lists/nothing": "There is no such card or list",
    "/nothing": "There is no page at this address",
    "/cds-services/nothing/feedback/nothing": "There is no page at this address",
    "/static/nothing.css": "There is no page at this address",
    "/demo/fhir/Patient/nobody": "There is no page at this address",
}


@pytest.mark.parametrize(("path", "says"), WRONG_ADDRESSES.items())
def test_a_wrong_address_is_a_page_for_a_browser_and_json_for_others(demo: TestClient, path: str, says: str) -> None:
    page, other = demo.get(path, headers=BROWSER), demo.get(path, headers={"Accept": "application/json, */*"})

    assert page.status_code == other.status_code == 404
    assert f"<h1>{says}</h1>" in page.text
    assert "hurt" not in page.text
    assert page.headers["content-security-policy"]
    assert other.json()["resourceType"] == "OperationOutcome"
    assert all("Accept" in answer.headers["vary"].split(", ") for answer in (page, other))


def test_an_address_that_is_not_opened_by_itself_says_so(demo: TestClient) -> None:
    page, other = demo.get("/explain", headers=BROWSER), demo.get("/explain")

    assert page.status_code == other.status_code == 405
    assert page.headers["allow"] == other.headers["allow"] == "POST"
    assert "It answers POST only" in page.text
    assert other.json()["resourceType"] == "OperationOutcome"


def test_outside_demo_mode_a_browser_is_told_what_trying_needs(client: TestClient) -> None:
    assert "CDS_DEMO=on" in client.get("/try", headers=BROWSER).text
    assert "CDS_DEMO=on" not in client.get("/nothing", headers=BROWSER).text


def test_the_decision_table_has_every_condition_and_every_fact(demo: TestClient) -> None:
    page = look(demo, "/guidance/decision-table")

    for card in CONTENT.cards:
        for row in card.when:
            assert row.say() in page.text
        for offer in card.suggestion:
            assert offer.label in page.text
    for fact in CATALOGUE.values():
        assert fact.meaning in page.text
    for threshold in CONTENT.thresholds.values():
        assert threshold.because in page.text


def test_the_evidence_has_every_statement_source_and_card(demo: TestClient) -> None:
    page = look(demo, "/guidance/evidence")
    links = {given.get("href") for given in page.all("a")}

    for topic in CONTENT.evidence.topic:
        assert topic.title in page.text
    for statement in CONTENT.evidence.statement:
        assert statement.says in page.text
        assert statement.verified in page.text
        assert {f"/guidance/{card}" for card in statement.cards} <= links
    for source in CONTENT.sources.values():
        assert source.verified in page.text
        assert source.url is None or source.url in links
    assert "(a home page)" in page.text
    assert "(a third-party copy)" in page.text


def test_every_baseline_card_and_home_lead_to_the_evidence(demo: TestClient) -> None:
    baseline = [f"/guidance/{card.id}" for card in CONTENT.cards if card.family == "baseline"]

    for path in ("/", "/guidance", *baseline):
        assert "/guidance/evidence" in {given.get("href") for given in look(demo, path).all("a")}, path


def test_the_gates_of_every_suggestion_stand_on_their_page(demo: TestClient) -> None:
    page = look(demo, "/guidance/suggestions")

    for row in (row for card in CONTENT.cards for row in card.suggestion):
        assert row.label in page.text
        for condition in row.when:
            assert condition.say() in page.text
            assert condition.because in page.text


def test_the_interface_lists_what_can_be_called(demo: TestClient) -> None:
    page = look(demo, "/docs")

    assert "GET /cds-services" in page.text
    assert "POST /cds-services/{service_id}" in page.text


def test_swagger_ui_is_this_hosts_own_and_nothing_in_its_page_is_inline(demo: TestClient) -> None:
    response = demo.get("/docs/swagger")
    page = Page(response.text)
    loaded = [str(given[LOADS[tag]]) for tag, given in page.elements if tag in ("script", "link")]

    assert all(path.startswith("/static/") for path in loaded)
    assert [path for path in loaded if demo.get(path).status_code != 200] == []
    assert page.all("style") == []
    assert "script-src 'self';" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]


def test_a_baseline_card_links_to_the_evidence_where_the_public_address_is_known() -> None:
    with new_client(Settings(public_url="https://cds.example.org")) as client:
        (card,) = post(client, request_for("alma-glutamate-high")).json()["cards"]

    assert card["links"][1]["url"] == "https://cds.example.org/guidance/evidence"


def test_a_card_links_to_its_page_where_the_public_address_is_known() -> None:
    with new_client(Settings(public_url="https://cds.example.org")) as client:
        cards = post(client, request_for("ines-allergic")).json()["cards"]

    for card in cards:
        page = f"https://cds.example.org/guidance/{card['source']['topic']['code']}"
        assert card["links"][0] == {"label": "About this card", "url": page, "type": "absolute"}


def test_a_card_has_no_link_of_ours_where_it_is_not_known(client: TestClient) -> None:
    cards = post(client, request_for("ines-allergic")).json()["cards"]

    assert cards
    assert "About this card" not in {link["label"] for card in cards for link in card["links"]}


MARKUP = Pages(["doi.org"])


@pytest.mark.parametrize(
    "written",
    [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "[a](javascript:alert(1))",
        "[a](https://evil.example/)",
        "[a](https://doi.org@evil.example/)",
        "[a](http://doi.org/x)",
        "[a](//doi.org/x)",
        "![a](https://doi.org/x.png)",
        "<https://evil.example>",
    ],
)
def test_markdown_becomes_nothing_that_could_act(written: str) -> None:
    html = MARKUP.markdown(written)

    assert not re.search(r"<(img|script|a)\b[^>]*(src|onerror|evil|javascript|http:|=.//)", html)


def test_a_link_to_a_source_stays_a_link() -> None:
    assert 'href="https://doi.org/x"' in MARKUP.markdown("[a](https://doi.org/x)")


def test_the_hosts_of_links_are_those_of_addresses() -> None:
    assert link_hosts(["https://doi.org/x", None, "https://pubmed.ncbi.nlm.nih.gov/1/"]) == {
        "doi.org",
        "pubmed.ncbi.nlm.nih.gov",
    }


def test_what_a_template_is_given_is_escaped() -> None:
    pages = Pages((), content=CONTENT, version="1", demo=True)
    hostile = '"><script>alert(1)</script>'

    page = str(pages.page("problem.html", 400, path="/try", problem=hostile, missing={}).body, "utf-8")

    assert hostile not in page
    assert str(escape(hostile)) in page


def test_no_template_switches_escaping_off() -> None:
    templates = sorted((ROOT / "cds_service" / "pages" / "templates").glob("*.html"))
    texts = [path.read_text(encoding="utf-8") for path in templates]

    assert texts
    assert [one for one in texts if re.search(r"\|\s*safe|autoescape", one)] == []
