"""What the models of content refuse beside what `tests/cards/test_broken_content.py` shows on real files."""

import pytest
from pydantic import ValidationError

from cds_service.guidance.model import Screen, SuggestionRow

SUGGESTION = {"label": "Label", "description": "Description"}


@pytest.mark.parametrize(
    "members",
    [
        {"does": "set-daily-dose"},
        {"does": "remove-order", "daily_mg": 2400},
        {"does": "order-amino-acids", "daily_mg": 2400},
    ],
    ids=["a dose that is not there", "a dose to remove", "a dose of a laboratory order"],
)
def test_setting_a_dose_and_nothing_else_has_one(members: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="and nothing else, has daily_mg"):
        SuggestionRow.model_validate({**SUGGESTION, **members})


def test_a_screen_is_for_uses_that_exist() -> None:
    with pytest.raises(ValidationError, match="no use is called sublingual"):
        Screen.model_validate({"fact": "kidney", "uses": ["other", "sublingual"], "because": "for the test"})
