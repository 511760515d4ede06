"""Whom a site's own interval fits: its limits of sex and age, each on and beside its boundary."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.labs.site_intervals import SiteInterval


@pytest.mark.parametrize(
    ("limits", "age", "sex", "expected"),
    [
        pytest.param({}, 40, "female", True, id="no-limits"),
        pytest.param({}, None, "", True, id="no-limits-and-nothing-known"),
        pytest.param({"sex": "female"}, None, "female", True, id="her-sex"),
        pytest.param({"sex": "female"}, 40, "male", False, id="not-his-sex"),
        pytest.param({"sex": "female"}, 40, "", False, id="a-sex-that-is-not-known"),
        pytest.param({"from_years": 18}, 17, "male", False, id="just-too-young"),
        pytest.param({"from_years": 18}, 18, "male", True, id="just-old-enough"),
        pytest.param({"from_years": 1}, 0, "male", False, id="an-infant"),
        pytest.param({"from_years": 1}, None, "male", False, id="an-age-that-is-not-known"),
        pytest.param({"to_years": 65}, 65, "male", True, id="just-young-enough"),
        pytest.param({"to_years": 65}, 66, "male", False, id="just-too-old"),
        pytest.param({"to_years": 65}, 0, "male", True, id="an-infant-below-an-upper-limit"),
        pytest.param({"to_years": 65}, None, "male", False, id="an-age-that-is-not-known-below-an-upper-limit"),
        pytest.param({"from_years": 18, "to_years": 65}, 66, "male", False, id="beyond-the-second-limit"),
        pytest.param({"from_years": 18, "to_years": 65, "sex": "male"}, 40, "male", True, id="within-all-limits"),
        pytest.param({"from_years": 18, "to_years": 65, "sex": "male"}, 40, "female", False, id="all-but-the-sex"),
    ],
)
def test_an_interval_fits_within_its_limits_only(
    limits: dict[str, Any], age: int | None, sex: str, expected: bool
) -> None:
    assert SiteInterval(Decimal(24), Decimal(80), **limits).fits(age, sex) is expected
