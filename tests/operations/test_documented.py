"""docs/operating.md says what is true: the settings, the log lines, the exit statuses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cds_service.settings import as_markdown, describe, with_table
from tests.command import run_command
from tests.processes import BODY, PATIENCE, SERVICE, serving
from tests.support import ROOT

PAGE = ROOT / "docs" / "operating.md"
OPERATING = PAGE.read_text(encoding="utf-8")
NO_DATA = json.dumps({**json.loads(BODY), "prefetch": {}}).encode()


# ---------------------------------------------------------------- settings


def test_the_table_of_settings_is_the_one_of_now() -> None:
    assert run_command("settings", "--page", str(PAGE), "--check").exit_code == 0
    assert [name for name, _, _ in describe() if f"| `{name}` |" not in OPERATING] == []


def test_a_table_that_differs_is_refused_and_then_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- settings -->\n| old |\n<!-- /settings -->\nafter\n", encoding="utf-8")

    refused = run_command("settings", "--page", str(page), "--check")
    assert refused.exit_code == 1
    assert "differs from the settings" in refused.output
    assert "| old |" in page.read_text(encoding="utf-8")

    assert run_command("settings", "--page", str(page)).exit_code == 0
    assert page.read_text(encoding="utf-8") == (
        f"before\n<!-- settings -->\n{as_markdown()}<!-- /settings -->\nafter\n"
    )
    assert run_command("settings", "--page", str(page), "--check").exit_code == 0


def test_a_page_without_marks_is_not_given_a_table_and_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here\n", encoding="utf-8")

    for words in (["--check"], []):
        refused = run_command("settings", "--page", str(page), *words)
        assert refused.exit_code == 1
        assert "marks" in refused.output
    assert page.read_text(encoding="utf-8") == "nothing here\n"


def test_the_table_is_printed() -> None:
    assert run_command("settings", "--markdown").stdout == as_markdown()
    assert with_table(OPERATING) == OPERATING


# ---------------------------------------------------------------- the log


def examples() -> list[dict[str, Any]]:
    block = next(one for one in re.findall(r"^```json\n(.*?)^```", OPERATING, re.M | re.S) if '"event"' in one)
    return [json.loads(line) for line in block.splitlines()]


def test_the_log_lines_that_are_shown_have_the_fields_of_real_ones(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.ask(SERVICE, BODY)
        assert service.ask(SERVICE, NO_DATA)[0] == 412
    real = {line["event"]: line for line in map(json.loads, service.written().splitlines())}

    assert (
        {one["event"] for one in examples()}
        == {"serving", "answered", "refused"}
        == set(real) - {"open", "database up"}
    )
    for one in examples():
        assert one.keys() == real[one["event"]].keys()
        assert {name: type(value) for name, value in one.items()} == {
            name: type(value) for name, value in real[one["event"]].items()
        }


def test_every_event_that_is_logged_is_explained() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "cds_service").rglob("*.py"))
    logged = re.findall(r'get_logger\(\)\.(\w+)\(\s*"([^"]+)"', code)

    assert len(logged) >= 5
    assert [event for level, event in logged if f"| `{event}` | {level} |" not in OPERATING] == []


# ---------------------------------------------------------------- how it ends


@pytest.mark.parametrize(
    ("status", "arguments", "settings"),
    [
        (1, [], {"CDS_CARDS": "/nowhere"}),
        (2, ["--host", "0.0.0.0"], {}),
    ],
    ids=["no content", "open to all"],
)
def test_it_ends_with_the_status_that_is_documented(
    tmp_path: Path, status: int, arguments: list[str], settings: dict[str, str]
) -> None:
    with serving(tmp_path, *arguments, wait=False, settings=settings) as service:
        assert service.process.wait(PATIENCE) == status
    assert "Traceback" not in service.written()


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with serving(tmp_path) as first, serving(tmp_path, port=first.port, wait=False) as second:
        assert second.process.wait(PATIENCE) == 3
    assert "Traceback" not in second.written()
    assert '"serving"' not in second.written()  # it would be the other process that serves there
