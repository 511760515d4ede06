"""`make golden`: writes the requests of the stories and the replies to all requests. Read the difference."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from cds_service.content.loading import load_content
from cds_service.settings import CARDS
from tests.golden.asking import ask
from tests.golden.stories import (
    FIXTURES,
    STORIES,
    VERSIONED,
    reply_of,
    request_of,
    requests,
    versioned_name,
    versioned_request,
)
from tests.golden.treatments import TABLE, TREATED, name_of, opening_in, opening_of, write_table
from tests.golden.treatments import VERSIONED as VERSIONED_OPENINGS


def plain(value: Any) -> Any:
    """Exact numbers as JSON numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(type(value).__name__)


def text_of(value: Any) -> str:
    """How the files are written."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=plain) + "\n"


def write(folder: Path, texts: dict[str, str]) -> None:
    """Writes the files and removes those that are no story any more."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def main() -> None:
    """The folders, anew. The replies are those of a draft, so that no signature changes them."""
    content = load_content(CARDS)
    write(FIXTURES / "requests", {f"{story.name}.json": text_of(request_of(story, content)) for story in STORIES})
    versions = {versioned_name(*one): text_of(versioned_request(*one, content)) for one in VERSIONED}
    openings = {name_of(*one): text_of(opening_in(*one, content)) for one in VERSIONED_OPENINGS}
    write(FIXTURES / "versions", versions | openings)
    write(FIXTURES / "treated", {name_of(patient): text_of(opening_of(patient, content)) for patient in TREATED})
    (FIXTURES / "treated" / TABLE).write_text(write_table(content), encoding="utf-8")
    write(FIXTURES / "responses", {reply_of(one).name: text_of(ask(one, content)) for one in requests()})


if __name__ == "__main__":
    main()
