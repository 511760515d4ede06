"""Text from outside stays text: in Markdown, in HTML, and in the plain text of summaries."""

import html
import re

import pytest
from markdown_it.token import Token

from cds_service.guidance.escaping import MAX_SHOWN_LENGTH, escape_markdown, to_plain_text
from tests.hostile_text import HOSTILE, LINKED_BY_GFM, MARKDOWN, WORD_JOINER

# --- escape_markdown --------------------------------------------------------------------------------------------------

LONG = {
    "letters": "x" * 10_000,
    "stars": "*" * 10_000,
    "brackets": "[" * 10_000,
    "tags": "<b>" * 5_000,
    "ampersands": "&" * 10_000,
    "links": "http://a " * 5_000,
    "line breaks": "a\n" * 5_000,
}


def paragraph(markdown: str) -> tuple[list[Token], str]:
    """The one paragraph that the Markdown makes, or a failure; its tokens and its HTML."""
    tokens = MARKDOWN.parse(markdown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    return tokens[1].children or [], str(MARKDOWN.render(markdown))


def visible(markdown: str) -> str:
    children, page = paragraph(markdown)
    assert {child.type for child in children} <= {"text"}
    inside = page.strip().removeprefix("<p>").removesuffix("</p>")
    assert "<" not in inside
    assert ">" not in inside
    return html.unescape(inside)


def test_the_table_is_as_long_as_it_is_meant_to_be() -> None:
    assert len(HOSTILE) >= 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [pair for pair in HOSTILE.values() if pair[1] != ""],
    ids=[name for name, pair in HOSTILE.items() if pair[1] != ""],
)
def test_hostile_text_is_shown_as_it_is_and_makes_nothing(text: str, expected: str | None) -> None:
    seen = visible(escape_markdown(text))
    assert seen.replace(WORD_JOINER, "") == (text if expected is None else expected)
    assert not LINKED_BY_GFM.search(seen)


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_one_item_of_a_list(text: str, expected: str | None) -> None:
    tokens = [token.type for token in MARKDOWN.parse(f"- {escape_markdown(text)}\n- end")]
    assert tokens.count("list_item_open") == 2
    assert not {"heading_open", "table_open", "hr", "fence", "code_block", "html_block", "blockquote_open"} & {*tokens}


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_also_harmless_where_a_client_takes_it_for_html(text: str, expected: str | None) -> None:
    assert not re.search(r"[<>\"']", escape_markdown(text))


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_in_the_paragraph_of_the_line_above(text: str, expected: str | None) -> None:
    assert [token.type for token in MARKDOWN.parse(f"above\n{escape_markdown(text)}")][::2] == [
        "paragraph_open",
        "paragraph_close",
    ]


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_in_its_cell_of_a_table(text: str, expected: str | None) -> None:
    tokens = MARKDOWN.parse(f"| a | b |\n|---|---|\n| {escape_markdown(text)} | end |")
    cells = [tokens[index + 1].content for index, token in enumerate(tokens) if token.type == "td_open"]
    assert (len(cells), cells[-1]) == (2, "end")


def test_text_never_finishes_a_link_that_stands_around_it() -> None:
    for markdown in (
        f"[a {escape_markdown('](/evil)')}",
        f"{escape_markdown('[a')}](/evil)",
        f"{escape_markdown('![a')}](/evil)",
    ):
        assert "<a" not in MARKDOWN.render(markdown)
        assert "<img" not in MARKDOWN.render(markdown)


def test_no_formula_is_made_where_a_client_knows_formulas() -> None:
    assert escape_markdown("$x$") == r"\$x\$"


def test_blank_text_shows_nothing() -> None:
    assert escape_markdown(HOSTILE["blank"][0]) == ""


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_very_long_text_is_cut_and_says_so(text: str) -> None:
    seen = visible(escape_markdown(text)).replace(WORD_JOINER, "")
    assert len(seen) == MAX_SHOWN_LENGTH
    assert seen.endswith("…")
    assert text.replace("\n", " ").startswith(seen[:-1])


def test_text_of_just_the_length_is_not_cut() -> None:
    assert escape_markdown("x" * MAX_SHOWN_LENGTH) == "x" * MAX_SHOWN_LENGTH
    assert escape_markdown("x" * (MAX_SHOWN_LENGTH + 1)) == "x" * (MAX_SHOWN_LENGTH - 1) + "…"


def test_every_printable_character_survives() -> None:
    characters = [chr(code) for code in range(0x21, 0x7F)] + list("µ×–≥÷äéñßøŁżİ漢字אب")
    for character in characters:
        for text in (character, f"{character}a", f"a{character}a", f"a {character} a", f"{character} a"):
            assert visible(escape_markdown(text)).replace(WORD_JOINER, "") == text


# --- to_plain_text, for summaries -------------------------------------------------------------------------------------

PLAIN = {
    "less than": ("<5 µmol/L", "less than 5 µmol/L"),
    "at most": ("<=5 µmol/L", "at most 5 µmol/L"),
    "more than": (">900 µmol/L", "more than 900 µmol/L"),
    "at least": (">=900 µmol/L", "at least 900 µmol/L"),
    "ampersand": ("a & b", "a b"),
    "control and invisible characters": ("a\x00b\u202ec\u200bd", "abcd"),
    "space": ("  a  b ", "a b"),
    "line break": ("one\ntwo", "one two"),
    "nothing to change": ("Plasma glutamate 168 µmol/L (*high*)", "Plasma glutamate 168 µmol/L (*high*)"),
}


@pytest.mark.parametrize(("text", "expected"), PLAIN.values(), ids=PLAIN)
def test_a_value_in_a_summary_has_its_comparator_in_words_and_nothing_that_html_reads(text: str, expected: str) -> None:
    assert to_plain_text(text) == expected
