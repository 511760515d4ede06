"""From decisions to cards on the wire: words from content, values from facts, nothing else.

Everything that a fact shows is escaped here, in one place, for Markdown and for HTML, since some of it came from
the EHR and some clients render raw HTML.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import Literal, NamedTuple

import msgspec

from cds_service.clinical.facts import Facts, Text
from cds_service.clinical.orders.recognise import Order
from cds_service.fhir.versions import version_of
from cds_service.guidance.conditions import Check, first_of
from cds_service.guidance.deciding import Decision, indicator_of, suggestions_of
from cds_service.guidance.model import SUMMARY_LIMIT, Card, Content, Phrase, SuggestionRow, pieces
from cds_service.guidance.suggesting import action_for
from cds_service.hooks import cards as wire

SHOWN_LENGTH = 1000  # our own lists may be long; names from the EHR are cut where they are read
_MARKDOWN = re.compile(r"([\\`*_\[\]|~$])")
# Most values, told at a glance: words and numbers that mean nothing in Markdown or HTML. The rest is looked at.
_NOTHING_ODD = re.compile(r"[ -%'-;=?-~µ²–]*+")  # printable, but for <, > and &
_HARMLESS = re.compile(  # nothing here that the patterns below would find
    r"(?:[A-Za-z(“]|\d+(?![\d.)]))(?:[A-Za-z0-9µ,;()%“”–²-]++| (?! )|/(?!/)|(?<![Ww])\.(?![A-Za-zµ²]{2}))*+(?<! )",
    re.ASCII,
)
_EMPTY_ITEMS, _GAP = re.compile(r"\n(?:- *\n)+"), re.compile(r"\n\n\n+")
_LINE_START = re.compile(r"^([-+=#]|\d+(?=[.)]))")
_LINK = re.compile(r"/(?=/)|www(?=\.)|@|(?:mailto|xmpp)(?=:)|(?<=\w)[.．。](?=[^\W\d_]{2})", re.IGNORECASE)
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_WORD_JOINER = "\u2060"  # invisible; keeps a client from making a link of bare text
_COMPARATORS = {"<=": "at most ", ">=": "at least ", "<": "less than ", ">": "more than "}
_ORDER_OF_LEVELS = {"critical": 0, "warning": 1, "info": 2}


class Decided(msgspec.Struct, frozen=True):
    """A decision, with the order that it is about."""

    decision: Decision
    order: Order


@dataclass(frozen=True, slots=True)
class Call:
    """What rendering needs to know of the call: its FHIR version, the patient and the day; where ids come from; and
    where this service's own pages are (empty: that is not known, and no card links to its page)."""

    likely_versions: Sequence[str]
    patient_id: str
    today: date
    new_id: Callable[[], str]
    pages: str = ""


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


def render(group: Sequence[Decided], content: Content, call: Call) -> wire.Card:
    """One card for one decision, or for those of several orders that a patient-level card speaks to once."""
    card, facts = group[0].decision.card, group[0].decision.facts
    suggestions = _suggestions(group, call)
    return wire.Card(
        uuid=call.new_id(),
        summary=_summary(card, _template(card.text.summary, content).fill(_Filler(group, facts, plain))),
        detail=tidy(_template(card.text.detail, content).fill(_Filler(group, facts, escape))),
        indicator=indicator_of(card, facts),
        source=wire.Source(
            label=content.about.source_label,
            topic=wire.Coding(system=content.about.topic_system, code=card.id, display=card.title),
        ),
        suggestions=suggestions,
        selectionBehavior=_selection(suggestions),
        overrideReasons=_override_reasons(card, content),
        links=_links(card, content, call.pages),
    )


def _summary(card: Card, filled: str) -> str:
    """The summary; where an unusual number makes it too long, the card's title, rather than half a sentence."""
    summary = filled.strip()
    return summary if len(summary) < SUMMARY_LIMIT else card.title


def plain(text: str) -> str:
    """Text for a summary, which is no Markdown: comparators in words, and nothing that HTML would read."""
    if _NOTHING_ODD.fullmatch(text):
        return " ".join(text.split())
    for sign, word in _COMPARATORS.items():
        text = text.replace(sign, word)
    kept = (c for c in text if c.isspace() or (unicodedata.category(c)[0] != "C" and c not in "<>&"))
    return " ".join("".join(kept).split())


class _Filler(NamedTuple):
    """What fills holes: the decisions of a card, the facts of one, and what makes their words fit for the place."""

    group: Sequence[Decided]
    facts: Facts
    show: Callable[[str], str]


_Hole = Callable[[_Filler], str]


@dataclass(frozen=True, slots=True)
class _Template:
    """A text taken apart: words and blanks by turns, and what fills each blank."""

    pieces: list[str]
    holes: list[_Hole]

    def fill(self, filler: _Filler) -> str:
        """The text with each hole filled."""
        if not self.holes:
            return self.pieces[0]
        filled = self.pieces.copy()
        filled[1::2] = [hole(filler) for hole in self.holes]
        return "".join(filled)


@lru_cache(maxsize=256)  # of one content, which has some twenty cards of two texts
def _template(text: str, content: Content) -> _Template:
    """A text of a card. What its holes are, and what does not depend on facts, is found out once."""
    return _taken_apart(text, content, content.phrases)


