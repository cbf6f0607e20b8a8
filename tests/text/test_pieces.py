"""What of a passage can be quoted by itself."""

from __future__ import annotations

import time

import pytest

from llama_index_prod_rag.text.pieces import split_pieces


def read(text: str) -> list[str]:
    pieces = split_pieces(text)
    assert all(0 <= piece.start < piece.end <= len(text) for piece in pieces)
    return [piece.reading for piece in pieces]


@pytest.mark.parametrize(
    ("table", "header"),
    [
        ("| runner | hall |\n|---|---|\n| r1 | North |\n| r2 | South |", "| runner | hall |"),
        (
            "+----+----+\n| runner | hall |\n+====+====+\n| r1 | North |\n+----+----+\n| r2 | South |",
            "| runner | hall |",
        ),
        ("runner | hall\nr1 | North\nr2 | South", "runner | hall"),
        ("runner,hall\nr1,North\nr2,South", "runner,hall"),
        ("runner\thall\nr1\tNorth\nr2\tSouth", "runner\thall"),
        ("runner;hall\nr1;North\nr2;South", "runner;hall"),
    ],
    ids=["Markdown", "reStructuredText", "rendered HTML", "CSV", "TSV", "semicolons"],
)
def test_rows_are_read_with_their_header(table: str, header: str) -> None:
    text = f"The halls follow.\n\n{table}\n"
    assert read(text) == ["The halls follow.", "runner: r1; hall: North", "runner: r2; hall: South"]
    assert {piece.header for piece in split_pieces(text)[1:]} == {header}


def test_the_second_half_of_a_table_has_no_header() -> None:
    (first, second) = split_pieces("| r1 | North |\n| r2 | South |")
    assert (first.header, first.reading, second.reading) == ("", "r1 North", "r2 South")


def test_blocks_stay_whole() -> None:
    fence = "```sh\nkeyctl rotate --now\n\nkeyctl list\n```"
    code = "def rotate(key):\n    key.turn()\n    return key"
    settings = "vault:\n  address: 10.0.0.1\n  days: 90"
    text = f"Run this.\n\n{fence}\n\nOr that.\n\n{code}\n\n{settings}"
    assert read(text) == [
        "Run this.",
        fence,
        "Or that.",
        code,
        "vault: address: 10.0.0.1; days: 90",
    ]
    assert text[split_pieces(text)[-1].start :] == settings


def test_records_are_lines_and_prose_with_commas_is_prose() -> None:
    log = ["2024-01-01 12:00:00 ERROR key expired", "2024-01-01 12:00:01 INFO renewed"]
    assert read("\n".join(log)) == log
    prose = "the hall, the vault, and the park\nare closed, sadly, and stay so."
    assert len(read(prose)) == 1


def test_a_long_block_is_cut_at_its_lines() -> None:
    pieces = split_pieces("```\n" + "".join(f"line {number};\n" for number in range(500)) + "```")
    assert max(piece.end - piece.start for piece in pieces) <= 1200
    assert len(pieces) > 3


@pytest.mark.parametrize(
    "line", ["a,b\n", "w, x\nfoo\n", "    x\ny\n", "| a\n", "---\n", "a | b\n---\n", "```\n", '"\n']
)
def test_time_grows_with_the_text(line: str) -> None:
    def seconds(times: int) -> float:
        began = time.process_time()
        split_pieces(line * times)
        return time.process_time() - began

    small, large = min(seconds(1000) for _ in range(3)), min(seconds(4000) for _ in range(2))
    assert large < 10 * small + 0.05  # four times the text; sixteen times the seconds would be quadratic
