"""How cost grows with the body: time per request against its size, its orders and its results, as a plot in SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path

from benchmarks.bodies import body
from benchmarks.load import wrk

SHAPES = {
    "results (1 order)": [("10", {"results": 10}), ("100", {"results": 100}), ("1,000", {"results": 1000})],
    "orders (10 results)": [("1", {"orders": 1}), ("10", {"orders": 10}), ("100", {"orders": 100})],
}
_WIDTH, _HEIGHT, _LEFT, _TOP, _PANEL = 720, 320, 60, 40, 280
_COLOURS = {"floor": "#777", "other drug": "#0a6", "acetylcysteine": "#b40"}


@dataclass(frozen=True)
class Line:
    """Milliseconds per request for each shape of a panel."""

    name: str
    milliseconds: Sequence[float]


def plot(floor: str, service: str, path: Path, seconds: int) -> None:
    """Measures every shape at the floor and at the service, and draws both panels."""
    panels = [
        _panel(index, title, labels_and_lines)
        for index, (title, labels_and_lines) in enumerate(_measured(floor, service, seconds).items())
    ]
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
    note = f'<text x="{_LEFT}" y="18">Milliseconds of one core per request; both axes are logarithmic</text>'
    path.write_text("\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', note, *panels, "</svg>"]) + "\n")


def _measured(floor: str, service: str, seconds: int) -> dict[str, tuple[list[str], list[Line]]]:
    found = {}
    for title, shapes in SHAPES.items():
        kinds = {
            "floor": (floor, "other"),
            "other drug": (service, "other"),
            "acetylcysteine": (service, "acetylcysteine"),
        }
        lines = [
            Line(name, [1000 / wrk(url, body(drug, **shape), seconds).rate for _, shape in shapes])
            for name, (url, drug) in kinds.items()
        ]
        found[title] = ([label for label, _ in shapes], lines)
    return found


def _panel(index: int, title: str, measured: tuple[list[str], list[Line]]) -> str:
    labels, lines = measured
    left = _LEFT + index * (_PANEL + 60)
    xs = [left + step * _PANEL / (len(labels) - 1) for step in range(len(labels))]
    parts = [f'<text x="{left}" y="{_HEIGHT - 8}">{title}</text>']
    for x, label in zip(xs, labels, strict=True):
        parts.append(f'<text x="{x:.0f}" y="{_HEIGHT - 26}" text-anchor="middle">{label}</text>')
    for power in range(-2, 3):
        y = _y(10.0**power)
        parts.append(f'<line x1="{left}" x2="{left + _PANEL}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{10.0**power:g}</text>')
    for row, line in enumerate(lines):
        points = " ".join(f"{x:.0f},{_y(value):.0f}" for x, value in zip(xs, line.milliseconds, strict=True))
        colour = _COLOURS[line.name]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{left + 8}" y="{_TOP + 14 + 15 * row}" fill="{colour}">{line.name}</text>')
    return "\n".join(parts)


def _y(milliseconds: float) -> float:
    """From 0.01 ms at the bottom to 100 ms at the top."""
    return _HEIGHT - 44 - (log10(milliseconds) + 2) / 4 * (_HEIGHT - 44 - _TOP)
