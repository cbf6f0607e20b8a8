"""When a text holds, which of several versions is meant, and whether two texts are versions of one. Core."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import PurePath
from typing import Any

# Not those of `calendar`, which change with the locale of the process.
_NAMES = """january jan januar|february feb februar|march mar märz|april apr|may mai|june jun juni|july jul juli
august aug|september sep sept|october oct oktober okt|november nov|december dec dezember dez""".replace("\n", "|")
_MONTHS = {name: number for number, names in enumerate(_NAMES.split("|"), start=1) for name in names.split()}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d"
_TIME = re.compile(
    rf"(?<![\w.])(?<![^\W\d_]-)(?:(?P<y1>{_YEAR})[-/.](?P<m1>1[0-2]|0?[1-9])(?:[-/.](?P<d1>3[01]|[12]\d|0?[1-9]))?(?!\d)"
    rf"|(?:(?P<d2>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?\.?\s+)?(?P<m2>{_MONTH})\.?\s+"
    rf"(?:(?P<d3>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?,?\s+)?(?P<y2>{_YEAR})"
    rf"|(?P<d4>3[01]|[12]\d|0?[1-9])\.\s?(?P<m4>1[0-2]|0?[1-9])\.\s?(?P<y4>{_YEAR})"
    rf"|(?P<y3>{_YEAR}))(?![\w-])",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"(?<![\w.])(?:version|release|edition|revision|rev\.?|v\.?)[\s_-]*(\d+(?:\.\d+)*)(?![\w-])", re.IGNORECASE
)
_NAMED_VERSION = re.compile(
    r"(?:^|[\s_.-])(?:v|ver|version|rev|release)[\s_.-]?(\d+(?:\.\d+)*)(?=$|[\s_-])", re.IGNORECASE
)
_NAMED_DATE = re.compile(rf"(?<!\d)({_YEAR})[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(0[1-9]|[12]\d|3[01]))?(?!\d)")
_ONLY_VERSION = re.compile(
    rf"(?:(?:{_MONTH}|version|rev|revision|release|edition|ed|draft|final|fassung|stand|ausgabe|auflage|entwurf|q[1-4]"
    r"|v?\d+(?:st|nd|rd|th)?)(?![^\W_])[\W_]*)+",
    re.IGNORECASE,
)
_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_KEYS = ("date", "version", "valid_from", "valid_to", "supersedes")
_LONGER = (80, 200)  # characters from which runs of two and of three words are compared: about 12 and 30 words

Period = tuple[date, date]
"""First and last day."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Says when a text holds, as its metadata has it.

    Attributes:
        since: first day; None where only a version or an end is known.
        until: last day; None where it goes on.
        version: as numbers, so that 1.10 follows 1.9.
        supersedes: ids, titles or versions of what it takes the place of.
        after: how many versions it follows that nobody dated, counted from the first day; see `follow`.
    """

    since: date | None = None
    until: date | None = None
    version: tuple[int, ...] = ()
    supersedes: tuple[str, ...] = ()
    after: int = 0

    @property
    def order(self) -> tuple[date, int, tuple[int, ...]]:
        """What sorts versions from the oldest to the newest."""
        return self.since or date.min, self.after, self.version

    def follow(self, former: Stamp) -> Stamp:
        """Put one without a first day behind what it supersedes.

        Examples:
            >>> old, new = Stamp(since=date(2020, 1, 1)), Stamp(supersedes=("old",))
            >>> new.order > old.order, new.follow(old).order > old.order
            (False, True)
        """
        if self.order > former.order:
            return self
        return replace(self, since=former.since, after=former.after + 1)

    def holds(self, period: Period) -> bool:
        """Whether it held on a day of a period."""
        return (self.since or date.min) <= period[1] and (self.until or date.max) >= period[0]

    def __str__(self) -> str:
        since = [f"{'after ' if self.after else ''}{self.since.isoformat()}"] if self.since else []
        version = ["version " + ".".join(map(str, self.version))] if self.version else []
        return ", ".join([*since, *version]) or "without a date"


def stamp_of(metadata: Mapping[str, Any]) -> Stamp | None:
    """Read when a text holds from `date`, `version`, `valid_from`, `valid_to` and `supersedes`; None without any.

    Examples:
        >>> str(stamp_of({"date": "2024-03-01", "version": "v1.10"})), stamp_of({"title": "Policy"})
        ('2024-03-01, version 1.10', None)
    """
    since = _day(metadata.get("valid_from")) or _day(metadata.get("date"))
    until = _day(metadata.get("valid_to"), last=True)
    version = tuple(map(int, re.findall(r"\d+", str(metadata.get("version") or ""))))
    former = metadata.get("supersedes") or ()
    supersedes = tuple(map(str, former)) if isinstance(former, (list, tuple)) else (str(former),)
    stamp = Stamp(since, until, version, supersedes)
    return None if stamp == Stamp() else stamp


def _day(value: object, *, last: bool = False) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    written = re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", str(value or ""))
    period = named_time(written)
    return period[last] if period else None


def named_time(text: str) -> Period | None:
    """Find the day, month or year that a text names; the latest, where it names several.

    Examples:
        >>> named_time("What was the fee in March 2021?")
        (datetime.date(2021, 3, 1), datetime.date(2021, 3, 31))
        >>> named_time("the rules of 2019-05-04"), named_time("How many of the 2500 are left?")
        ((datetime.date(2019, 5, 4), datetime.date(2019, 5, 4)), None)
    """
    # The time of day of an ISO stamp is nothing that a version turns on.
    named = [_period(found.groupdict()) for found in _TIME.finditer(re.sub(r"(?<=\d)T\d\d:.*", "", text))]
    return max(named, key=lambda period: period[1], default=None)


def _period(part: Mapping[str, str | None]) -> Period:
    year = int(part["y1"] or part["y2"] or part["y3"] or part["y4"] or 0)
    if not (month := part["m1"] or part["m2"] or part["m4"]):
        return date(year, 1, 1), date(year, 12, 31)
    number = int(month) if month.isdigit() else _MONTHS[month.lower()]
    last = calendar.monthrange(year, number)[1]
    day = part["d1"] or part["d2"] or part["d3"] or part["d4"]
    if day and int(day) <= last:
        return date(year, number, int(day)), date(year, number, int(day))
    return date(year, number, 1), date(year, number, last)


def named_version(text: str) -> tuple[int, ...]:
    """Find the version that a text names; empty without one.

    Examples:
        >>> named_version("What changed in version 2.1?"), named_version("What is IPv6?")
        ((2, 1), ())
    """
    found = _VERSION.search(text)
    return tuple(map(int, found.group(1).split("."))) if found else ()


def is_version(text: str) -> bool:
    """Whether a text says nothing but a time or a version.

    Examples:
        >>> [is_version(text) for text in ("March 2024", "v2.1", "2. Auflage", "1978 film", "planet", "")]
        [True, True, True, False, False, False]
    """
    return bool(text) and _ONLY_VERSION.fullmatch(text) is not None


def choose(stamps: Sequence[Stamp], question: str, today: date) -> Stamp:
    """Choose the version that a question means: the one it names, the one of the time it names, or the newest.

    Args:
        stamps: of versions of one text, at least one.
        question: the question.
        today: what holds later is not yet in force.

    Examples:
        >>> old, new = (stamp_of({"date": day}) for day in ("2020-01-01", "2023-06-01"))
        >>> [str(choose([old, new], question, date(2024, 1, 1))) for question in ("the fee?", "the fee in 2021?")]
        ['2023-06-01', '2020-01-01']
    """
    wanted = named_version(question)
    of_version = [stamp for stamp in stamps if wanted and stamp.version[: len(wanted)] == wanted]
    period = named_time(question)
    of_time = [stamp for stamp in stamps if period and stamp.holds(period)]
    in_force = [stamp for stamp in stamps if stamp.holds((today, today))]
    found = of_version or of_time or in_force or stamps
    if all(stamp.version for stamp in found) and not all(stamp.since for stamp in found):
        return max(found, key=lambda stamp: stamp.version)  # the numbers compare all of them, the dates only some
    return max(found, key=lambda stamp: stamp.order)


def similarity(first: str, second: str) -> float:
    """Measure what share of two texts' runs of words is the same, 0 to 1.

    Runs are of three words, of fewer where a text is so short that one changed word would change them all (Broder, "On
    the resemblance and containment of documents", 1997).

    Examples:
        >>> similarity("A new card costs 5 euros.", "A new card costs 9 euros.") > 0.7
        True
    """
    size = 1 + sum(min(len(first), len(second)) >= characters for characters in _LONGER)
    ours, theirs = _runs(first, size), _runs(second, size)
    return len(ours & theirs) / max(1, len(ours | theirs))


@lru_cache(maxsize=4096)
def _runs(text: str, size: int) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return frozenset(tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1)))


def detect_version(file_name: str, text: str = "") -> dict[str, str]:
    r"""Read version metadata from a file's name and from the front matter of its text, which goes first.

    Examples:
        >>> detect_version("leave-policy_v2_2024-03-01.md")
        {'version': '2', 'date': '2024-03-01'}
        >>> detect_version("policy.md", "---\ndate: 2023-05-04\n---\nText")
        {'date': '2023-05-04'}
    """
    name = PurePath(file_name).stem
    found: dict[str, str] = {}
    if version := _NAMED_VERSION.search(name):
        found["version"] = version.group(1)
    if day := _NAMED_DATE.search(name):
        found["date"] = "-".join(part for part in day.groups() if part)
    if front := _FRONT_MATTER.match(text):
        lines = re.findall(rf"^({'|'.join(_KEYS)}):[ \t]*(\S.*?)[ \t]*$", front.group(1), re.MULTILINE)
        found |= {key: value.strip("'\"") for key, value in lines}
    return found
