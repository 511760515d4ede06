"""Escaping: text from the EHR stays text in GitHub-Flavored Markdown and in HTML."""

import re
import unicodedata

SHOWN_LENGTH = 1000  # our own lists may be long; names from the EHR are cut where they are read
_MARKDOWN = re.compile(r"([\\`*_\[\]|~$])")
# Most values, told at a glance: words and numbers that mean nothing in Markdown or HTML. The rest is looked at.
_NOTHING_ODD = re.compile(r"[ -%'-;=?-~µ²–]*+")  # printable, but for <, > and &
_HARMLESS = re.compile(  # nothing here that the patterns below would find
    r"(?:[A-Za-z(“]|\d+(?![\d.)]))(?:[A-Za-z0-9µ,;()%“”–²-]++| (?! )|/(?!/)|(?<![Ww])\.(?![A-Za-zµ²]{2}))*+(?<! )",
    re.ASCII,
)
_LINE_START = re.compile(r"^([-+=#]|\d+(?=[.)]))")
_LINK = re.compile(r"/(?=/)|www(?=\.)|@|(?:mailto|xmpp)(?=:)|(?<=\w)[.．。](?=[^\W\d_]{2})", re.IGNORECASE)
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_WORD_JOINER = "\u2060"  # invisible; keeps a client from making a link of bare text
_COMPARATORS = {"<=": "at most ", ">=": "at least ", "<": "less than ", ">": "more than "}


def escape(text: str) -> str:
    """Text that stays text in GitHub-Flavored Markdown and in HTML: no markup, link, table or line break."""
    return text if len(text) <= SHOWN_LENGTH and _HARMLESS.fullmatch(text) else made_harmless(text)


def made_harmless(text: str) -> str:
    """The same, by looking at every character."""
    plain = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    plain = " ".join(plain.split())
    if len(plain) > SHOWN_LENGTH:
        plain = plain[: SHOWN_LENGTH - 1] + "…"
    plain = _MARKDOWN.sub(r"\\\1", plain).translate(_HTML)
    plain = _LINE_START.sub(rf"{_WORD_JOINER}\1", plain)
    return _LINK.sub(rf"\g<0>{_WORD_JOINER}", plain)


def plain(text: str) -> str:
    """Text for a summary, which is no Markdown: comparators in words, and nothing that HTML would read."""
    if _NOTHING_ODD.fullmatch(text):
        return " ".join(text.split())
    for sign, word in _COMPARATORS.items():
        text = text.replace(sign, word)
    kept = (c for c in text if c.isspace() or (unicodedata.category(c)[0] != "C" and c not in "<>&"))
    return " ".join("".join(kept).split())
