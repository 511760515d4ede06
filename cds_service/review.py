"""Review pages: for each card one page that a committee can read, made from the content itself."""

from collections.abc import Iterator
from pathlib import Path

from cds_service.clinical.catalogue import CATALOGUE, FactType
from cds_service.clinical.queries import QUERIES, template
from cds_service.examples import Ran, run_example
from cds_service.guidance.conditions import Answer
from cds_service.guidance.deciding import Outcome
from cds_service.guidance.model import Card, Content, Phrase, Source, holes


def review_pages(content: Content, fixtures: Path) -> dict[str, str]:
    """File name -> text, a page for each card."""
    return {f"{card.id}.md": "\n".join(_page(card, content, fixtures)) + "\n" for card in content.cards}


def write_pages(pages: dict[str, str], folder: Path) -> None:
    """Writes the pages and removes those of cards that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def stale_pages(pages: dict[str, str], folder: Path) -> list[str]:
    """The pages that differ from the content, are missing, or are left over."""
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in {*pages, *written} if pages.get(name) != written.get(name))


def _page(card: Card, content: Content, fixtures: Path) -> Iterator[str]:
    ran = [run_example(example, card, content, fixtures) for example in content.examples[card.id]]
    yield f"# {card.title}"
    yield ""
    version = f"content {content.about.version}"
    yield f"`{card.id}` · {card.status} · {version}. Made by `cds-service review-pages`: do not edit."
    for part in (_people(card), _when(card), _seen(ran), _wordings(card, content), _facts(card, content)):
        yield from part
    for part in (_code_lists(card, content), _examples(ran), _sources(card, content)):
        yield from part


def _people(card: Card) -> Iterator[str]:
    review = card.review
    yield from ("", "| written by | on | checked by | on | review by |", "| --- | --- | --- | --- | --- |")
    checked = (review.checked_by or "nobody yet", review.checked_on or "–", review.review_by or "–")
    yield f"| {review.written_by} | {review.written_on} | {checked[0]} | {checked[1]} | {checked[2]} |"


def _when(card: Card) -> Iterator[str]:
    yield from ("", "## When", "", "Every row must hold.", "", "| condition | because |", "| --- | --- |")
    for row in card.when:
        yield f"| {row.say()} | {_cell(row.because)} |"
    if card.screens:
        yield from ("", "Also named, where it is unknown:", "", "| fact | in use | because |", "| --- | --- | --- |")
    for screen in card.screens:
        yield f"| {CATALOGUE[screen.fact].label} | {', '.join(screen.uses)} | {_cell(screen.because)} |"
    yield from ("", "## Then", "")
    for index, level in enumerate(card.indicator):
        said = " and ".join(condition.say() for condition in level.when) or ("otherwise" if index else "always")
        yield f"- **{level.level}**: {said}"
    for offer in card.suggestion:
        said = "; ".join(condition.say() for condition in offer.when) or "always"
        yield f"- offers “{offer.label}”: {said}"
    scope = "each order" if card.scope == "order" else "the patient, whatever the number of orders"
    yield f"- one card for {scope}"


def _seen(ran: list[Ran]) -> Iterator[str]:
    """The card as the clinician sees it, for the first example in which it speaks."""
    shown = next(one for one in ran if one.decided.decision.outcome is Outcome.ADVISE)
    yield from ("", "## As the clinician sees it", "", f"*{shown.example.name}*", "")
    for line in shown.shown.splitlines():
        yield f"> {line}".rstrip()


def _wordings(card: Card, content: Content) -> Iterator[str]:
    """Every wording of the phrases in the card that have more than one."""
    named = dict.fromkeys(holes(card.text.summary + card.text.detail))
    phrases = [content.phrases[name] for name in named if name in content.phrases]
    several = [phrase for phrase in phrases if len(phrase.says) > 1]
    if several:
        yield from (
            "",
            "## Wordings",
            "",
            "The first that fits is used.",
            "",
            "| sentence | when | words |",
            "| --- | --- | --- |",
        )
    for phrase in several:
        yield from _wordings_of(phrase)


def _wordings_of(phrase: Phrase) -> Iterator[str]:
    for one in phrase.says:
        said = " and ".join(condition.say() for condition in one.when) or "otherwise"
        yield f"| {phrase.about} | {said} | {_cell(one.text) or '(nothing)'} |"


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|").strip()


def _fact_types(card: Card) -> list[FactType]:
    names = [condition.fact for condition in (*card.conditions(), *card.other_conditions())]
    shown = [name.partition(".")[0] for name in holes(card.text.summary + card.text.detail)]
    return [
        CATALOGUE[name]
        for name in dict.fromkeys([*names, *(screen.fact for screen in card.screens), *shown])
        if name in CATALOGUE
    ]


def _facts(card: Card, content: Content) -> Iterator[str]:
    yield from ("", "## Facts", "", "| fact | meaning | look-back | read from |", "| --- | --- | --- | --- |")
    keys: dict[str, None] = {}
    for kind in _fact_types(card):
        keys.update(dict.fromkeys(kind.queries))
        yield f"| {kind.label} | {kind.meaning} | {kind.look_back or '–'} | {', '.join(kind.queries) or 'the order'} |"
    yield from ("", "Queries:", "")
    for key in keys:
        yield f"- {key}: `{template(QUERIES[key], content.vocabulary.code_lists)}`"


def _code_lists(card: Card, content: Content) -> Iterator[str]:
    names = dict.fromkeys(name for kind in _fact_types(card) for name in kind.lists)
    if names:
        yield from ("", "## Code lists")
    for name in names:
        yield from ("", f"### {name}", "")
        if name in content.vocabulary.name_lists:
            yield from ("| name | counts | reason |", "| --- | --- | --- |")
            for word in content.vocabulary.name_lists[name].rows:
                yield f"| {word.name} | {'yes' if word.included else 'no'} | {_cell(word.reason)} |"
            continue
        yield from ("| code | system | term | counts | reason |", "| --- | --- | --- | --- | --- |")
        for row in content.vocabulary.code_lists[name].rows:
            counts = "yes" if row.included else "unsure" if row.unsure else "no"
            yield f"| {row.code} | {row.system} | {_cell(row.term)} | {counts} | {_cell(row.reason)} |"


def _examples(ran: list[Ran]) -> Iterator[str]:
    yield from ("", "## Examples", "", "| patient | answer | decided by | because |", "| --- | --- | --- | --- |")
    for one in ran:
        yield f"| {one.example.name} | {one.example.expect} | {_decided_by(one)} | {_cell(one.example.because)} |"


def _decided_by(one: Ran) -> str:
    outcome = one.decided.decision.outcome
    if outcome is Outcome.ADVISE:
        return "every condition holds"
    wanted = Answer.NO if outcome is Outcome.SILENT else Answer.UNKNOWN
    rows = [reason.row for reason in one.decided.decision.reasons if reason.answer is wanted]
    return f"{'not' if outcome is Outcome.SILENT else 'cannot tell'}: {rows[0].say()}"


def _sources(card: Card, content: Content) -> Iterator[str]:
    if card.sources:
        yield from ("", "## Sources")
    for source in (content.sources[name] for name in card.sources):
        yield from _source(source)


def _source(source: Source) -> Iterator[str]:
    title = f"[{source.label}]({source.url})" if source.url else source.label
    kind = "**Evidence against.** " if source.against else "**Secondary source.** " if source.secondary else ""
    yield from ("", f"### {title}", "", f"{kind}{source.title or ''}".strip(), "")
    for name, value in (
        ("design", source.design),
        ("people", source.population),
        ("n", source.n),
        ("supports", source.supports),
        ("verified", source.verified),
    ):
        if value is not None:
            yield f"- {name}: {value}"
