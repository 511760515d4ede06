"""Review pages: for each card one page for those who check it, made from the content."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cds_service.clinical.catalogue import CATALOGUE, FactType, with_grounds
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.content.examples import ExampleRun, run_example
from cds_service.fhir.codes import CodeList, CodeRow, NameList, NameRow
from cds_service.fhir.queries import QUERIES, prefetch_template
from cds_service.guidance.conditions import Truth
from cds_service.guidance.deciding import Outcome
from cds_service.guidance.evidence import EvidenceSource
from cds_service.guidance.model import PATIENT_VIEW, Card, Content, Example, Phrase


def review_pages(content: Content, fixtures: Path) -> dict[str, str]:
    """The text of a page for each card, by file name."""
    return {f"{card.id}.md": "\n".join(_page(card, content, fixtures)) + "\n" for card in content.cards}


def write_pages(pages: dict[str, str], folder: Path) -> None:
    """Writes the pages, and removes those of cards that no longer exist."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in _made_pages(folder):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def stale_pages(pages: dict[str, str], folder: Path) -> list[str]:
    """The names of pages that differ from the content, are missing, or are left over."""
    written = {path.name: path.read_text(encoding="utf-8") for path in _made_pages(folder)}
    return sorted(name for name in {*pages, *written} if pages.get(name) != written.get(name))


def _made_pages(folder: Path) -> Iterator[Path]:
    """The pages of a folder that are made: all but the principles, which people write."""
    return (path for path in folder.glob("*.md") if path.name != "README.md")


def _page(card: Card, content: Content, fixtures: Path) -> Iterator[str]:
    runs = run_examples(card, content, fixtures)
    yield from (f"# {card.title}", "")
    version = f"content {content.version}"
    yield f"`{card.id}` · {content.status_of(card.id)} · {version}. Made by `cds-service review-pages`: do not edit."
    yield from ("", *people(card, content))
    for heading, text in sections(card, content, runs).items():
        yield from ("", f"## {heading}", "", text)


def run_examples(card: Card, content: Content, fixtures: Path) -> list[ExampleRun]:
    """Runs every example of a card."""
    return [run_example(example, card, content, fixtures) for example in content.examples[card.id]]


def sections(card: Card, content: Content, runs: list[ExampleRun]) -> dict[str, str]:
    """The Markdown of each section that has something to say, by heading, in reading order."""
    parts = {
        "When": _when(card),
        "Then": _then(card),
        "As the clinician sees it": _shown(runs) if runs else (),
        "Thresholds": _thresholds(card),
        "Wordings": _wordings(card, content),
        "Sources": _sources(card, content),
        "Examples": _examples(content.examples[card.id], runs),
        "Facts": _facts(card, content),
        "Code lists": _code_lists(card),
    }
    texts = {heading: "\n".join(lines).strip("\n") for heading, lines in parts.items()}
    return {heading: text for heading, text in texts.items() if text}


def people(card: Card, content: Content) -> Iterator[str]:
    """A table of who wrote and who signed the card, when, and until when it holds."""
    yield from ("| | who | role | on | review by |", "| --- | --- | --- | --- | --- |")
    yield f"| written by | {cell(card.review.written_by)} | – | {card.review.written_on} | – |"
    signatures = content.signatures.get(card.id, ())
    for row in signatures:
        yield f"| signed by | {cell(row.name)} | {cell(row.role)} | {row.on} | {row.review_by} |"
    if not signatures:
        yield "| signed by | nobody yet | – | – | – |"


def _when(card: Card) -> Iterator[str]:
    if card.asked_at == PATIENT_VIEW:
        yield from (
            "Asked when a chart is opened (`patient-view`), about the acetylcysteine that is active on record.",
            "",
        )
        yield from ("Off until a row of the site file switches it on.", "")
    yield from ("The card appears only if all its rows are true.", "", "| condition | because |", "| --- | --- |")
    for row in card.when:
        yield f"| {row.say()} | {cell(row.because)} |"
    if card.screens:
        yield from ("", "Also named, where it is unknown:", "", "| fact | in use | because |", "| --- | --- | --- |")
    for screen in card.screens:
        yield f"| {CATALOGUE[screen.fact].label} | {', '.join(screen.uses)} | {cell(screen.because)} |"


def _then(card: Card) -> Iterator[str]:
    for index, level in enumerate(card.indicator):
        when = " and ".join(condition.say() for condition in level.when) or ("otherwise" if index else "always")
        without = ", without reasons not to follow it" if card.override_reasons and not level.offers_reasons else ""
        yield f"- **{level.level}**{without}: {when}"
    for suggestion in card.suggestion:
        when = "; ".join(row.say() for row in suggestion.when) or "always"
        yield f"- offers “{suggestion.label}”: {when}"
    scope = "each order" if card.scope == "order" else "the patient, whatever the number of orders"
    yield f"- one card for {scope}"


def _shown(runs: list[ExampleRun]) -> Iterator[str]:
    """The card as the clinician sees it, in the first example in which it is shown."""
    run = first_shown(runs)
    yield from (f"*{run.example.name}*", "")
    for line in run.shown_text.splitlines():
        yield f"> {line}".rstrip()


def first_shown(runs: list[ExampleRun]) -> ExampleRun:
    """The first example in which the card is shown. `cds-service check` proves that there is one."""
    return next(run for run in runs if run.decision.outcome is Outcome.ADVISE)


def _thresholds(card: Card) -> Iterator[str]:
    """Every threshold of the card with its reason."""
    conditions = [condition for condition in (*card.conditions(), *card.other_conditions()) if condition.bound]
    if conditions:
        yield from ("| number | because |", "| --- | --- |")
    yield from dict.fromkeys(f"| {condition.say()} | {cell(condition.because)} |" for condition in conditions)


