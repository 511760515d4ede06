"""What the tests of the pages share: a client in demo mode, a page taken apart, and a visit to /try click by click."""

from html.parser import HTMLParser
from typing import Any

import httpx
from starlette.testclient import TestClient

from cds_service.clinical.vocabulary import CODE_LISTS, NAME_LISTS
from cds_service.settings import Settings
from tests.support import CONTENT, ROOT, new_client

DEMO = Settings(demo=True)
CARDS = {card.id: card for card in CONTENT.cards}
GUIDES = (
    "/guides",
    "/guides/decisions",
    *(f"/guides/{path.stem}" for path in sorted((ROOT / "docs").glob("*.md"))),
    *(f"/guides/decisions/{path.stem}" for path in sorted((ROOT / "docs" / "decisions").glob("0*.md"))),
)
PAGES = (
    "/",
    "/guidance",
    "/guidance/decision-table",
    "/source-attributes",
    "/docs",
    "/try",
    "/try?patient=liam-old-result",
    *(f"/guidance/{one}" for one in CARDS),
    "/guidance/evidence",
    "/guidance/suggestions",
    *(f"/guidance/code-lists/{name}" for name in (*CODE_LISTS, *NAME_LISTS)),
)


class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, its text, and the values of its form."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.values: dict[str, str] = {}
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "input" and given.get("name"):
            self.values[str(given["name"])] = given.get("value") or ""
        if tag == "textarea":
            self._area = given.get("name")
            self.values[str(self._area)] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._area:
            self.values[self._area] += data

    @property
    def text(self) -> str:
        """All its words, with one space between them."""
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a kind."""
        return [given for name, given in self.elements if name == tag]


def look(client: TestClient, path: str) -> Page:
    """A page that must be there."""
    response = client.get(path)
    assert response.status_code == 200, response.text
    return Page(response.text)


class Visit:
    """Somebody who tries the service: keeps what the page holds between two clicks, as a browser does."""

    def __init__(self, client: TestClient, patient: str, **fields: str) -> None:
        self.client, self.form = client, {"patient": patient, **fields}
        self.page: Page

    def click(self, do: str, to: str = "/try", **fields: str) -> httpx.Response:
        """Sends the form with one of its buttons."""
        response: httpx.Response = self.client.post(to, data={**self.form, **fields, "do": do})
        if to == "/try":
            self.page = Page(response.text)
            kept = {name: value for name, value in self.page.values.items() if not name.startswith("reason-")}
            self.form = {**self.form, **kept}
        return response


def demo_client(**more: Any) -> TestClient:
    """A client of the service in demo mode."""
    return new_client(DEMO.model_copy(update=more))
