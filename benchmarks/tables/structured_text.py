"""The table of the structured-text benchmark on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COLUMNS = (("there", "refused"), ("there", "hedged"), ("there", "quoted"), ("gone", "answered"), ("gone", "hedged"))


def structured_text_table(found: Mapping[str, Any]) -> list[list[str]]:
    """Put the result into rows: all questions, all with passages read as a whole, and each kind."""
    rows = {"all": found["all"], "all, passages alone": found["passages alone"], **found["kinds"]}
    head = ["", "n", *(f"{kind}: {what}" for kind, what in _COLUMNS)]
    return [head, *([name, *_cells(row)] for name, row in rows.items())]


def _cells(row: Mapping[str, Any]) -> list[str]:
    counts = f"{row['there']['n']} + {row['gone']['n']}"
    return [counts, *(_write_rate(row[kind][what]) for kind, what in _COLUMNS)]


def _write_rate(rate: Mapping[str, float] | None) -> str:
    return "" if rate is None else f"{rate['rate']:.2f} [{rate['low']:.2f}, {rate['high']:.2f}]"
