"""Cells of CSV files that a spreadsheet must not obey."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def defuse(cell: str) -> str:
    """The text of a cell; with an apostrophe before one that a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
