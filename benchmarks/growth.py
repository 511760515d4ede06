"""Plots the time per request against the number of results and of orders, as SVG."""

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
    """One line of a panel: milliseconds per request for each body."""

    name: str
    milliseconds: Sequence[float]


def plot(floor: str, service: str, path: Path, seconds: int) -> None:
    """Measures the floor and the service with every body, and writes both panels to `path`."""
    panels = [
        _panel(index, title, labels, lines)
        for index, (title, (labels, lines)) in enumerate(_measure(floor, service, seconds).items())
    ]
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
    note = f'<text x="{_LEFT}" y="18">Milliseconds of one core per request; both axes are logarithmic</text>'
    path.write_text("\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', note, *panels, "</svg>"]) + "\n")


def _measure(floor: str, service: str, seconds: int) -> dict[str, tuple[list[str], list[Line]]]:
    workloads = {
        "floor": (floor, "other"),
        "other drug": (service, "other"),
        "acetylcysteine": (service, "acetylcysteine"),
    }
    panels = {}
    for title, shapes in SHAPES.items():
        lines = [
            Line(name, [1000 / wrk(url, body(drug, **shape), seconds).rate for _, shape in shapes])
            for name, (url, drug) in workloads.items()
        ]
        panels[title] = ([label for label, _ in shapes], lines)
    return panels


def _panel(index: int, title: str, labels: list[str], lines: list[Line]) -> str:
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
    """The axis runs from 0.01 ms at the bottom to 100 ms at the top."""
    return _HEIGHT - 44 - (log10(milliseconds) + 2) / 4 * (_HEIGHT - 44 - _TOP)
