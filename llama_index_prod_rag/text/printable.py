"""Text from documents and people, made safe for a terminal or a log line. Core.

A terminal obeys what is printed on it: escape sequences move the cursor, forge lines and write the clipboard (OSC 52);
bidirectional controls show a line in another order than it has (Boucher and Anderson, "Trojan Source", 2021).
"""

from __future__ import annotations

import json
import re

# C0 and C1 controls but tab and line feed, surrogates, line separators, directional marks and overrides, invisible
# characters, interlinear marks and tags. ZWNJ and ZWJ stay: Persian, Indic scripts and emoji are written with them.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\u200b\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def make_printable(text: str) -> str:
    """Replace what a terminal would obey or hide by U+FFFD; tabs and line feeds stay, CR LF becomes a line feed.

    Examples:
        >>> make_printable("a" + chr(27) + "[31mred" + chr(0x202E) + "b").isprintable()
        True
    """
    return _HARMFUL.sub(_REPLACEMENT, text.replace("\r\n", "\n"))


def make_line(text: str) -> str:
    r"""Make a text printable on one line, runs of white space as one blank.

    Examples:
        >>> make_line("two\n  lines")
        'two lines'
    """
    return make_printable(" ".join(text.split()))


def escape_json(text: str) -> str:
    r"""Write what a terminal would obey or hide as escapes in a JSON text, whose value stays the same.

    Examples:
        >>> escape_json('"a' + chr(0x202E) + '"')
        '"a\\u202e"'
    """
    return _HARMFUL.sub(lambda found: json.dumps(found.group())[1:-1], text)
