"""From decisions to cards on the wire: words from content, values from facts, nothing else. Nothing is decided here.

Whatever a fact shows is escaped, since some of it came from the EHR and some clients render raw HTML.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import Facts, Text
from cds_service.fhir.datetimes import shorten_days
from cds_service.guidance.deciding import Advice, OrderDecision, OrderSuggestion
from cds_service.guidance.escaping import escape_markdown, to_plain_text
from cds_service.guidance.evidence import EvidenceSource
from cds_service.guidance.model import SUMMARY_LIMIT, Card, Content
from cds_service.guidance.suggesting import action_for
from cds_service.guidance.templates import parse_template
from cds_service.hooks import cards as wire

_EMPTY_ITEMS, _GAP = re.compile(r"\n(?:- *\n)+"), re.compile(r"\n\n\n+")
_RULE = "\n\n---\n\n"
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
    card, suggestions = advice.card, _suggestions(advice, content, call)
    return wire.Card(
        uuid=call.new_id(),
        summary=_summary(card, _Writer(advice.decisions, content, to_plain_text).write(card.text.summary)),
        detail=_detail(advice, content),
        indicator=advice.indicator.level,
        source=wire.Source(
            label=content.about.source_label,
            topic=wire.Coding(system=content.about.topic_system, code=card.id, display=card.title),
        ),
        suggestions=suggestions,
        selectionBehavior="any" if suggestions else None,  # no two suggestions of ours exclude each other
        overrideReasons=_override_reasons(card, content) if advice.indicator.offers_reasons else (),
        links=_links(card, content, call.pages),
    )


def _detail(advice: Advice, content: Content) -> str:
    """What matters now, a rule, and the rest."""
    text = advice.card.text
    return write_fold(advice.decisions, content) + _RULE + tidy(_Writer(advice.decisions, content).write(text.detail))


def write_fold(decisions: Sequence[OrderDecision], content: Content) -> str:
    """What a busy prescriber reads of a card. Texts of facts are cut to the words that the catalogue gives them."""
    return tidy(_Writer(decisions, content, is_fold=True).write(decisions[0].decision.card.text.fold) + "\n")


def _summary(card: Card, filled: str) -> str:
    """The summary, a heading without a full stop; where an unusual number makes it too long, the card's title, rather
    than half a sentence."""
    summary = filled.strip().removesuffix(".")
    return summary if len(summary) < SUMMARY_LIMIT else card.title


class _Writer(NamedTuple):
    """Fills the holes of a card's texts. `show` makes a value fit for the place: Markdown, or plain text."""

    decisions: Sequence[OrderDecision]
    content: Content
    show: Callable[[str], str] = escape_markdown
    is_fold: bool = False

    def write(self, text: str) -> str:
        """A text of the card with its holes filled."""
        return parse_template(text).fill(self._value)

    def _value(self, hole: str) -> str:
        wording = self.decisions[0].decision.wordings.get(hole)
        if wording is not None:
            return self._by_order(hole) if self.content.phrases[hole].per_order else self.write(wording)
        if hole == "orders":
            return "\n".join(f"- {self.show(decided.order.name)}" for decided in self.decisions)
        if hole == "content.version":
            return self.content.version
        if hole == "card.status_note":
            return self.content.status_note_of(self.decisions[0].decision.card.id)
        owner, _, member = hole.partition(".")
        return self._words(owner, member)

    def _by_order(self, phrase: str) -> str:
        """An item for each order, by name where there are several or the phrase names it."""
        is_named = len(self.decisions) > 1 or self.content.phrases[phrase].names_order
        items = []
        for decided in self.decisions:
            name = f"{self.show(decided.order.name)}: " if is_named else ""
            written = _Writer([decided], self.content, self.show).write(decided.decision.wordings[phrase])
            items += [f"- {name}{written}"] if written else []
        return "\n".join(items) or "-"  # an empty item, which leaves no gap

    def _words(self, fact: str, name: str) -> str:
        """The words of a fact; a list of them for every order, each once."""
        text: Text = self.decisions[0].decision.facts[fact].texts[name]
        if isinstance(text, str):
            text = _cut(shorten_days(text), CATALOGUE[fact].most_words(name)) if self.is_fold else text
            return " " * text.startswith(" ") + self.show(text)  # words that follow others begin with a blank
        texts = [decided.decision.facts[fact].texts.get(name, ()) for decided in self.decisions]
        listed = dict.fromkeys(item for text in texts if isinstance(text, tuple) for item in text)
        return "\n".join(f"- {self.show(item)}" for item in listed)


def _cut(text: str, most: int) -> str:
    """The first words of a text, and an ellipsis for the rest."""
    words = text.split(" ")
    return text if len(words) <= most else " ".join(words[:most]) + "…"


def tidy(detail: str) -> str:
    """Items and paragraphs that came out empty leave no gap."""
    if " \n" in detail or "-\n" in detail:  # looked for first: most texts have neither
        detail = _EMPTY_ITEMS.sub("\n", f"\n{detail}")
    return _GAP.sub("\n\n", detail).strip() if "\n\n\n" in detail else detail.strip()


def _suggestions(advice: Advice, content: Content, call: Call) -> tuple[wire.Suggestion, ...]:
    several = len(advice.decisions) > 1
    return tuple(
        wire.Suggestion(label=_label(suggestion, several), uuid=call.new_id(), actions=(action,))
        for suggestion in advice.suggestions
        if (action := _action(suggestion, content, call)) is not None
    )


def _action(suggestion: OrderSuggestion, content: Content, call: Call) -> wire.Action | None:
    row, facts = suggestion.row, suggestion.facts
    day = call.today + timedelta(days=row.in_days)
    description, order_codes = _fill(row.description, facts), content.vocabulary.order_codes
    return action_for(row, suggestion.order, call.patient_id, day, facts, description, order_codes)


def _label(suggestion: OrderSuggestion, several: bool) -> str:
    """The label; with several orders, whose it is. A label is plain text."""
    label = _fill(suggestion.row.label, suggestion.facts)
    if not several or suggestion.row.does == "order-amino-acids":
        return label
    return f"{label}: {to_plain_text(suggestion.order.name)}"


def _fill(text: str, facts: Facts) -> str:
    """The words of a suggestion, with the texts of facts, as plain text."""
    return parse_template(text).fill(lambda hole: to_plain_text(_text_of(hole, facts)))


def _text_of(hole: str, facts: Facts) -> str:
    fact, _, name = hole.partition(".")
    text = facts[fact].texts[name]
    return text if isinstance(text, str) else ", ".join(text)


def _override_reasons(card: Card, content: Content) -> tuple[wire.Coding, ...]:
    reasons = (content.override_reasons[code] for code in card.override_reasons)
    system = content.about.override_system
    return tuple(wire.Coding(system=system, code=reason.code, display=reason.display) for reason in reasons)


def _links(card: Card, content: Content, pages: str) -> tuple[wire.Link, ...]:
    """Pages about the card and, of one on glutamate, about all its evidence, where they are known; and its sources."""
    own = [("About this card", card.id)]
    own += [("The evidence, both sides", "evidence")] if card.family in ("baseline", "monitoring") else []
    to_pages = [wire.Link(label=label, url=f"{pages}/guidance/{page}", type="absolute") for label, page in own if pages]
    sources = (content.sources[name] for name in card.sources)
    return (*to_pages, *(_link(source, source.url) for source in sources if source.url is not None))


def _link(source: EvidenceSource, url: str) -> wire.Link:
    """A link to a source, which says where it is only a copy or a home page."""
    return wire.Link(label=f"{source.label}{source.where_it_leads}", url=url, type="absolute")
