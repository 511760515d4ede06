"""Words of a card: what is escaped reads as it was, and nothing empty leaves a gap."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from cds_service.guidance.escaping import escape_markdown, to_plain_text
from cds_service.guidance.rendering import tidy

# what most values are made of, and what links, lists and emphasis are made of
pieces = st.sampled_from(
    [
        *"aZw0159µ²–“”.,;()%/- <>&*_@:+=#|~$[]`'\"\\\n\t\u200b．。é漢",
        "www",
        "mg/mL",
        "12",
        "1.",
        "//",
        "  ",
        ".µm",
        "mailto:",
    ]
)
texts = st.lists(pieces, max_size=14).map("".join)
lines = st.lists(st.sampled_from(["", "-", "- ", "-  ", "- a", "-a", " ", "a -", "a", "a "]), max_size=10).map(
    "\n".join
)


@given(texts)
def test_escaped_text_reads_as_the_text_on_one_line(text: str) -> None:
    entities_read = html.unescape(escape_markdown(text).replace("\u2060", ""))
    shown = re.sub(r"\\([\\`*_\[\]|~$])", r"\1", entities_read)
    assert shown == " ".join(text.replace("\u200b", "").split())


@given(texts)
def test_text_of_a_summary_has_no_sign_of_html_and_no_space_too_many(text: str) -> None:
    words = {"<=": "at most ", ">=": "at least ", "<": "less than ", ">": "more than "}
    for sign, word in words.items():
        text = text.replace(sign, word)
    assert to_plain_text(text) == " ".join(text.replace("&", "").replace("\u200b", "").split())


@given(lines)
def test_items_and_paragraphs_that_are_empty_leave_no_gap(detail: str) -> None:
    *whole, last = detail.split("\n")
    kept = "\n".join([*(line for line in whole if not re.fullmatch("- *", line)), last])
    assert tidy(detail) == re.sub("\n{3,}", "\n\n", kept).strip()
