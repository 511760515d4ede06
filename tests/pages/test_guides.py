"""The guides as pages: all of them, with links that lead somewhere, and nothing of another host."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cds_service.pages.guides import Guides
from cds_service.settings import Settings
from tests.pages.looking import GUIDES, demo_client, look
from tests.support import ROOT, new_client

DOCUMENTS = sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "guidance")


@pytest.fixture(scope="module")
def demo() -> Iterator[TestClient]:
    with demo_client() as client:
        yield client


def test_every_document_but_the_review_pages_is_a_guide(demo: TestClient) -> None:
    listed = {given["href"] for given in look(demo, "/guides").all("a")}

    assert len(GUIDES) == len(DOCUMENTS) + 1
    assert set(GUIDES) - {"/guides"} <= listed
    assert not any("guidance/" in str(address) for address in listed if str(address).startswith("/guides"))


@pytest.mark.parametrize("path", GUIDES)
def test_every_link_to_a_section_leads_to_one(demo: TestClient, path: str) -> None:
    for given in look(demo, path).all("a"):
        file, _, section = str(given["href"]).partition("#")
        if section and section != "main" and not file.startswith("https:"):
            ids = {found.get("id") for _, found in look(demo, file or path).elements}
            assert section in ids, given["href"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_a_page_has_every_heading_of_its_document_and_no_mark_of_a_program(demo: TestClient, document: Path) -> None:
    name = document.relative_to(ROOT / "docs").as_posix().removesuffix(".md").removesuffix("/README")
    text = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    page = look(demo, f"/guides/{name}")

    headings = re.findall(r"^(#+) ", text, re.MULTILINE)
    assert len([tag for tag, given in page.elements if re.fullmatch("h[1-6]", tag) and given.get("id")]) == len(
        headings
    )
    assert "<!--" not in page.text


def test_pictures_are_shown_and_are_harmless(demo: TestClient) -> None:
    (source,) = [str(given["src"]) for given in look(demo, "/guides/performance").all("img")]
    response = demo.get(source)

    assert source == "/guides/growth.svg"
    assert response.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.content == (ROOT / "docs" / "growth.svg").read_bytes()


@pytest.mark.parametrize(
    "name",
    ["nothing", "guidance/README", "guidance/glutamate-high", "../pyproject", "%2e%2e/README", "operating.md", ""],
)
def test_what_is_no_guide_is_a_page_that_says_so(demo: TestClient, name: str) -> None:
    response = demo.get(f"/guides/{name}")

    assert response.status_code == 404


def test_without_the_folder_the_page_says_that_there_are_none(tmp_path: Path) -> None:
    with new_client(Settings(guides=tmp_path / "nowhere")) as client:
        assert "None are installed" in look(client, "/guides").text


LINKS = {  # what a guide has, and what the page shows
    "[records](records.md)": '<a href="/guides/records">records</a>',
    "[line](records.md#lines)": '<a href="/guides/records#lines">line</a>',
    "[above](#one)": '<a href="#one">above</a>',
    "[card](guidance/glutamate-high.md)": '<a href="/guidance/glutamate-high">card</a>',
    "[cards](guidance/README.md)": '<a href="/guidance">cards</a>',
    "[compose.yaml](../compose.yaml)": "compose.yaml (in the repository)",
    "[the proxy](../deploy/nginx.conf)": "the proxy (deploy/nginx.conf in the repository)",
    "[other](https://cds-hooks.org/)": '<a href="https://cds-hooks.org/">other</a>',
    "<http://localhost:8080>": '<a href="http://localhost:8080">http://localhost:8080</a>',
    "[x](javascript:alert(1))": "[x](javascript:alert(1))",
    "[x](http://evil.example/)": "[x](http://evil.example/)",
    "[x](//evil.example/)": "[x](//evil.example/)",
    "![plot](plot.svg)": '<img src="/guides/plot.svg" alt="plot" />',
    "![plot](https://evil.example/plot.svg)": "plot",
    "![plot](../../plot.svg)": "plot",
    "<img src=x onerror=alert(1)>": "&lt;img src=x onerror=alert(1)&gt;",
    "```\na <b> c\n```": '<pre tabindex="0"><code>a &lt;b&gt; c\n</code></pre>',
}


@pytest.mark.parametrize(("written", "shown"), LINKS.items(), ids=LINKS)
def test_a_link_leads_to_a_page_or_nowhere(tmp_path: Path, written: str, shown: str) -> None:
    (tmp_path / "guide.md").write_text(f"# One\n\n{written}\n", encoding="utf-8")
    (tmp_path / "records.md").write_text("# Records\n", encoding="utf-8")
    (tmp_path / "plot.svg").write_text("<svg/>", encoding="utf-8")

    html = Guides(tmp_path).find("guide").html.partition("</h1>\n")[2].strip()

    assert html.removeprefix("<p>").removesuffix("</p>") == shown


def test_a_link_from_a_folder_leads_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "README.md").write_text(
        "# All\n\n[r](../records.md) [c](../../compose.yaml)", encoding="utf-8"
    )
    (tmp_path / "records.md").write_text("# Records\n", encoding="utf-8")

    html = Guides(tmp_path).find("decisions").html

    assert '<a href="/guides/records">r</a> c (compose.yaml in the repository)' in html
