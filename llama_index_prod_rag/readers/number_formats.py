"""What a cell shows of the number, date or time that it holds, by its number format (ECMA-376 Part 1, 18.8.30).

Two things depend on the reader's country and are left out: separators of thousands, and dates in the "short" form of
the country, which are written as ISO 8601 has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple


class Value(str):
    """What a cell shows where it holds no text, so that a row of names can be told from a row of values."""

    __slots__ = ()


class _Token(NamedTuple):
    kind: str
    text: str


_TOKEN = re.compile(
    r"""(?xi) "(?P<quoted>[^"]*)" | \\(?P<escaped>.) | [_*](?P<width>.) | \[\$(?P<currency>[^\]-]*)[^\]]*\]
    | \[(?P<elapsed>h+|m+|s+)\] | \[(?P<condition>[<>=][^\]]*)\] | \[(?P<other>[^\]]*)\] | (?P<section>;)
    | (?P<half>am/pm|a/p) | (?P<general>general) | (?P<exponent>e[+-]) | (?P<date>y+|m+|d+|h+|s+)
    | (?P<place>[0\#?]) | (?P<point>\.) | (?P<comma>,) | (?P<percent>%) | (?P<text>@) | (?P<slash>/) | (?P<literal>.)"""
)
_SILENT = frozenset({"width", "other", "section", "text", "comma"})
_LITERAL = frozenset({"quoted", "escaped", "currency", "literal", "slash"})
# The built-in forms 14 and 22 are the short date of whoever looks; what programs write by default is ISO already.
_OF_THE_COUNTRY = re.compile(r"(?i)mm-dd-yy\Z|m/d/yy(?: h:mm)?\Z|general\Z|yyyy-mm-dd|\[\$-F[48]00\]")
_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905
_DIGITS = 15  # that a spreadsheet keeps of a number


def show(value: object, number_format: str) -> str:
    """Write a value as its cell shows it; `Value` where it is no text, nothing for an empty cell.

    Examples:
        >>> show(12, "0000"), show(0.125, "0.0%"), show(1234.5, '#,##0.00 "€"'), show(123456789, "000-00-0000")
        ('0012', '12.5%', '1234.50 €', '123-45-6789')
        >>> show(date(2024, 5, 1), "dd.mm.yyyy"), show("0012", "General"), show(None, "0")
        ('01.05.2024', '0012', '')
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return Value(str(value).upper())
    sections = _sections(number_format)
    if isinstance(value, int | float):
        return Value(_show_number(value, sections))
    if isinstance(value, timedelta):
        return Value(_show_time_span(value, sections[0]))
    if isinstance(value, date | time):
        return Value(_show_date(value, number_format, sections[0]))
    return str(value)


@lru_cache(maxsize=1024)
def _sections(number_format: str) -> tuple[tuple[_Token, ...], ...]:
    """The parts for positive and negative numbers, zero, and text."""
    found: list[list[_Token]] = [[]]
    for match in _TOKEN.finditer(number_format or "General"):
        kind = match.lastgroup or ""
        if kind == "section":
            found.append([])
        else:
            found[-1].append(_Token(kind, match[kind]))
    return tuple(map(tuple, found))


def _show_number(value: float, sections: Sequence[Sequence[_Token]]) -> str:
    plain = _plain(value)
    kinds = {token.kind for section in sections for token in section}
    if "condition" in kinds or "nan" in plain or "inf" in plain:
        return plain
    number = Decimal(plain)
    at = 1 if number < 0 and len(sections) > 1 else 2 if number == 0 and len(sections) > 2 else 0
    shown = _fill(abs(number), sections[at])
    # A section that writes nothing hides the number from whoever looks, not from whoever asks.
    return plain if shown is None or not shown.strip() else f"{'-' * (number < 0 and at == 0)}{shown}".strip()


def _plain(value: float) -> str:
    return str(int(value)) if isinstance(value, int) or value.is_integer() else f"{value:.{_DIGITS}g}"


def _fill(number: Decimal, section: Sequence[_Token]) -> str | None:
    """Write a number into its format's places; None where it has another form than digits."""
    kinds = [token.kind for token in section]
    fraction = any(kind == "slash" and "place" in kinds[at:] for at, kind in enumerate(kinds))
    if fraction or "exponent" in kinds or "date" in kinds:
        return None
    places = [at for at, kind in enumerate(kinds) if kind == "place"]
    point = kinds.index("point") if "point" in kinds else len(kinds)
    whole, behind = [at for at in places if at < point], [at for at in places if at > point]
    last = max(places, default=-1)
    thousands = sum(kind == "comma" for kind in kinds[last + 1 :]) if places else 0
    number *= Decimal(100) ** kinds.count("percent") / Decimal(1000) ** thousands
    digits, decimals = _round(number, len(behind))
    least = max((at + 1 for at, place in enumerate(behind) if section[place].text == "0"), default=0)
    decimals = decimals[:least] + decimals[least:].rstrip("0")
    filled = {**_from_the_right(digits, whole, section), **dict(zip(behind, decimals, strict=False))}
    return "".join(_write(at, token, filled, _plain(float(number)), decimals) for at, token in enumerate(section))


def _round(number: Decimal, decimals: int) -> tuple[str, str]:
    written = f"{number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):f}"
    digits, _, behind = written.partition(".")
    return digits.lstrip("0"), behind


def _from_the_right(digits: str, places: Sequence[int], section: Sequence[_Token]) -> dict[int, str]:
    """Each digit in its place, zeros where the format wants them; what is too long stands in the first."""
    filled: dict[int, str] = {}
    for place in reversed(places):
        first = place == places[0]
        digit, digits = (digits, "") if first else (digits[-1:], digits[:-1])
        filled[place] = digit or ("0" if section[place].text == "0" else "")
    return filled


def _write(at: int, token: _Token, filled: dict[int, str], plain: str, decimals: str) -> str:
    if token.kind == "place":
        return filled.get(at, "")
    if token.kind == "point":
        return "." if decimals else ""
    if token.kind == "general":
        return plain
    if token.kind == "percent":
        return "%"
    return token.text if token.kind in _LITERAL else ""


def _show_date(value: date | time, number_format: str, section: Sequence[_Token]) -> str:
    if _OF_THE_COUNTRY.match(number_format) or not any(token.kind == "date" for token in section):
        return _as_iso(value)
    twelve = any(token.kind == "half" for token in section)
    parts: list[str] = []
    for at, token in enumerate(section):
        if token.kind == "date":
            parts.append(_date_part(value, token.text.lower(), twelve=twelve, minutes=_are_minutes(section, at)))
        elif token.kind == "half":
            parts.append(_clock(value).strftime("%p")[: 1 + len(token.text) // 5])
        elif token.kind in _LITERAL | {"point", "comma"}:
            parts.append(token.text)
    return "".join(parts).strip() or _as_iso(value)


def _as_iso(value: date | time) -> str:
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    if isinstance(value, datetime | time) and not value.second and not value.microsecond:
        return value.isoformat(" ", "minutes") if isinstance(value, datetime) else value.isoformat("minutes")
    return str(value)


def _clock(value: date | time) -> time:
    return value if isinstance(value, time) else value.time() if isinstance(value, datetime) else time()


def _are_minutes(section: Sequence[_Token], at: int) -> bool:
    """Whether `m` stands for minutes: behind hours or before seconds."""
    fields = [token for token in section if token.kind in {"date", "elapsed"}]
    here = next(number for number, token in enumerate(fields) if token is section[at])
    before = fields[here - 1].text[0].lower() if here else ""
    behind = fields[here + 1].text[0].lower() if here + 1 < len(fields) else ""
    return section[at].text[0].lower() == "m" and (before == "h" or behind == "s")


def _date_part(value: date | time, field: str, *, twelve: bool, minutes: bool) -> str:
    wide = len(field) > 1
    if field[0] in "hs" or minutes:
        clock = _clock(value)
        hour = (clock.hour - 1) % 12 + 1 if twelve else clock.hour
        number = {"h": hour, "m": clock.minute, "s": clock.second}[field[0]]
        return f"{number:02d}" if wide else str(number)
    if isinstance(value, time):
        return ""
    if field[0] == "y":
        return f"{value.year:04d}" if len(field) > 2 else f"{value.year % 100:02d}"
    names = _MONTHS[value.month - 1] if field[0] == "m" else _DAYS[value.weekday()]
    if len(field) > 2:
        return {3: names[:3], 5: names[:1]}.get(len(field), names)
    return f"{value.month if field[0] == 'm' else value.day:0{len(field)}d}"


def _show_time_span(value: timedelta, section: Sequence[_Token]) -> str:
    """Hours that go on counting over days, as `[h]:mm` shows them."""
    seconds = round(abs(value).total_seconds())
    minutes, rest = divmod(seconds, 60)
    sign = "-" if value < timedelta() else ""
    if any(token.text[:1].lower() == "m" for token in section if token.kind == "elapsed"):
        return f"{sign}{minutes:02d}:{rest:02d}"
    with_seconds = any(token.text[:1].lower() == "s" for token in section) or rest
    return f"{sign}{minutes // 60}:{minutes % 60:02d}" + (f":{rest:02d}" if with_seconds else "")
