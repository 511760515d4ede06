"""Site files for the tests."""

from pathlib import Path

WHO = 'because = "under review"\ndecided_by = "drug committee"\ndecided_on = 2026-11-20\n'


def card_row(mode: str, **keys: object) -> str:
    """A `[[card]]` row with these keys; a tuple stands for a list."""
    values = {key: [*value] if isinstance(value, tuple) else value for key, value in keys.items()}
    written = "".join(f"{key} = {value!r}\n" for key, value in values.items())
    return f'[[card]]\nmode = "{mode}"\n{written}{WHO}'


def write_site(folder: Path, *parts: str) -> Path:
    """A site file of these parts."""
    file = folder / "site.toml"
    file.write_text("\n".join(parts), encoding="utf-8")
    return file
