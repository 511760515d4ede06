"""One core: the people and the orders of the fixtures as an export get, call by call, the cards of the live service."""

from pathlib import Path

import pytest

from cds_service.content.examples import order_for
from cds_service.replay.counting import Counts
from cds_service.replay.replaying import Rules, replay_patient
from tests.golden.stories import FIXTURES, STORIES, Story
from tests.replay.exports import CONTENTS, EVERYTHING, MOMENT, report_of, write_export
from tests.support import NOW, Body, id_of, ids_of, new_client, post, request_for, resources_of

PEOPLE = [story for story in STORIES if story.hook == "order-sign"]


def words_of(card: Body) -> int:
    """The words of a card."""
    return len(f"{card['summary']} {card['detail']}".split())


def exported(story: Story) -> list[Body]:
    """The orders of a story as they stand in an export: signed now, over since."""
    orders = [order_for(FIXTURES, name, story.patient) for name in story.orders]
    visit = {"encounter": {"reference": "Encounter/visit"}}
    return [order | {"status": "completed", "authoredOn": MOMENT, **visit} for order in orders]


@pytest.mark.parametrize("story", PEOPLE, ids=lambda story: story.name)
def test_a_replay_gives_the_cards_of_the_live_service(story: Story) -> None:
    client = new_client()
    response = post(client, request_for(story.patient, *story.orders))
    live = [(id_of(card), card["indicator"], words_of(card)) for card in response.json()["cards"]]

    resources = [*resources_of(story.patient), *exported(story)]
    calls = replay_patient(story.patient, resources, CONTENTS, Rules(EVERYTHING), Counts())
    now = [call for call in calls if call.moment == MOMENT]

    assert [(card.id, card.indicator, card.words) for call in now for card in call.cards] == live


def test_the_command_counts_the_cards_of_the_live_service(tmp_path: Path) -> None:
    stories = {story.patient: story for story in PEOPLE}
    live: dict[str, int] = {}
    resources: list[Body] = []
    client = new_client()
    for patient, story in stories.items():
        resources += [*resources_of(patient), *exported(story)]
        for card in ids_of(post(client, request_for(patient, *story.orders)).json()["cards"]):
            live[card] = live.get(card, 0) + 1

    day = NOW.date().isoformat()
    report = report_of(write_export(tmp_path / "export", resources), tmp_path / "out", "--from", day, "--to", day)

    assert report["cards"] == live
