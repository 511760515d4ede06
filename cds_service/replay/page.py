"""The report as pages that stand alone: they load nothing, and print."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import ValidationError

from cds_service.clinical.vocabulary import Vocabulary
from cds_service.guidance.model import Content
from cds_service.replay.explaining import ExplainedCall
from cds_service.replay.report import NOT_REBUILT_AT_ALL, Report
from cds_service.site.rows import CodeTable

_ENVIRONMENT = Environment(
    loader=PackageLoader("cds_service.replay", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
WIDTH, HEIGHT, _TOP, _BOTTOM = 640, 90, 8, 18


@dataclass(frozen=True)
class Bar:
    """A week: where its bar stands, how high it is, and what it says."""

    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True)
class WeekChart:
    """A number for each week, as bars; the first and the last week are labelled."""

    title: str
    bars: tuple[Bar, ...]
    first: str
    last: str
    most: int


def draw_weeks(title: str, numbers: Mapping[str, int], weeks: Sequence[str]) -> WeekChart:
    """The chart of numbers by week; a week without any is a gap."""
    most = max(numbers.values(), default=0)
    step = WIDTH / max(len(weeks), 1)
    room = HEIGHT - _TOP - _BOTTOM
    bars = []
    for place, week in enumerate(weeks):
        number = numbers.get(week, 0)
        height = round(room * number / most, 1) if most else 0.0
        x, width = round(place * step, 1), round(max(step - 1, 0.6), 1)
        bars.append(Bar(x, round(_TOP + room - height, 1), width, height, f"{week}: {number}"))
    return WeekChart(title, tuple(bars), weeks[0] if weeks else "", weeks[-1] if weeks else "", most)


def all_weeks(found: Iterable[str]) -> list[str]:
    """Every week from the first to the last."""
    weeks = sorted(found)
    if not weeks:
        return []
    day, end = _monday(weeks[0]), _monday(weeks[-1])
    listed = []
    while day <= end:
        year, week, _ = day.isocalendar()
        listed.append(f"{year}-W{week:02d}")
        day += timedelta(days=7)
    return listed


def _monday(week: str) -> date:
    year, _, number = week.partition("-W")
    return date.fromisocalendar(int(year), int(number), 1)


def report_page(report: Report, content: Content) -> str:
    """The report."""
    plain = report.as_plain()
    weeks = all_weeks(report.tally.orders_by_week)
    titles = {card.id: card.title for card in content.cards}
    charts = [draw_weeks("Orders for acetylcysteine", report.tally.orders_by_week, weeks)]
    charts += [
        draw_weeks(titles.get(card_id, card_id), report.tally.by_week[card_id], weeks) for card_id in plain["cards"]
    ]
    return _ENVIRONMENT.get_template("report.html").render(
        report=plain,
        charts=charts,
        titles=titles,
        fired=list(dict.fromkeys([*plain["cards"], *plain["kept_silent_by_the_site_file"]])),
        never=[
            card
            for card in content.cards
            if card.id not in report.tally.cards and card.id not in report.tally.kept_silent
        ],
        uses=sorted(report.tally.orders_by_use),
        most=max(plain["per_100_orders"].values(), default=0),
        share_without=_share(report.tally.orders_without_card, report.tally.orders),
        not_rebuilt=NOT_REBUILT_AT_ALL,
        site_rows=site_rows(plain["data_quality"]["codes_not_read"], content.vocabulary),
        width=WIDTH,
        height=HEIGHT,
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def site_rows(codes: Iterable[Mapping[str, Any]], vocabulary: Vocabulary) -> str:
    """`[[code]]` rows for the site file, one for each code of a result or drug; somebody has to check each.

    A code that no row of the site file can hold is left out.
    """
    rows = []
    for code in codes:
        meaning = _meaning_of(code["looks_like"], vocabulary)
        try:
            row = CodeTable(system=code["system"], code=code["code"], means=meaning)
        except ValidationError:
            continue
        rows.append(
            f"# seen {code['seen']:,} times: check what it is, and what else of {code['looks_like']}.csv it may mean\n"
            f'[[code]]\nsystem = "{row.system}"\ncode = "{row.code}"\nmeans = "{row.means}"\n'
        )
    return "\n".join(rows)


def _meaning_of(looks_like: str, vocabulary: Vocabulary) -> str:
    """The code of a list that says least beyond what the list is for; empty where there is no such list."""
    listed = vocabulary.code_lists.get(looks_like)
    rows = [row for row in listed.rows if row.included and not row.code.endswith("*")] if listed else []
    first = min(rows, key=lambda row: sum(map(bool, row.extra.values())), default=None)
    return f"{first.system}|{first.code}" if first else ""


def explained_page(title: str, lead: str, groups: Mapping[str, Sequence[ExplainedCall]]) -> str:
    """Calls with their explanation, for a person who may see the data."""
    return _ENVIRONMENT.get_template("explained.html").render(title=title, lead=lead, groups=groups)
