"""Whatever is typed, the answer is a line or two that says what is wrong, and a status; never a traceback."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from typer.main import get_command

from cds_service.cli import cli
from tests.command import NO_PORT, run_command, with_taken_port
from tests.processes import BODY, PATIENCE, environment, free_port, serving, wait_until
from tests.support import FIXTURES, ROOT

REQUEST = str(FIXTURES / "requests" / "ines-allergic.oral-600-twice-daily.order-sign.json")

# What is typed, the status, and words of the answer.
WRONG: list[tuple[str, int, str]] = [
    ("nonsense", 2, "No such command 'nonsense'"),
    ("serve --nonsense", 2, "No such option"),
    ("serve --port 99999", 2, "'--port'"),
    ("serve --port http", 2, "'--port'"),
    ("serve --workers 0", 2, "'--workers'"),
    (f"serve --port {NO_PORT}", 3, "another program listens there"),
    (f"serve --workers 2 --port {NO_PORT}", 3, "another program listens there"),
    ("serve --host 0.0.0.0", 2, "is not loopback"),
    ("explain", 2, "Missing argument"),
    ("explain nofile.json", 2, "file 'nofile.json' does not exist"),
    ("explain folder", 2, "file 'folder' is a directory"),
    ("explain binary", 1, "Not a CDS Hooks request"),
    (f"explain {REQUEST} --now yesterday", 2, "'--now'"),
    (f"explain {REQUEST} --at yesterday", 2, "is neither a day"),
    (f"explain {REQUEST} --at 2026-02-30", 2, "is neither a day"),
    (f"explain {REQUEST} --at 2026-11", 2, "is neither a day"),
    (f"explain {REQUEST} --at 9999-12-31", 2, "is in the future"),
    (f"explain {REQUEST} --at 9999-12-31T23:59:59-14:00", 2, "is neither a day"),
    (f"explain {REQUEST} --at 2026-11-01 --now 2026-11-01", 2, "only one of them"),
    ("check --cards nowhere", 1, "nowhere:1: the folder of the content is missing"),
    ("check --cards binary", 1, "binary:1: the folder of the content is missing"),
    ("check --fixtures nowhere", 1, "nowhere:1: no folder of the examples"),
    ("check --fixtures folder", 1, "folder:1: no folder of the examples"),
    ("manifest --cards nowhere", 1, "the folder of the content is missing"),
    ("manifest --cards folder", 1, "folder:1: no content is in this folder"),
    ("review-pages --fixtures nowhere", 1, "nowhere:1: no folder of the examples"),
    ("review-pages --folder binary", 1, "binary: File exists"),
    ("settings --page nofile", 2, "file 'nofile' does not exist"),
    ("settings --page folder", 2, "file 'folder' is a directory"),
    ("settings --page binary", 1, "not text in UTF-8"),
    ("settings --check", 2, "it needs --page"),
    ("report", 1, "there is no file records.sqlite3"),
    ("report --csv --json", 2, "only one of them"),
    ("report --since yesterday", 2, "'--since'"),
    ("report everything", 2, "unexpected extra argument"),
    ("migrate --database records.sqlite3", 2, "No such option"),
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a folder and a file that is no text; the database would be made in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CDS_DATABASE_URL", "sqlite:///records.sqlite3")
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(("typed", "status", "says"), WRONG, ids=[typed for typed, _, _ in WRONG])
def test_a_wrong_command_is_answered_in_words(typed: str, status: int, says: str) -> None:
    done = run_command(*typed.split())
    assert done.exit_code == status
    assert says in done.output
    assert not Path("records.sqlite3").exists()


# ---------------------------------------------------------------- every command, and what it declares


WRONG_VALUES: dict[type, tuple[str, ...]] = {
    Path: ("nowhere", "nowhere/at/all", "folder", "binary", "/dev/null/x"),
    int: ("abc", "-1", "99999999999"),
    float: ("abc",),
    datetime: ("yesterday", "2026-13-01"),
    date: ("yesterday", "2026-13-01"),
}
ANY_TEXT = {str, bool}


def type_of(parameter: Any, command: Any) -> type:
    """What a parameter is declared to be, without None."""
    declared: type = get_type_hints(command.callback)[parameter.name]
    given: list[type] = [part for part in get_args(declared) if part is not NoneType]
    return given[0] if isinstance(declared, UnionType) else declared


def wrong_values_of(declared: Any) -> tuple[str, ...]:
    """None for a text, which may be anything."""
    is_choice = get_origin(declared) is Literal or issubclass(declared, Enum)
    return ("nonsense",) if is_choice else WRONG_VALUES.get(declared, ())


def arguments_of(words: tuple[str, ...], command: Any) -> Iterator[tuple[str, ...]]:
    """A command with an option that it lacks, with too many arguments, and with wrong values of its parameters."""
    needed = ["binary" for parameter in command.params if parameter.required]
    needed += ["--port", NO_PORT] if words == ("serve",) else []
    yield (*words, "--nonsense")
    yield (*words, *needed, "too", "many", "arguments")
    for parameter in command.params:
        for value in wrong_values_of(type_of(parameter, command)):
            is_option = parameter.param_type_name == "option"
            yield (*words, *needed, parameter.opts[0], value) if is_option else (*words, value)


def commands_of(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it, as they are registered; those of groups too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, (*before, name))
        else:
            yield (*before, name), command


COMMANDS = dict(commands_of(get_command(cli)))
TYPED = [typed for words, command in COMMANDS.items() for typed in arguments_of(words, command)]


def test_every_command_is_typed_wrongly() -> None:
    assert set(COMMANDS) >= {("serve",), ("check",), ("explain",), ("report",), ("migrate",)}
    declared = {type_of(parameter, command) for command in COMMANDS.values() for parameter in command.params}
    assert {kind for kind in declared if not wrong_values_of(kind)} <= ANY_TEXT


@pytest.mark.parametrize("words", TYPED, ids=" ".join)
def test_no_wrong_argument_of_any_command_is_a_traceback(words: tuple[str, ...]) -> None:
    done = run_command(*words)  # an error that the command does not expect is raised
    assert done.exit_code in (0, 1, 2, 3)
    assert done.output.strip() or done.exit_code == 0
    assert "Traceback" not in done.output


@pytest.mark.parametrize("words", [(), *COMMANDS], ids=lambda words: " ".join(words) or "alone")
def test_help_has_a_short_name_and_no_frame(words: list[str]) -> None:
    short, long = run_command(*words, "-h"), run_command(*words, "--help")
    assert short.exit_code == long.exit_code == 0
    assert short.output == long.output
    assert "Usage: " in short.output
    assert "─" not in short.output


def test_the_shell_can_complete_commands() -> None:
    assert "--install-completion" in run_command("--help").output


# ---------------------------------------------------------------- as processes


def run_process(*words: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own, in the current folder."""
    return subprocess.run(
        [sys.executable, "-m", "cds_service", *with_taken_port(words)],
        env={**environment({}), "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_taken_port_is_said_in_one_line_and_nothing_else_is() -> None:
    for workers in ("1", "2"):
        done = run_process("serve", "--port", NO_PORT, "--workers", workers, CDS_DEMO="on")
        assert (done.returncode, done.stdout) == (3, b"")
        assert done.stderr.count(b"\n") == 1
        assert b"another program listens there" in done.stderr


@pytest.mark.parametrize("words", [["settings"], ["explain", REQUEST], ["check"]], ids=lambda words: str(words[0]))
def test_a_terminal_that_knows_ascii_alone_is_enough(words: list[str]) -> None:
    done = run_process(*words, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_what_a_command_refuses_goes_to_standard_error() -> None:
    done = run_process("report", "--json", CDS_DATABASE_URL="sqlite:///records.sqlite3")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"No report: there is no file")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m cds_service settings | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True
    )
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("folder", ["mistyped", "mistyped/deeper"])
def test_no_mistyped_folder_is_made_for_a_database(folder: str) -> None:
    done = run_command("migrate", settings={"CDS_DATABASE_URL": f"sqlite:///{folder}/records.sqlite3"})
    assert (done.exit_code, done.output.startswith(f"Not migrated: there is no folder {folder}:")) == (1, True)
    assert not Path("mistyped").exists()


# ---------------------------------------------------------------- starting, on a terminal and elsewhere


def read_terminal(primary: int) -> Callable[[], str]:
    """A function that returns what has been written to a terminal so far."""
    os.set_blocking(primary, False)
    written = bytearray()

    def read() -> str:
        with suppress(OSError):  # nothing is new, or it is closed
            written.extend(os.read(primary, 100_000))
        return written.decode()

    return read


def test_on_a_terminal_the_start_is_readable_and_ends_with_the_address_to_open() -> None:
    primary, secondary = pty.openpty()
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "cds_service", "serve", "--port", str(port)],
        env={**environment({"CDS_DEMO": "on"}), "PYTHONPATH": str(ROOT)},
        stdout=secondary,
        stderr=secondary,
    )
    os.close(secondary)
    read = read_terminal(primary)
    try:
        wait_until(lambda: f"Open http://127.0.0.1:{port}/ in a browser" in read(), read)
        lines = [line for line in read().splitlines() if line]
        assert not any(line.startswith("{") for line in lines)
        assert any("serving" in line and f"url='http://127.0.0.1:{port}/cds-services'" in line for line in lines)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        os.close(primary)


def test_elsewhere_every_line_of_the_start_is_json(tmp_path: Path) -> None:
    with serving(tmp_path, settings={"CDS_DEMO": "on"}) as service:
        assert service.ask("/cds-services/acetylcysteine-order-sign", BODY)[0] == 200
    assert service.written()
    assert all(line.startswith("{") for line in service.written().splitlines())
