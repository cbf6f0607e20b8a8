"""JSON whose strings know where they stand, for readers of what programs store and people read. Core."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stubs leave it out
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # and this
from typing import Any

_PARTS = re.compile(r"[^\\]+|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")
_BLANK = re.compile(r"[\s,]*")


class Located(str):
    """A string of a file, and where its characters stand."""

    start: int
    end: int


def decode(text: str) -> object:
    r"""Decode a JSON document, or several, one per line; these become a list.

    Raises:
        ValueError: the text is not JSON.
        RecursionError: it nests too deeply.

    Examples:
        >>> decode('{"a": "b"}')["a"].start, decode('{"a": 1}\n{"a": 2}\n')
        (7, [{'a': 1}, {'a': 2}])
    """
    scan = _Decoder().scan_once
    found: list[object] = []
    position = _skip(text, 1 if text.startswith("\ufeff") else 0)
    while position < len(text):
        try:
            value, end = scan(text, position)
        except StopIteration as error:
            raise ValueError(f"no JSON value at character {error.value}") from None
        found.append(value)
        position = _skip(text, end)
    if not found:
        raise ValueError("no JSON value")
    return found[0] if len(found) == 1 else found


def pieces(source: str, located: Located) -> Iterator[tuple[str, int, int]]:
    """Give the stretches of a string between escapes as they stand, and each escape's character, with their places.

    Args:
        source: the text that was decoded.
        located: one of its strings.
    """
    for match in _PARTS.finditer(source, located.start, located.end):
        raw = match.group()
        yield (_unescape(raw) if raw[0] == "\\" else raw), match.start(), match.end()


def dicts(value: object) -> list[Mapping[str, Any]]:
    """Give the objects of an array; nothing where it is none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


class _Decoder(json.JSONDecoder):
    """The standard library's decoder with strings that are located."""

    def __init__(self) -> None:
        super().__init__(strict=False)
        self.parse_string = _locate
        self.scan_once = py_make_scanner(self)


def _locate(text: str, begin: int, strict: bool = True) -> tuple[Located, int]:
    value, end = scanstring(text, begin, strict)
    located = Located(value)
    located.start, located.end = begin, end - 1
    return located, end


def _skip(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match is not None else position


def _unescape(escape: str) -> str:
    try:
        return str(json.loads(f'"{escape}"'))
    except ValueError:
        return escape
