"""What reading needs of content: each list and threshold that is not there is named with its file."""

from cds_service.clinical.vocabulary import CODE_LISTS, NAME_LISTS, THRESHOLDS, Vocabulary
from tests.support import VOCABULARY


def test_of_the_content_of_this_service_nothing_is_missing() -> None:
    assert VOCABULARY.missing() == []


def test_of_no_content_everything_is_missing_and_each_thing_is_named_with_its_file() -> None:
    lists = [(f"codelists/{name}.csv", name) for name in (*CODE_LISTS, *NAME_LISTS)]

    assert Vocabulary({}, {}, {}).missing() == [*lists, *(("thresholds.toml", name) for name in THRESHOLDS)]


def test_only_what_is_missing_is_named() -> None:
    names = {name: one for name, one in VOCABULARY.name_lists.items() if name != "route-words"}

    assert Vocabulary(VOCABULARY.code_lists, names, VOCABULARY.thresholds).missing() == [
        ("codelists/route-words.csv", "route-words")
    ]
