"""The pages about all cards together: the evidence on both sides, and the gates of every suggestion."""

from collections.abc import Iterable, Iterator, Mapping

from cds_service.content.review import cell, strength_of
from cds_service.content.toml_files import TomlFile
from cds_service.guidance.evidence import EvidencePage, EvidenceSource, Statement
from cds_service.guidance.model import Card, Content, SuggestionRow

TITLE = "The evidence, both sides"
_MADE = "Made by `cds-service review-pages`: do not edit."


def check_evidence(page: EvidencePage, file: TomlFile, sources: Iterable[str]) -> None:
    """Every source that the page names exists."""
    known_sources = set(sources)
    named = [name for topic in page.topic for name in topic.sources]
    named += [name for statement in page.statement for name in statement.sources]
    for name in dict.fromkeys(named):
        if name not in known_sources:
            file.add_mistake_about(f'"{name}"', f"no source is called {name}")


def uses_of_sources(content: Content) -> dict[str, list[str]]:
    """What each source is attached to: the titles of cards, the sections of the evidence page, and thresholds."""
    uses: dict[str, list[str]] = {name: [] for name in content.sources}
    for card in content.cards:
        for name in card.all_sources:
            uses[name].append(card.title)
    for topic in content.evidence.topic:
        for name in topic.sources:
            uses[name].append(topic.title)
    for threshold in content.thresholds.values():
        if threshold.source in uses:
            uses[threshold.source].append(f"the number {threshold.id}")
    for name in (name for statement in content.evidence.statement for name in statement.sources):
        uses[name] += [] if uses[name] else ["the statements of the article"]
    return uses


def general_pages(content: Content) -> dict[str, str]:
    """The Markdown of the pages that are about no single card, by file name."""
    return {
        "evidence.md": "\n".join(_evidence(content)) + "\n",
        "suggestions.md": "\n".join(_suggestions(content)) + "\n",
    }


def _status(content: Content) -> str:
    return f"Content {content.version}, {content.status}. {_MADE}"


def _evidence(content: Content) -> Iterator[str]:
    titles = {card.id: f"[{card.title}]({card.id}.md)" for card in content.cards}
    yield from (f"# {TITLE}", "", _status(content), "")
    yield "For committees: what is known, what speaks against it, and what became of the article that the product"
    yield "grew from."
    for topic in content.evidence.topic:
        yield from ("", f"## {topic.title}", "", topic.text.strip(), "", _links(topic.sources, content.sources))
    yield from ("", "## The article, statement by statement", "", *_statements(content.evidence.statement, titles))
    yield from ("", "## Sources", "", "Each with what it is attached to. Grading is for the clinician who signs.", "")
    uses = uses_of_sources(content)
    for source in content.sources.values():
        yield from _source(source, uses[source.id])


def _links(names: Iterable[str], sources: Mapping[str, EvidenceSource]) -> str:
    return "Sources: " + "; ".join(linked(sources[name]) for name in names) + "."


def linked(source: EvidenceSource) -> str:
    """The short name of a source in Markdown, linked where it has an address."""
    return f"[{source.label}]({source.url}){source.where_it_leads}" if source.url else source.label


def _statements(statements: Iterable[Statement], titles: Mapping[str, str]) -> Iterator[str]:
    yield from ("| under | the article says | it became | where and how | verified | against it |",)
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in statements:
        where = ", ".join(titles[card] for card in row.cards)
        said = f"{cell(row.instead)} {where}".strip()
        yield f"| {row.under} | {cell(row.says)} | {row.became} | {said} | {cell(row.verified)} | {cell(row.against)} |"


def _source(source: EvidenceSource, uses: Iterable[str]) -> Iterator[str]:
    side = "**against** · " if source.against else "**secondary** · " if source.secondary else ""
    about = "; ".join(filter(None, (source.design, source.population)))
    yield f'- <a id="{source.id}"></a>{side}{linked(source)}: {f"{about}. " if about else ""}{source.supports}'
    yield f"  How strong: {strength_of(source)}. {source.verified} Attached to: {'; '.join(uses)}."


def offered_by(row: SuggestionRow, cards: Iterable[Card]) -> list[Card]:
    """The cards that offer a suggestion."""
    return [card for card in cards if row.id in (offer.id for offer in card.suggestion)]


def all_suggestions(content: Content) -> list[SuggestionRow]:
    """Every suggestion once."""
    return list({row.id: row for card in content.cards for row in card.suggestion}.values())


def _suggestions(content: Content) -> Iterator[str]:
    yield from (
        "# What cards offer, and what closes it",
        "",
        f"Content {content.version}, {content.status}. {_MADE}",
        "",
    )
    yield "A suggestion is offered only while every gate is open. A gate that cannot be told is closed. None is ever"
    yield "marked as recommended; the clinician accepts it or not."
    for row in all_suggestions(content):
        yield from ("", f"## {row.label}", "", row.description + ".", "")
        offering = ", ".join(f"[{card.title}]({card.id}.md)" for card in offered_by(row, content.cards))
        yield from (f"Offered by: {offering}.", "", "| open only if | why it closes |", "| --- | --- |")
        for condition in row.when:
            yield f"| {condition.say()} | {cell(condition.because)} |"
