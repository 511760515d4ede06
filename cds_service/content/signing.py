"""Signatures: who answers for a card as it is, and what of it has changed since.

A signature has a digest of every part that the card rests on, and of what the card says in each of its examples. It
holds as long as these are the same; otherwise it is void, and says what changed. A new example takes nothing away. The
file of the signatures is no content: signing changes no word of it, and no manifest.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from cds_service.content.examples import run_example
from cds_service.content.manifest import SIGNATURES
from cds_service.content.parts import OWN, Value, Written, digest, parts_of, read_written
from cds_service.content.toml_files import TomlFile
from cds_service.errors import ContentError, NotSigned
from cds_service.guidance.conditions import Strict
from cds_service.guidance.model import Card, Content, Example, Signature, same_name
from cds_service.hooks.cards import to_json

MAX_NAME = 100  # characters of a name or a role
_EXAMPLE = "example "
_HEAD = """\
# Written by `cds-service sign`. A signature holds as long as every part that its card rests on has the digest below.

"""
Digests = Mapping[str, str]  # part -> its digest


def check_name(name: str) -> str:
    """A name or a role on one line, without blanks around it. Raises `ValueError` for any other text."""
    cleaned = " ".join(name.split())
    if not cleaned or len(cleaned) > MAX_NAME or not name.isprintable():
        raise ValueError(f"a name or a role has 1 to {MAX_NAME} characters, all of them printable")
    return cleaned


_Name = Annotated[str, AfterValidator(check_name)]
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class SignedCard(Strict):
    """A row of the file: who signed which card, in which role and when, and the digest of all its parts."""

    card: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: _Name
    role: _Name
    on: date
    review_by: date
    hash: _Hash

    @model_validator(mode="after")
    def _is_reviewed_later(self) -> "SignedCard":
        if self.review_by <= self.on:
            raise ValueError("review_by comes after the day of the signature")
        return self

    @property
    def signature(self) -> Signature:
        """Who, in which role, since when and until when."""
        return Signature(self.name, self.role, self.on, self.review_by)


class Signatures(Strict):
    """The file: its rows, and for each digest of a card the digests of its parts, once for all who signed it so."""

    signature: list[SignedCard] = []
    parts: dict[_Hash, dict[str, str]] = {}

    def as_toml(self) -> str:
        """The file as it is written."""
        rows = "".join(f"[[signature]]\n{_as_lines(row.model_dump())}\n" for row in self.signature)
        signed = {row.hash for row in self.signature}
        kept = {name: parts for name, parts in self.parts.items() if name in signed}
        return _HEAD + rows + "\n".join(f"[parts.{name}]\n{_as_lines(parts)}" for name, parts in kept.items())


def _as_lines(table: Mapping[str, str | date]) -> str:
    return "".join(f"{_key(key)} = {_quoted(value)}\n" for key, value in table.items())


def _key(name: str) -> str:
    return name if re.fullmatch("[a-z_]+", name) else _quoted(name)


def _quoted(value: str | date) -> str:
    """A value in TOML: a printable text is written as in JSON."""
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class VoidSignature:
    """A signature that no longer counts, and what has changed since."""

    card: str
    signature: Signature
    changes: tuple[str, ...]

    def __str__(self) -> str:
        who = f"{self.signature.name} ({self.signature.role})"
        return f"{self.card}: the signature of {who} of {self.signature.on} is void: {'; '.join(self.changes)}"


def read_signatures(file: Path) -> Signatures:
    """The signatures of a file; none where there is no file. Raises `ContentError` with every mistake in it."""
    if not file.exists():
        return Signatures()
    opened = TomlFile(file)
    signatures = opened.read(Signatures)
    if signatures is None:
        raise ContentError(opened.mistakes)
    return signatures


def new_signature(name: str, role: str, on: date, review_by: date) -> Signature:
    """A signature of today. Raises `NotSigned` where a name, a role or the day of the review cannot be."""
    if review_by <= on:
        raise NotSigned("the day of the next review comes after today")
    try:
        return Signature(check_name(name), check_name(role), on, review_by)
    except ValueError as error:
        raise NotSigned(str(error)) from None


def find_card(name: str, content: Content) -> Card:
    """The card of this id. Raises `NotSigned` where there is none."""
    card = next((card for card in content.cards if card.id == name), None)
    if card is None:
        raise NotSigned("there is no such card; there are: " + ", ".join(card.id for card in content.cards))
    return card


def prove_examples(card: Card, content: Content, fixtures: Path) -> None:
    """Raises `NotSigned` for a card whose examples do not hold: it is not what its reviewers read."""
    for example in content.examples.get(card.id, ()):
        try:
            failure = run_example(example, card, content, fixtures).failure
        except (OSError, ValueError, LookupError) as error:
            failure = f"it cannot be run: {error}"
        if failure:
            raise NotSigned(f"its example “{example.name}” does not hold: {failure}")


def write_signatures(signatures: Signatures, file: Path) -> None:
    """Writes the file in one step: whoever reads it in the meantime finds the old one whole.

    Raises `NotSigned` where its folder is missing.
    """
    if not file.parent.is_dir():
        raise NotSigned(f"there is no folder {file.parent} for the file of the signatures")
    new = file.with_name(f".{file.name}.new")
    new.write_text(signatures.as_toml(), encoding="utf-8")
    new.replace(file)


class Signing:
    """The cards of a content as they are now, against what was signed."""

    def __init__(self, content: Content, folder: Path, fixtures: Path) -> None:
        self._cards = {card.id: card for card in content.cards}
        about = content.about.model_copy(update={"version": ""})  # other cards raise it too
        self._content = replace(content, about=about, signatures={})  # nor does a signature change what is signed
        self._written: Written = read_written(folder)
        self._fixtures = fixtures
        self._shared: dict[str, str] = {}

    def digests_of(self, card: str) -> dict[str, str]:
        """The digest of each part of a card, and of each of its examples."""
        parts = {name: self._digest(name, value) for name, value in parts_of(card, self._written).items()}
        examples = self._content.examples.get(card, ())
        return parts | {_EXAMPLE + row.name: digest(self._shown(row, self._cards[card])) for row in examples}

    def _digest(self, part: str, value: Value) -> str:
        """The digest of a part; of one that several cards rest on it is worked out once."""
        if part in OWN:
            return digest(value)
        if part not in self._shared:
            self._shared[part] = digest(value)
        return self._shared[part]

    def _shown(self, example: Example, card: Card) -> str:
        """What a card decides in an example, and the card on the wire if it is shown."""
        try:
            run = run_example(example, card, self._content, self._fixtures)
        except (OSError, ValueError, LookupError):
            return "cannot be run"
        shown = to_json(run.shown_card).decode() if run.shown_card else ""
        return f"{run.decision.outcome.value}\n{shown}"

    def sign(self, signatures: Signatures, card: str, by: Signature) -> Signatures:
        """The signatures with one more, which takes the place of an older one of the same name.

        Raises `NotSigned` where the same person has signed the card as it is already.
        """
        digests = self.digests_of(card)
        row = SignedCard(card=card, hash=_hash_of(digests), **vars(by))
        theirs = [old for old in signatures.signature if old.card == card and same_name(old.name, by.name)]
        if any(not _changes(old, signatures, digests) for old in theirs):
            raise NotSigned(f"{by.name} has signed {card} as it is already: two different people sign")
        others = [old for old in signatures.signature if old not in theirs]
        rows = sorted([*others, row], key=lambda signed: (signed.card, signed.on))
        return Signatures(signature=rows, parts={**signatures.parts, row.hash: digests})

    def judge(self, signatures: Signatures) -> tuple[dict[str, tuple[Signature, ...]], list[VoidSignature]]:
        """The signatures that hold, by card, and those that are void."""
        holding: dict[str, tuple[Signature, ...]] = {}
        void = []
        signed_cards = {row.card for row in signatures.signature} & self._cards.keys()
        digests = {card: self.digests_of(card) for card in sorted(signed_cards)}
        for row in signatures.signature:
            known = row.card in self._cards
            changes = _changes(row, signatures, digests[row.card]) if known else ("there is no such card",)
            if changes:
                void.append(VoidSignature(row.card, row.signature, changes))
            else:
                holding[row.card] = (*holding.get(row.card, ()), row.signature)
        return holding, void


def with_signatures(
    content: Content, folder: Path, fixtures: Path, file: Path | None = None
) -> tuple[Content, list[VoidSignature]]:
    """The content with the signatures that hold, and those that are void. Raises `ContentError`.

    `folder` is that of the content, and `file` that of the signatures; by default they stand beside the cards.
    """
    signatures = read_signatures(file or folder / SIGNATURES)
    if not signatures.signature:
        return content, []
    holding, void = Signing(content, folder, fixtures).judge(signatures)
    return replace(content, signatures=holding), void


def _changes(row: SignedCard, signatures: Signatures, now: Digests) -> tuple[str, ...]:
    """What has changed since a signature; nothing where it holds."""
    signed = signatures.parts.get(row.hash, {})
    if _hash_of(signed) != row.hash:
        return ("its digest is not that of its parts: the file was changed by hand",)
    return tuple(_differences(signed, now))


def _differences(signed: Digests, now: Digests) -> Iterator[str]:
    """What changed, part by part, and how many examples no longer say what they did."""
    examples = [name for name in signed if name.startswith(_EXAMPLE)]
    for name in (name for name in signed if name not in examples and signed[name] != now.get(name)):
        yield f"{name} changed" if name in now else f"{name} is no longer used"
    yield from (f"{name} is new" for name in now if name not in signed and not name.startswith(_EXAMPLE))
    otherwise = [name.removeprefix(_EXAMPLE) for name in examples if signed[name] != now.get(name)]
    if otherwise:
        count = f"{len(otherwise)} examples are" if len(otherwise) > 1 else "an example is"
        yield f"{count} answered otherwise or gone, such as “{otherwise[0]}”"


def _hash_of(digests: Digests) -> str:
    return sha256("\n".join(f"{name}={digests[name]}" for name in sorted(digests)).encode()).hexdigest()
