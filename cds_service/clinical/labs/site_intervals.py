"""A site's own reference intervals, used only for a result without a reference range. None is built in."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SiteInterval:
    """An interval in µmol/L, limited to a sex or to ages in completed years where these are set."""

    low: Decimal
    high: Decimal
    sex: str = ""
    from_years: int = 0
    to_years: int | None = None

    def fits(self, age: int | None, sex: str) -> bool:
        """True if the interval is for a patient of this age and sex; an unknown age or sex fits no limit."""
        if self.sex and self.sex != sex:
            return False
        if self.from_years == 0 and self.to_years is None:
            return True
        return age is not None and self.from_years <= age and (self.to_years is None or age <= self.to_years)
