"""Recognises orders for acetylcysteine: by a code of the product list, else by a name as a whole word."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from cds_service.clinical.orders.drugs import Medications, drug_concepts
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import MAX_NAME, CodeRow, NameRow
from cds_service.fhir.json import Json, Resource, codings, names, relative_reference, shorten
from cds_service.fhir.versions import R4

_LONGEST_KEPT = 1000  # bytes of a drug as it was sent; a longer one holds free text, which does not recur
_MOST_KEPT = 4096  # more than the drugs of a hospital, as they are written there
_ENCODER = msgspec.json.Encoder(decimal_format="number")  # a number is no code: it must not look like a string
MAX_NAC_TEXT = 120  # characters: longer than any product's name that is only NAC with its strength
_NAC = re.compile(  # a strength of three or four digits may follow at once: NAC-600
    r"(?<![\w-])(?:NAC|N\.A\.C\.?)(?:(?![\w-])|(?=-?\d{3,4}(?!\d)))", re.IGNORECASE
)
_STRENGTHS_AND_MARKS = re.compile(
    r"(?:[\s()+/&,.;:%®-]|\d+|(?<![^\W\d])(?:mg|g|mcg|µg|ug|ml|iu|milligrams?|grams?)(?![^\W\d]))*", re.IGNORECASE
)


@dataclass(frozen=True)
class Order:
    """An order for acetylcysteine: the resource as it was sent, the product rows that its codes match, its names.

    `fhir_version` is the version that it is written in, which is known once all data of the call are gathered.
    """

    resource: Resource
    products: tuple[CodeRow, ...]
    names: tuple[str, ...]
    fhir_version: str = R4

    @property
    def reference(self) -> str:
        """`Type/id`, as a suggestion must name it."""
        return relative_reference(self.resource)

    @property
    def name(self) -> str:
        """What the clinician sees in the order list: the first text or display of the drug."""
        return shorten(next(iter(self.names), "acetylcysteine"))


def read_order(order: Resource, medications: Medications, vocabulary: Vocabulary) -> Order | None:
    """The order if it is for acetylcysteine, None for any other."""
    concepts = drug_concepts(order, medications)
    products, named = recognise(concepts, vocabulary)
    if not products and not named:
        return None
    return Order(order, products, tuple(dict.fromkeys(name for concept in concepts for name in names(concept))))


def recognise(concepts: list[Json], vocabulary: Vocabulary) -> tuple[tuple[CodeRow, ...], bool]:
    """The acetylcysteine rows that match codes of the concepts, and, where none does, whether a name matches.

    A recognised code of another drug wins over any name. What was found for a drug is kept, since drugs recur.
    """
    written, kept = _ENCODER.encode(concepts), vocabulary.recognised
    if len(written) > _LONGEST_KEPT:
        return _recognise(concepts, vocabulary)
    found = kept.get(written)
    if found is None:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        found = kept[written] = _recognise(concepts, vocabulary)
    return found


def _recognise(concepts: list[Json], vocabulary: Vocabulary) -> tuple[tuple[CodeRow, ...], bool]:
    products = vocabulary.code_lists["acetylcysteine"]
    rows = tuple(row for concept in concepts for row in products.rows_in(concept) if row.included)
    if rows:
        return rows, False
    texts: list[str] = []
    for concept in concepts:
        written = names(concept)
        if _is_named(written, vocabulary) and not is_other_drug(concept, vocabulary):
            return rows, True
        texts += written
    return rows, _is_nac(concepts, texts, vocabulary)


def _is_named(texts: list[str], vocabulary: Vocabulary) -> bool:
    lists = vocabulary.name_lists
    in_names = lists["acetylcysteine-names"].included_among(texts)
    return (in_names or lists["acetylcysteine-brands"].included_among(texts)) is not None


def _is_nac(concepts: list[Json], texts: list[str], vocabulary: Vocabulary) -> bool:
    """True if NAC is all that the names of an order say: another name beside it may be that of another drug."""
    if not any(is_only_nac(text, vocabulary) for text in texts):
        return False
    is_other = any(is_other_drug(concept, vocabulary) for concept in concepts)
    return not is_other and all(_is_only_companions(text, vocabulary) for text in texts)


def is_other_drug(concept: Json, vocabulary: Vocabulary) -> bool:
    """True for a concept with a recognised code of another drug: a listed one, or an ATC code that is none of ours."""
    products = vocabulary.code_lists["acetylcysteine"]
    others = [vocabulary.code_lists[name] for name in ("nitroglycerin", "glutamine-drugs")]
    return any(
        products.excludes(coding) or products.rows_of([coding]) or any(listed.rows_of([coding]) for listed in others)
        for coding in codings(concept)
    )


def is_only_nac(text: str, vocabulary: Vocabulary) -> bool:
    """True for a text that says NAC and nothing else but a strength, a form, a salt or a usual co-supplement.

    NAC is neoadjuvant chemotherapy too, and a word of many protocols.
    """
    return _NAC.search(text[:MAX_NAC_TEXT]) is not None and _is_only_companions(text, vocabulary)


def _is_only_companions(text: str, vocabulary: Vocabulary) -> bool:
    """True for a text that says nothing but NAC and what may stand beside it."""
    if len(text) > MAX_NAC_TEXT:
        return False
    rest = _NAC.sub(" ", text)
    for companion in vocabulary.name_lists["nac-companions"].rows:
        rest = re.sub(rf"(?<!\w){re.escape(companion.name)}(?!\w)", " ", rest, flags=re.IGNORECASE)
    return _STRENGTHS_AND_MARKS.fullmatch(rest) is not None


def may_mean_acetylcysteine(text: str, vocabulary: Vocabulary) -> bool:
    """True for a text that holds NAC among other words, or a brand that is refused because it holds another drug too.

    No order is recognised by these. An allergy to what they name may be one to acetylcysteine.
    """
    return bool(_NAC.search(text[:MAX_NAME]) or vocabulary.name_lists["acetylcysteine-brands"].find_refused(text))


def brand_of(texts: Iterable[str], vocabulary: Vocabulary) -> NameRow | None:
    """The first listed brand among the names of a drug, one that means antidote before any other."""
    brands = vocabulary.name_lists["acetylcysteine-brands"]
    found = [match.row for text in texts for match in brands.find_matches(text)]
    return min(found, key=lambda row: row.extra.get("use") != "antidote", default=None)
