"""Names and values of an EHR make no HTML, link, picture or table in a card, judged by a renderer of GFM.

The renderer lets raw HTML pass and links every bare address, as the most permissive clients do.
"""

import copy
import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cds_service.content.examples import order_for
from cds_service.guidance.escaping import escape_markdown
from tests.support import CONTENT, Body, Json, cards_of, new_client, request_for, walk
from tests.support import FIXTURES as PEOPLE

GFM = MarkdownIt("gfm-like", {"html": True, "linkify": True})  # linkify finds bare domains too, which GFM leaves alone
CLIENT = new_client()
PIECES = [
    *(
        "<",
        ">",
        "&",
        '"',
        "'",
        "`",
        "*",
        "_",
        "~",
        "[",
        "]",
        "(",
        ")",
        "!",
        "#",
        "+",
        "-",
        "=",
        "|",
        ":",
        "\\",
        "$",
        "{",
    ),
    *(
        "\n",
        "\r",
        "\t",
        "\v",
        "\f",
        "\u2028",
        "\u2029",
        "\u0085",
        "\u00a0",
        "\u200b",
        "\u2060",
        "\u202e",
        "\ufeff",
        "\0",
    ),
    *(
        "http://",
        "https://",
        "ftp://",
        "//",
        "www.",
        "mailto:",
        "xmpp:",
        "javascript:",
        "data:",
        "evil.example",
        "evil.com",
    ),
    *("a@evil.com", "localhost", "127.0.0.1", "[x](/y)", "![x](/y)", "[x]: /y", "[^1]", "<!--", "-->", "<b>", "</p>"),
    *("<script>", "<svg/onload=x>", "<http://e.com>", "&lt;", "&#60;", "&NewLine;", "&colon;", "&period;", "&commat;"),
    *(
        "\n\n",
        "\n# ",
        "\n- ",
        "\n> ",
        "\n---\n",
        "\n===\n",
        "\n|---|\n",
        "    ",
        "```",
        "~~~",
        "1. ",
        "[ ] ",
        ":smile:",
    ),
    *("a", "x", "é", "1", " ", ".", "/", "http", "s:", "@", "com", "．com", "。com", "：//", "＜b＞", "／／", "＠"),
]
HOSTILE = st.lists(st.sampled_from(PIECES) | st.characters(), min_size=1, max_size=12).map("".join)


class Structure(HTMLParser):
    """The elements of a page, with all that is in their tags, and nothing of the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Json] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *attrs))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.found.append("declaration")

    def handle_pi(self, data: str) -> None:
        self.found.append("instruction")


def structure_of(markdown: str) -> list[Json]:
    """What the renderer makes of some Markdown, without the text."""
    page = Structure()
    page.feed(GFM.render(markdown))
    page.close()
    return page.found


@pytest.mark.parametrize(
    ("markdown", "made"),
    [
        ("<b>x</b>", "b"),
        ("[x](/y)", "a"),
        ("![x](/y)", "img"),
        ("http://evil.com", "a"),
        ("www.evil.com", "a"),
        ("evil.com", "a"),
        ("//evil.com", "a"),
        ("a@evil.com", "a"),
        ("mailto:a@evil.com", "a"),
        ("| a |\n|---|\n| b |", "table"),
        ("# x", "h1"),
        ("`x`", "code"),
        ("~~x~~", "s"),
    ],
)
def test_the_renderer_would_make_something_of_it(markdown: str, made: str) -> None:
    assert made in [one[0] for one in structure_of(markdown) if isinstance(one, tuple)]
    assert structure_of(escape_markdown(markdown)) == structure_of("harmless")


@given(text=HOSTILE)
def test_escaped_text_makes_nothing_wherever_it_stands(text: str) -> None:
    shown = escape_markdown(text) or "nothing"
    for place in (
        "{}",
        "- {}\n- end",
        "above\n{}",
        "**{}**",
        "above {} below",
        "- {}: 5 mg",
        "| a | b |\n|--|--|\n| {} | c |",
    ):
        assert structure_of(place.replace("{}", shown)) == structure_of(place.replace("{}", "harmless"))


@given(first=HOSTILE, second=HOSTILE)
def test_two_escaped_texts_make_nothing_together(first: str, second: str) -> None:
    one, other = escape_markdown(first) or "x", escape_markdown(second) or "x"
    both = f"- {one}: {other}\n- {other} ({one})"
    assert structure_of(both) == structure_of("- x: x\n- x (x)")


@given(text=HOSTILE)
def test_a_client_that_takes_escaped_text_for_html_sees_no_tag_and_no_reference_that_becomes_one(text: str) -> None:
    page = Structure()
    page.feed(escape_markdown(text))
    page.close()
    assert page.found == []
    visible = re.sub(r"\\(?=[\\`*_\[\]|~$])", "", html.unescape(escape_markdown(text))).replace("\u2060", "")
    assert [c for c in text if c in "<>&"] == [c for c in visible if c in "<>&"]


# ---------------------------------------------------------------- whole cards

STORIES = {
    "wanda-nitroglycerin": "oral-1800-twice-daily",
    "ines-allergic": "oral-600-twice-daily",
    "kira-copd": "inhaled-3ml",
    "xaver-varices": "oral-600-twice-daily",
    "zeno-glutamine-active": "oral-600-twice-daily",
    "vera-kidney-injury": "glutamine-intravenous",
    "sven-handling": "oral-text-only-dosage",
    "greta-on-treatment": "oral-2401-once-daily",
}
SHOWN = (".text", ".display", ".family", ".patientInstruction")


def spoiled(value: Json, words: str) -> Json:
    """A copy in which every name that may be shown is followed by a harmless word and these."""
    value = copy.deepcopy(value)
    for path, inner in walk(value):
        if isinstance(inner, dict):
            for name, text in inner.items():
                if isinstance(text, str) and f"{path}.{name}".endswith(SHOWN):
                    inner[name] = f"{text} harmless {words}"
    return value


def spoiled_body(story: str, words: str) -> Body:
    body: Body = request_for(story, STORIES[story], "oral-2401-once-daily")
    body["context"]["draftOrders"] = spoiled(body["context"]["draftOrders"], words)
    return {**body, "prefetch": spoiled(body["prefetch"], words)}


def details(story: str, words: str) -> list[list[Json]]:
    return [structure_of(card["detail"]) for card in cards_of(CLIENT, spoiled_body(story, words))]


@pytest.mark.parametrize("story", STORIES)
@given(words=st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
@settings(max_examples=60)
def test_the_cards_have_the_same_elements_and_links_as_with_harmless_names(story: str, words: str) -> None:
    assert details(story, words) == details(story, "")


@pytest.mark.parametrize("story", STORIES)
def test_the_names_that_are_spoiled_do_reach_the_cards(story: str) -> None:
    assert any("harmless" in card["detail"] for card in cards_of(CLIENT, spoiled_body(story, "")))


def test_links_come_from_the_content_alone_and_lead_to_hosts_that_it_lists() -> None:
    order = order_for(PEOPLE, "oral-2401-once-daily", "ines-allergic")
    body = request_for("ines-allergic", "oral-2401-once-daily")
    body["context"]["draftOrders"]["entry"] = [{"resource": {**order, "url": "https://evil.example", "link": "x"}}]
    links = [link for card in cards_of(CLIENT, body) for link in card.get("links", [])]
    assert links
    assert {link["url"] for link in links} <= {source.url for source in CONTENT.sources.values()}
    assert {link["url"].split("/")[2] for link in links} <= set(CONTENT.about.link_hosts)
