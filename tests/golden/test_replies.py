"""Request in, reply out, word for word. `make golden` rewrites; a clinician reads the difference."""

import json
from pathlib import Path

import pytest

from cds_service.content.loading import load_content
from cds_service.settings import CARDS
from tests.golden.asking import ask
from tests.golden.rewrite import text_of
from tests.golden.stories import FIXTURES, STORIES, Story, reply_of, request_of, requests

CONTENT = load_content(CARDS)  # the golden replies are those of a draft: no signature changes them


@pytest.mark.parametrize("request_file", requests(), ids=lambda path: path.stem)
def test_the_reply_is_the_golden_one(request_file: Path) -> None:
    assert ask(request_file, CONTENT) == json.loads(reply_of(request_file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_request_is_what_the_patient_and_the_order_make(story: Story) -> None:
    written = (FIXTURES / "requests" / f"{story.name}.json").read_text(encoding="utf-8")

    assert written == text_of(request_of(story, CONTENT))


def test_no_golden_file_is_left_over() -> None:
    stories = {f"{story.name}.json" for story in STORIES}

    assert {path.name for path in (FIXTURES / "requests").glob("*.json")} == stories
    assert {path.name for path in (FIXTURES / "responses").glob("*.json")} == {path.name for path in requests()}


def test_every_card_is_shown_in_some_golden_reply() -> None:
    replies = [json.loads(reply_of(path).read_text(encoding="utf-8")) for path in requests()]
    shown = {card["source"]["topic"]["code"] for reply in replies for card in reply.get("cards", [])}

    assert shown == {card.id for card in CONTENT.cards}