def _wordings(card: Card, content: Content) -> Iterator[str]:
    """The wordings of each phrase in the card that has more than one."""
    named = dict.fromkeys(card.text.holes)
    phrases = [content.phrases[name] for name in named if name in content.phrases]
    several = [phrase for phrase in phrases if len(phrase.says) > 1 or phrase.items]
    if several:
        said = "The first that fits is used; of a list, every item that fits."
        yield from (said, "", "| sentence | when | words |", "| --- | --- | --- |")
    for phrase in several:
        yield from _wordings_of(phrase)


def _wordings_of(phrase: Phrase) -> Iterator[str]:
    for wording in (*phrase.says, *phrase.items):
        when = " and ".join(row.say() for row in wording.when) or "otherwise"
        yield f"| {phrase.about} | {when} | {cell(wording.text) or '(nothing)'} |"


def cell(text: str) -> str:
    """Text that stays in its cell of a table."""
    return text.replace("\n", " ").replace("|", "\\|").strip()


def _fact_types(card: Card) -> list[FactType]:
    tested = [condition.fact for condition in (*card.conditions(), *card.other_conditions())]
    screened = [screen.fact for screen in card.screens]
    shown = [name.partition(".")[0] for name in card.text.holes]
    return [CATALOGUE[name] for name in dict.fromkeys([*tested, *screened, *shown]) if name in CATALOGUE]


def _facts(card: Card, content: Content) -> Iterator[str]:
    yield from ("| fact | meaning | look-back | read from |", "| --- | --- | --- | --- |")
    keys: dict[str, None] = {}
    for fact in _fact_types(card):
        keys.update(dict.fromkeys(fact.queries))
        yield f"| {fact.label} | {fact.meaning} | {fact.look_back or '–'} | {', '.join(fact.queries) or 'the order'} |"
    yield from ("", "Queries:", "")
    for key in keys:
        yield f"- {key}: `{prefetch_template(QUERIES[key], content.vocabulary.code_lists)}`"


def code_lists_of(card: Card) -> list[str]:
    """The names of the code lists that the facts of a card, and those that they rest on, are read by."""
    facts = with_grounds(fact.name for fact in _fact_types(card))
    return list(dict.fromkeys(name for fact in facts for name in fact.lists))


def _code_lists(card: Card) -> Iterator[str]:
    """Links to the lists themselves: several cards share them."""
    yield from ("The codes and names that count, and those that are recognised and do not, each with its reason:", "")
    for name in code_lists_of(card):
        yield f"- [{name}](../../cards/codelists/{name}.csv)"


def code_list_table(name: str, vocabulary: Vocabulary) -> str:
    """A code list as a table. Raises `KeyError` for a name that is none."""
    names = vocabulary.name_lists.get(name)
    return "\n".join(_name_table(names) if names else _code_table(vocabulary.code_lists[name]))


def _name_table(names: NameList) -> Iterator[str]:
    yield from ("| name | counts | reason |", "| --- | --- | --- |")
    for row in names.rows:
        yield f"| {row.name} | {_counts(row)} | {cell(row.reason)} |"


def _code_table(codes: CodeList) -> Iterator[str]:
    yield from ("| code | system | term | counts | reason |", "| --- | --- | --- | --- | --- |")
    for row in codes.rows:
        counts = "vague" if row.vague else _counts(row)
        yield f"| {row.code} | {row.system} | {cell(row.term)} | {counts} | {cell(row.reason)} |"


def _counts(row: CodeRow | NameRow) -> str:
    return "yes" if row.included else "unsure" if row.unsure else "no"


def _examples(examples: Sequence[Example], runs: list[ExampleRun]) -> Iterator[str]:
    """Each example; if it was run, with the row that decided."""
    decided_by = {run.example.name: _decided_by(run) for run in runs}
    yield from ("| patient | answer | decided by | because |", "| --- | --- | --- | --- |")
    for example in examples:
        reason = decided_by.get(example.name, "not run")
        yield f"| {example.name} | {example.expect} | {reason} | {cell(example.because)} |"


def _decided_by(run: ExampleRun) -> str:
    outcome = run.decision.outcome
    if outcome is Outcome.ADVISE:
        return "every condition holds"
    truth = Truth.NO if outcome is Outcome.SILENT else Truth.UNKNOWN
    row = next(reason.row for reason in run.decision.reasons if reason.truth is truth)
    return f"{'not' if outcome is Outcome.SILENT else 'cannot tell'}: {row.say()}"


def _sources(card: Card, content: Content) -> Iterator[str]:
    for source in (content.sources[name] for name in card.all_sources):
        yield from _source(source)


def _source(source: EvidenceSource) -> Iterator[str]:
    title = f"[{source.label}]({source.url}){source.where_it_leads}" if source.url else source.label
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
    """The strength of a source in plain words, from what is recorded of it. Grading is for the clinician who signs."""
    if source.secondary:
        return "retells others; what it rests on was not seen"
    if "no people" in (source.population or ""):
        return "no people were studied; it cannot show what happens in patients"
    if source.n is None:
        return "no number of people is recorded"
    notes = [f"{source.n:,} people in all"]
    if source.n < _SMALL_STUDY:
        notes.append(f"small: fewer than {_SMALL_STUDY}")
    if "open-label" in (source.design or ""):
        notes.append("open label: everybody knew the treatment")
    return "; ".join(notes)


_SMALL_STUDY = 50  # people; only for this note, nothing is decided by it
