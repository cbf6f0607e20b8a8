"""The values of Roman and Chinese numerals and of letters that number something. Core: strings alone."""

from __future__ import annotations

import re

_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_ROMAN_NUMERAL = re.compile(r"(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
_HAN_DIGITS = ("〇零", "一", "二两兩", "三", "四", "五", "六", "七", "八", "九")
_HAN = {sign: value for value, signs in enumerate(_HAN_DIGITS) for sign in signs}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000}


def han_value(numeral: str) -> int | None:
    """Compute the value of a number in Chinese characters, or None.

    Examples:
        >>> han_value("一百二十三"), han_value("十五"), han_value("二〇"), han_value("甲")
        (123, 15, 20, None)
    """
    if not numeral or not set(numeral) <= _HAN.keys() | _HAN_UNITS.keys():
        return None
    if not set(numeral) & _HAN_UNITS.keys():
        return int("".join(str(_HAN[sign]) for sign in numeral))
    value = digit = 0
    for sign in numeral:
        if sign in _HAN:
            digit = _HAN[sign]
        else:
            value, digit = value + (digit or 1) * _HAN_UNITS[sign], 0
    return value + digit


def is_han(number: str) -> bool:
    """Whether a number is written in Chinese characters."""
    return number[0] in _HAN or number[0] in _HAN_UNITS


def roman_value(numeral: str) -> int | None:
    """Compute the value of a Roman numeral below 90, or None.

    Examples:
        >>> roman_value("xiv"), roman_value("b"), roman_value("iiii")
        (14, None, None)
    """
    numeral = numeral.lower()
    if not numeral or _ROMAN_NUMERAL.fullmatch(numeral) is None:
        return None
    values = [_ROMAN[letter] for letter in numeral]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))


def letter_value(letters: str) -> int | None:
    """Find the place of a, b, ..., z, aa, bb, ...; None for anything else.

    Examples:
        >>> letter_value("c"), letter_value("BB"), letter_value("ab")
        (3, 28, None)
    """
    letters = letters.lower()
    if len(set(letters)) != 1 or not "a" <= letters[0] <= "z":
        return None
    return ord(letters[0]) - ord("a") + 1 + 26 * (len(letters) - 1)