def _taken_apart(text: str, content: Content, phrases: Mapping[str, Phrase]) -> _Template:
    made: list[str] = [""]
    holes: list[_Hole] = []
    for index, piece in enumerate(pieces(text)):
        part = _part(piece, content, phrases) if index % 2 else piece
        if isinstance(part, str):
            made[-1] += part
        else:
            made += ["", ""]
            holes.append(part)
    return _Template(made, holes)


def _part(name: str, content: Content, phrases: Mapping[str, Phrase]) -> str | _Hole:
    if name in phrases:
        return _phrase(phrases[name], content)
    if name == "orders":
        return _orders
    owner, _, member = name.partition(".")
    return str(getattr(content.about, member)) if owner == "content" else partial(_words, owner, member)


def _phrase(phrase: Phrase, content: Content) -> str | _Hole:
    says = [(one.check, _taken_apart(one.text, content, {})) for one in phrase.says]
    always = says[0][1]
    if not (phrase.per_order or phrase.says[0].when or always.holes):
        return always.pieces[0]
    said = partial(_wording, phrase.id, says)
    return partial(_per_order, said) if phrase.per_order else said


def _wording(phrase: str, says: Sequence[tuple[Check, _Template]], filler: _Filler) -> str:
    """The wording that holds."""
    wording = first_of(says, filler.facts)
    if wording is None:
        raise LookupError(f"the phrase {phrase} has no wording for these facts")
    return wording.fill(filler)


def _per_order(said: _Hole, filler: _Filler) -> str:
    """An item for each order, by name where there are several."""
    group, _, show = filler
    several = len(group) > 1
    names = [f"{show(one.order.name)}: " if several else "" for one in group]
    texts = [said(_Filler(group, one.decision.facts, show)) for one in group]
    return "\n".join(f"- {name}{text}" for name, text in zip(names, texts, strict=True))


def _orders(filler: _Filler) -> str:
    return "\n".join(f"- {filler.show(one.order.name)}" for one in filler.group)


def _words(fact: str, name: str, filler: _Filler) -> str:
    """The words of a fact; a list of them for every order of the group, each once."""
    text: Text = filler.facts[fact].texts[name]
    if isinstance(text, str):
        return filler.show(text)
    texts = (one.decision.facts[fact].texts.get(name, ()) for one in filler.group)
    listed = dict.fromkeys(item for text in texts if isinstance(text, tuple) for item in text)
    return "\n".join(f"- {filler.show(item)}" for item in listed)


def tidy(detail: str) -> str:
    """Items and paragraphs that came out empty leave no gap."""
    if " \n" in detail or "-\n" in detail:  # looked for first: most texts have neither
        detail = _EMPTY_ITEMS.sub("\n", f"\n{detail}")
    return _GAP.sub("\n\n", detail).strip() if "\n\n\n" in detail else detail.strip()


def _suggestions(group: Sequence[Decided], call: Call) -> tuple[wire.Suggestion, ...]:
    """What the card offers: changes of an order for each order of the group, a laboratory order once."""
    made: list[wire.Suggestion] = []
    for index, one in enumerate(group):
        offered = suggestions_of(one.decision.card, one.decision.facts)
        version = version_of(one.order.resource, call.likely_versions) if offered else ""
        for row in offered:
            if (row.does == "order-amino-acids" and index > 0) or (row.does == "set-daily-dose" and len(group) > 1):
                continue  # one laboratory order is enough; a daily dose set on each of several orders would add up
            day = call.today + timedelta(days=row.in_days)
            action = action_for(row, one.order, version, call.patient_id, day)
            if action is not None:
                made.append(wire.Suggestion(label=_label(row, one, len(group)), uuid=call.new_id(), actions=(action,)))
    return tuple(made)


def _label(row: SuggestionRow, one: Decided, orders: int) -> str:
    """The label; with several orders, whose it is. A label is plain text."""
    if orders == 1 or row.does == "order-amino-acids":
        return row.label
    return f"{row.label}: {plain(one.order.name)}"


def _selection(suggestions: Sequence[wire.Suggestion]) -> Literal["at-most-one", "any"] | None:
    if not suggestions:
        return None
    return "at-most-one" if len(suggestions) == 1 else "any"


def _override_reasons(card: Card, content: Content) -> tuple[wire.Coding, ...]:
    reasons = (content.override_reasons[code] for code in card.override_reasons)
    system = content.about.override_system
    return tuple(wire.Coding(system=system, code=reason.code, display=reason.display) for reason in reasons)


def _links(card: Card, content: Content, pages: str) -> tuple[wire.Link, ...]:
    """The card's own page, where it is known to be, and its sources."""
    page = [wire.Link(label="About this card", url=f"{pages}/guidance/{card.id}", type="absolute")] if pages else []
    sources = (content.sources[name] for name in card.sources)
    links = (wire.Link(label=one.label, url=one.url, type="absolute") for one in sources if one.url is not None)
    return (*page, *links)


def by_urgency(cards: Sequence[wire.Card]) -> tuple[wire.Card, ...]:
    """Critical first, then warnings, then information; otherwise in the order they were decided."""
    return tuple(sorted(cards, key=lambda card: _ORDER_OF_LEVELS[card.indicator]))
