"""Characters that a terminal obeys."""

from __future__ import annotations

import pytest

from llama_index_prod_rag.text.printable import make_line, make_printable


@pytest.mark.parametrize(
    "harmful", [0x1B, 0x07, 0x0D, 0x9B, 0x202E, 0x2066, 0x200B, 0xFEFF, 0xE0041, 0x2028, 0xD800], ids=hex
)
def test_what_a_terminal_would_obey_or_hide_is_replaced(harmful: int) -> None:
    assert make_printable("a" + chr(harmful) + "b") == "a\ufffdb"


def test_languages_and_layout_stay() -> None:
    text = "می\u200cخواهم 👨\u200d👩\u200d👧 naïve\n\tcode"
    assert make_printable(text) == text
    assert make_line("a\n\tb \r\n c") == "a b c"
