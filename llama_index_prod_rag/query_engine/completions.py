"""What counts as nothing written: an empty completion is not an answer, whatever a synthesizer makes of it."""

from __future__ import annotations

import re
import unicodedata

# What LlamaIndex's synthesizers put in an empty completion's place: refine and compact the first, the others str(None).
_STAND_INS = ("empty response", "none")
# Accumulate numbers what it got for each passage, and draws lines between.
_NUMBERED = re.compile(r"^Response \d+:[ \t]?", re.MULTILINE)
_LINES = re.compile(r"^-{5,}$", re.MULTILINE)


def without_numbering(text: str) -> str:
    r"""Take off the headings and lines with which LlamaIndex's accumulating synthesizers set their answers apart.

    Examples:
        >>> without_numbering("Response 1: Yes.\n---------------------\nResponse 2: No.").split()
        ['Yes.', 'No.']
    """
    return _LINES.sub("", _NUMBERED.sub("", text))


def is_blank(text: str) -> bool:
    r"""Tell whether a language model has written nothing: no letter, digit or symbol, or a synthesizer's stand-in.

    Examples:
        >>> is_blank("Response 1: Empty Response"), is_blank(" \n"), is_blank("None of them."), is_blank("7")
        (True, True, False, False)
    """
    return all(_says_nothing(line) for line in without_numbering(text).splitlines())


def may_stay_blank(beginning: str) -> bool:
    """Tell whether a stream that begins like this may still turn out to be blank."""
    stripped = beginning.strip().casefold()
    return _says_nothing(stripped) or any(stand_in.startswith(stripped) for stand_in in _STAND_INS)


def _says_nothing(line: str) -> bool:
    return line.strip().casefold() in _STAND_INS or not any(unicodedata.category(char)[0] in "LNS" for char in line)
