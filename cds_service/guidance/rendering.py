"""From decisions to cards on the wire: words from content, values from facts, nothing else. Nothing is decided here.

Whatever a fact shows is escaped, since some of it came from the EHR and some clients render raw HTML.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

from cds_service.clinical.facts import Text
from cds_service.guidance.deciding import Advice, OrderDecision, OrderSuggestion
from cds_service.guidance.escaping import escape_markdown, to_plain_text
from cds_service.guidance.model import SUMMARY_LIMIT, Card, Content
from cds_service.guidance.suggesting import action_for
from cds_service.guidance.templates import parse_template
from cds_service.hooks import cards as wire

_EMPTY_ITEMS, _GAP = re.compile(r"\n(?:- *\n)+"), re.compile(r"\n\n\n+")
_INDICATORS = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Call:
    """What rendering needs to know of the call: the patient, the day, and where ids come from.

    `pages` is the address of this service's own pages; where it is empty no card links to its page.
    """

    patient_id: str
    today: date
    new_id: Callable[[], str]
    pages: str = ""


class RenderedCard(NamedTuple):
    """The id of a card, and the card on the wire."""

    id: str
    card: wire.Card


def render_cards(advices: Iterable[Advice], content: Content, call: Call) -> list[RenderedCard]:
    """Every card: critical first, then warnings, then information; otherwise in the order they were decided.

    What could not be checked comes first among the information.
    """
    cards = [(advice, RenderedCard(advice.card.id, render(advice, content, call))) for advice in advices]
    cards.sort(key=lambda pair: (_INDICATORS.index(pair[0].indicator.level), not pair[0].card.after_others))
    return [rendered for _, rendered in cards]


def render(advice: Advice, content: Content, call: Call) -> wire.Card:
    """The card on the wire."""
    card, suggestions = advice.card, _suggestions(advice, call)
    return wire.Card(
        uuid=call.new_id(),
        summary=_summary(card, _Writer(advice.decisions, content, to_plain_text).write(card.text.summary)),
        detail=tidy(_Writer(advice.decisions, content, escape_markdown).write(card.text.detail)),
        indicator=advice.indicator.level,
        source=wire.Source(
            label=content.about.source_label,
            topic=wire.Coding(system=content.about.topic_system, code=card.id, display=card.title),
        ),
        suggestions=suggestions,
        selectionBehavior=_selection(suggestions),
        overrideReasons=_override_reasons(card, content) if advice.indicator.offers_reasons else (),
        links=_links(card, content, call.pages),
    )


def _summary(card: Card, filled: str) -> str:
    """The summary; where an unusual number makes it too long, the card's title, rather than half a sentence."""
    summary = filled.strip()
    return summary if len(summary) < SUMMARY_LIMIT else card.title


class _Writer(NamedTuple):
    """Fills the holes of a card's texts. `show` makes a value fit for the place: Markdown, or plain text."""

    decisions: Sequence[OrderDecision]
    content: Content
    show: Callable[[str], str]

    def write(self, text: str) -> str:
        """A text of the card with its holes filled."""
        return parse_template(text).fill(self._value)

    def _value(self, hole: str) -> str:
        wording = self.decisions[0].decision.wordings.get(hole)
        if wording is not None:
            return self._by_order(hole) if self.content.phrases[hole].per_order else self.write(wording)
        if hole == "orders":
            return "\n".join(f"- {self.show(decided.order.name)}" for decided in self.decisions)
        owner, _, member = hole.partition(".")
        if owner == "content":
            return str(getattr(self.content, member))
        return self._words(owner, member)

    def _by_order(self, phrase: str) -> str:
        """An item for each order, by name where there are several or the phrase names it."""
        is_named = len(self.decisions) > 1 or self.content.phrases[phrase].names_order
        items = []
        for decided in self.decisions:
            name = f"{self.show(decided.order.name)}: " if is_named else ""
            written = _Writer([decided], self.content, self.show).write(decided.decision.wordings[phrase])
            items.append(f"- {name}{written}")
        return "\n".join(items)

    def _words(self, fact: str, name: str) -> str:
        """The words of a fact; a list of them for every order, each once."""
        text: Text = self.decisions[0].decision.facts[fact].texts[name]
        if isinstance(text, str):
            return " " * text.startswith(" ") + self.show(text)  # words that follow others begin with a blank
        texts = [decided.decision.facts[fact].texts.get(name, ()) for decided in self.decisions]
        listed = dict.fromkeys(item for text in texts if isinstance(text, tuple) for item in text)
        return "\n".join(f"- {self.show(item)}" for item in listed)


def tidy(detail: str) -> str:
    """Items and paragraphs that came out empty leave no gap."""
    if " \n" in detail or "-\n" in detail:  # looked for first: most texts have neither
        detail = _EMPTY_ITEMS.sub("\n", f"\n{detail}")
    return _GAP.sub("\n\n", detail).strip() if "\n\n\n" in detail else detail.strip()


def _suggestions(advice: Advice, call: Call) -> tuple[wire.Suggestion, ...]:
    several = len(advice.decisions) > 1
    return tuple(
        wire.Suggestion(label=_label(suggestion, several), uuid=call.new_id(), actions=(action,))
        for suggestion in advice.suggestions
        if (action := _action(suggestion, call)) is not None
    )


def _action(suggestion: OrderSuggestion, call: Call) -> wire.Action | None:
    day = call.today + timedelta(days=suggestion.row.in_days)
    return action_for(suggestion.row, suggestion.order, call.patient_id, day)


def _label(suggestion: OrderSuggestion, several: bool) -> str:
    """The label; with several orders, whose it is. A label is plain text."""
    if not several or suggestion.row.does == "order-amino-acids":
        return suggestion.row.label
    return f"{suggestion.row.label}: {to_plain_text(suggestion.order.name)}"


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
