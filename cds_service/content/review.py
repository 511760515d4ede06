"""Review pages: for each card one page that a committee can read, made from the content itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cds_service.clinical.catalogue import CATALOGUE, FactType
from cds_service.content.examples import Ran, run_example
from cds_service.fhir.queries import QUERIES, prefetch_template
from cds_service.guidance.conditions import Truth
from cds_service.guidance.deciding import Outcome
from cds_service.guidance.model import Card, Content, EvidenceSource, Example, Phrase, holes


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
    ran = run_examples(card, content, fixtures)
    yield f"# {card.title}"
    yield ""
    version = f"content {content.about.version}"
    yield f"`{card.id}` · {card.status} · {version}. Made by `cds-service review-pages`: do not edit."
    yield from ("", *people(card))
    for heading, text in sections(card, content, ran).items():
        yield from ("", f"## {heading}", "", text)


def run_examples(card: Card, content: Content, fixtures: Path) -> list[Ran]:
    """Every example of a card, run."""
    return [run_example(example, card, content, fixtures) for example in content.examples[card.id]]


def sections(card: Card, content: Content, ran: list[Ran]) -> dict[str, str]:
    """Heading -> Markdown, in the order in which a committee reads them. What is empty is left out."""
    parts = {
        "When": _when(card),
        "Then": _then(card),
        "As the clinician sees it": _seen(ran) if ran else (),
        "Thresholds": _thresholds(card),
        "Wordings": _wordings(card, content),
        "Sources": _sources(card, content),
        "Examples": _examples(content.examples[card.id], ran),
        "Facts": _facts(card, content),
        "Code lists": _code_lists(card, content),
    }
    made = {heading: "\n".join(lines).strip("\n") for heading, lines in parts.items()}
    return {heading: text for heading, text in made.items() if text}


def people(card: Card) -> Iterator[str]:
    """Who wrote and checked the card, and when, as a table."""
    review = card.review
    yield from ("| written by | on | checked by | on | review by |", "| --- | --- | --- | --- | --- |")
    checked = (review.checked_by or "nobody yet", review.checked_on or "–", review.review_by or "–")
    yield f"| {review.written_by} | {review.written_on} | {checked[0]} | {checked[1]} | {checked[2]} |"


def _when(card: Card) -> Iterator[str]:
    yield from ("Every row must hold.", "", "| condition | because |", "| --- | --- |")
    for row in card.when:
        yield f"| {row.say()} | {_cell(row.because)} |"
    if card.screens:
        yield from ("", "Also named, where it is unknown:", "", "| fact | in use | because |", "| --- | --- | --- |")
    for screen in card.screens:
        yield f"| {CATALOGUE[screen.fact].label} | {', '.join(screen.uses)} | {_cell(screen.because)} |"


def _then(card: Card) -> Iterator[str]:
    for index, level in enumerate(card.indicator):
        said = " and ".join(condition.say() for condition in level.when) or ("otherwise" if index else "always")
        without = ", without reasons not to follow it" if card.override_reasons and not level.offers_reasons else ""
        yield f"- **{level.level}**{without}: {said}"
    for offer in card.suggestion:
        said = "; ".join(condition.say() for condition in offer.when) or "always"
        yield f"- offers “{offer.label}”: {said}"
    scope = "each order" if card.scope == "order" else "the patient, whatever the number of orders"
    yield f"- one card for {scope}"


def _seen(ran: list[Ran]) -> Iterator[str]:
    """The card as the clinician sees it, for the first example in which it speaks."""
    shown = first_shown(ran)
    yield from (f"*{shown.example.name}*", "")
    for line in shown.shown.splitlines():
        yield f"> {line}".rstrip()


def first_shown(ran: list[Ran]) -> Ran:
    """The first example in which the card speaks; `check` sees to it that there is one."""
    return next(one for one in ran if one.decided.decision.outcome is Outcome.ADVISE)


def _thresholds(card: Card) -> Iterator[str]:
    """Each number that decides whether or how the card speaks, with its reason."""
    bounded = [one for one in (*card.conditions(), *card.other_conditions()) if one.bound is not None]
    if bounded:
        yield from ("| number | because |", "| --- | --- |")
    yield from dict.fromkeys(f"| {one.say()} | {_cell(one.because)} |" for one in bounded)


def _wordings(card: Card, content: Content) -> Iterator[str]:
    """Every wording of the phrases in the card that have more than one."""
    named = dict.fromkeys(holes(card.text.summary + card.text.detail))
    phrases = [content.phrases[name] for name in named if name in content.phrases]
    several = [phrase for phrase in phrases if len(phrase.says) > 1]
    if several:
        yield from ("The first that fits is used.", "", "| sentence | when | words |", "| --- | --- | --- |")
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
    yield from ("| fact | meaning | look-back | read from |", "| --- | --- | --- | --- |")
    keys: dict[str, None] = {}
    for kind in _fact_types(card):
        keys.update(dict.fromkeys(kind.queries))
        yield f"| {kind.label} | {kind.meaning} | {kind.look_back or '–'} | {', '.join(kind.queries) or 'the order'} |"
    yield from ("", "Queries:", "")
    for key in keys:
        yield f"- {key}: `{prefetch_template(QUERIES[key], content.vocabulary.code_lists)}`"


def _code_lists(card: Card, content: Content) -> Iterator[str]:
    names = dict.fromkeys(name for kind in _fact_types(card) for name in kind.lists)
    for name in names:
        yield from (f"### {name}", "")
        if name in content.vocabulary.name_lists:
            yield from ("| name | counts | reason |", "| --- | --- | --- |")
            for word in content.vocabulary.name_lists[name].rows:
                yield f"| {word.name} | {'yes' if word.included else 'no'} | {_cell(word.reason)} |"
            yield ""
            continue
        yield from ("| code | system | term | counts | reason |", "| --- | --- | --- | --- | --- |")
        for row in content.vocabulary.code_lists[name].rows:
            counts = "yes" if row.included else "unsure" if row.unsure else "no"
            yield f"| {row.code} | {row.system} | {_cell(row.term)} | {counts} | {_cell(row.reason)} |"
        yield ""


def _examples(examples: Sequence[Example], ran: list[Ran]) -> Iterator[str]:
    """Each example; where it was run, with the row that decided."""
    decided = {one.example.name: _decided_by(one) for one in ran}
    yield from ("| patient | answer | decided by | because |", "| --- | --- | --- | --- |")
    for one in examples:
        yield f"| {one.name} | {one.expect} | {decided.get(one.name, 'not run')} | {_cell(one.because)} |"


def _decided_by(one: Ran) -> str:
    outcome = one.decided.decision.outcome
    if outcome is Outcome.ADVISE:
        return "every condition holds"
    wanted = Truth.NO if outcome is Outcome.SILENT else Truth.UNKNOWN
    rows = [reason.row for reason in one.decided.decision.reasons if reason.truth is wanted]
    return f"{'not' if outcome is Outcome.SILENT else 'cannot tell'}: {rows[0].say()}"


def _sources(card: Card, content: Content) -> Iterator[str]:
    for source in (content.sources[name] for name in card.sources):
        yield from _source(source)


def _source(source: EvidenceSource) -> Iterator[str]:
    title = f"[{source.label}]({source.url})" if source.url else source.label
    kind = "**Evidence against.** " if source.against else "**Secondary source.** " if source.secondary else ""
    yield from (f"### {title}", "")
    if kind or source.title:
        yield from (f"{kind}{source.title or ''}".strip(), "")
    yield f"- how strong: {strength_of(source)}"
    for name, value in (
        ("design", source.design),
        ("people", source.population),
        ("n", source.n),
        ("supports", source.supports),
        ("verified", source.verified),
    ):
        if value is not None:
            yield f"- {name}: {value}"
    yield ""


def strength_of(source: EvidenceSource) -> str:
    """A plain note on how much a source can bear, made from what is recorded of it. No grade: that is a clinician's."""
    if source.secondary:
        return "retells others; what it rests on was not seen"
    if "no people" in (source.population or ""):
        return "no people were studied; it cannot show what happens in patients"
    if source.n is None:
        return "no number of people is recorded"
    notes = [f"{source.n:,} people in all"]
    if source.n < _SMALL:
        notes.append(f"small: fewer than {_SMALL}")
    if "open-label" in (source.design or ""):
        notes.append("open label: everybody knew the treatment")
    return "; ".join(notes)


_SMALL = 50  # people: only what the note calls small; nothing is decided by it
