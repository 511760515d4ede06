"""Makes text from outside safe to show: some of it comes from the EHR, and some clients render raw HTML."""

import re
import unicodedata

MAX_SHOWN_LENGTH = 1000  # characters; our own lists may be long, names from the EHR are cut where they are read
_MAX_LOOKED_AT = 10 * MAX_SHOWN_LENGTH
_WORD_JOINER = "\u2060"  # invisible; keeps a client from making a list or a link of bare text
_SPECIAL = re.compile(
    r"""(?P<markdown>[\\`*_\[\]|~$])
      | (?P<html>[&<>"'])
      | (?P<line_start>^(?:[-+=\#]|\d+(?=[.)])))
      | (?P<link>/(?=/)|@|www(?=\.)|(?:mailto|xmpp)(?=:)|(?<=\w)[.．。](?=[^\W\d_]{2}))""",
    re.IGNORECASE | re.VERBOSE,
)
_HTML_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_COMPARATORS = {"<=": "at most ", ">=": "at least ", "<": "less than ", ">": "more than "}


def escape_markdown(text: str) -> str:
    """Text that stays text in GitHub-Flavored Markdown and in HTML: no markup, link, table or line break.

    Longer text is cut to `MAX_SHOWN_LENGTH` characters and ends with an ellipsis.
    """
    visible = _visible(text)
    if len(visible) > MAX_SHOWN_LENGTH:
        visible = visible[: MAX_SHOWN_LENGTH - 1] + "…"
    return _SPECIAL.sub(_escaped, visible)


def to_plain_text(text: str) -> str:
    """Text for a summary or a label, which are no Markdown: comparators in words, and nothing that HTML would read."""
    for comparator, words in _COMPARATORS.items():
        text = text.replace(comparator, words)
    return _visible(text.replace("&", ""))


def _visible(text: str) -> str:
    """The beginning without control, format and unassigned characters, on one line, with single spaces."""
    text = text[:_MAX_LOOKED_AT]
    if not text.isprintable():
        text = "".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(text.split())


def _escaped(special: re.Match[str]) -> str:
    found = special[0]
    match special.lastgroup:
        case "markdown":
            return f"\\{found}"
        case "html":
            return _HTML_ENTITIES[found]
        case "line_start":
            return f"{_WORD_JOINER}{found}"
        case _:
            return f"{found}{_WORD_JOINER}"
