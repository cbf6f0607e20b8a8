"""When a text holds, which of several versions is meant, and whether two texts are versions of one. Core."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import PurePath
from typing import Any

# Not those of `calendar`, which change with the locale of the process.
_NAMES = """
january jan januar januari janvier enero gennaio janeiro
february feb februar februari février febrero febbraio fevereiro
march mar märz maart mars marzo março
april apr avril abril aprile
may mai mei mayo maggio maio
june jun juni juin junio giugno junho
july jul juli juillet julio luglio julho
august aug augustus août agosto
september sep sept septembre septiembre settembre setembro
october oct oktober okt octobre octubre ottobre outubro
november nov novembre noviembre novembro
december dec dezember dez décembre diciembre dicembre dezembro
""".strip().replace("\n", "|")
_MONTHS = {name: number for number, names in enumerate(_NAMES.split("|"), start=1) for name in names.split()}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d"
_TIME = re.compile(
    rf"(?<![\w.])(?<![^\W\d_]-)(?:(?P<y1>{_YEAR})[-/.](?P<m1>1[0-2]|0?[1-9])(?:[-/.](?P<d1>3[01]|[12]\d|0?[1-9]))?(?!\d)"
    rf"|(?:(?P<d2>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?\.?\s+(?:de\s+)?)?(?P<m2>{_MONTH})\.?\s+(?:de\s+|del\s+)?"
    rf"(?:(?P<d3>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?,?\s+)?(?P<y2>{_YEAR})"
    rf"|(?P<d4>3[01]|[12]\d|0?[1-9])\.\s?(?P<m4>1[0-2]|0?[1-9])\.\s?(?P<y4>{_YEAR})"
    rf"|(?<![\d/])(?P<m5>1[0-2]|0?[1-9])/(?P<y5>{_YEAR})"
    rf"|(?P<y3>{_YEAR}))(?![\w-])",
    re.IGNORECASE,
)
_NAMED_VERSION = re.compile(
    r"(?:^|[\s_.-])(?:v|ver|version|rev|release)[\s_.-]?(\d+(?:\.\d+)*)(?=$|[\s_-])", re.IGNORECASE
)
_NAMED_NUMBER = re.compile(r"[\s_-](\d{1,3}(?:\.\d{1,3}){1,3})$")  # "Release Notes 4.2"; 01.05.2023 is a day
_STATED_VERSION = re.compile(
    r"\W*(?:document |doc\.? )?"
    r"(?:version|revision|rev\.?|release|edition|fassung|ausgabe|auflage|versión|versione|versie)"
    r"\W{1,4}v?(\d+(?:\.\d+)*)\b",
    re.IGNORECASE,
)
_STATED_DATE = re.compile(
    r"(?:^\W*|[,;|(]\s*)(?:"
    r"(?P<valid>effective(?: date| from| as of)?|valid (?:from|as of)|in force (?:from|since)|gültig (?:ab|seit|vom)"
    r"|in kraft (?:seit|ab)|en vigueur (?:depuis|à partir du)|vigente desde)"
    r"|stand|as of|date|datum|fecha|data|(?:last )?(?:updated|modified|revised|reviewed)(?: on)?"
    r"|(?:issued|published)(?: on)?|fassung vom|version vom|(?:zuletzt geändert|aktualisiert)(?: am)?)\b(?=[\s:])",
    re.IGNORECASE,
)
_BEGINNING, _FIRST_LINES = 1_000, 12  # characters and lines where a document says how old it is
_NAMED_DATE = re.compile(rf"(?<!\d)({_YEAR})[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(0[1-9]|[12]\d|3[01]))?(?!\d)")
_ONLY_VERSION = re.compile(
    rf"(?:(?:{_MONTH}|version|rev|revision|release|edition|ed|draft|final|fassung|stand|ausgabe|auflage|entwurf|q[1-4]"
    r"|v?\d+(?:st|nd|rd|th)?)(?![^\W_])[\W_]*)+",
    re.IGNORECASE,
)
_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_PREVIEW = re.compile(
    r"(?<=\d)[-_. ]?(?P<stage>dev|draft|snapshot|alpha|beta|preview|pre|rc|[ab](?=\d))", re.IGNORECASE
)
_STAGES = {"d": 0, "s": 0, "a": 1, "b": 2, "p": 3, "r": 4}  # first letter -> how near to the version itself
_MOST_PARTS = 8  # of a version's number: a longer one is cut
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
        preview: stage and number of a preview, which comes before its version (3.0.0-rc1); None of no preview.
        supersedes: ids, titles or versions of what it takes the place of.
        after: how many versions it follows that nobody dated, counted from the first day; see `follow`.
    """

    since: date | None = None
    until: date | None = None
    version: tuple[int, ...] = ()
    supersedes: tuple[str, ...] = ()
    after: int = 0
    preview: tuple[int, ...] | None = None

    @property
    def number(self) -> tuple[object, ...]:
        """What sorts versions by their numbers: a preview before what it is a preview of, and 3 as 3.0."""
        padded = (*self.version, *(0,) * (_MOST_PARTS - len(self.version)))[:_MOST_PARTS] if self.version else ()
        return padded, self.preview is None, self.preview or ()

    @property
    def order(self) -> tuple[object, ...]:
        """What sorts versions from the oldest to the newest."""
        return self.since or date.min, self.after, self.number

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
        preview = "" if self.preview is None else " preview"
        version = ["version " + ".".join(map(str, self.version)) + preview] if self.version else []
        return ", ".join([*since, *version]) or "without a date"


def stamp_of(metadata: Mapping[str, Any]) -> Stamp | None:
    """Read when a text holds from `date`, `version`, `valid_from`, `valid_to` and `supersedes`; None without any.

    Examples:
        >>> str(stamp_of({"date": "2024-03-01", "version": "v1.10"})), stamp_of({"title": "Policy"})
        ('2024-03-01, version 1.10', None)
    """
    since = _day(metadata.get("valid_from")) or _day(metadata.get("date"))
    until = _day(metadata.get("valid_to"), last=True)
    written = str(metadata.get("version") or "")
    pre = _PREVIEW.search(written)
    version = _numbers(written[: pre.start()] if pre else written)
    preview = (_STAGES[pre["stage"][0].lower()], *_numbers(written[pre.end() :])) if pre and version else None
    former = metadata.get("supersedes") or ()
    supersedes = tuple(map(str, former)) if isinstance(former, (list, tuple)) else (str(former),)
    stamp = Stamp(since, until, version, supersedes, preview=preview)
    return None if stamp == Stamp() else stamp


def _numbers(written: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d{1,18}", written)))


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
    return max((period for period, _ in named_times(text)), key=lambda period: period[1], default=None)


def named_times(text: str) -> list[tuple[Period, int]]:
    """List the days, months and years that a text names, each with its first character."""
    # The time of day of an ISO stamp is nothing that a version turns on.
    found = _TIME.finditer(re.sub(r"(?<=\d)T\d\d:.*", "", text))
    return [(_period(match.groupdict()), match.start()) for match in found]


def _period(part: Mapping[str, str | None]) -> Period:
    year = int(part["y1"] or part["y2"] or part["y3"] or part["y4"] or part["y5"] or 0)
    if not (month := part["m1"] or part["m2"] or part["m4"] or part["m5"]):
        return date(year, 1, 1), date(year, 12, 31)
    number = int(month) if month.isdigit() else _MONTHS[month.lower()]
    last = calendar.monthrange(year, number)[1]
    day = part["d1"] or part["d2"] or part["d3"] or part["d4"]
    if day and int(day) <= last:
        return date(year, number, int(day)), date(year, number, int(day))
    return date(year, number, 1), date(year, number, last)


def is_version(text: str) -> bool:
    """Whether a text says nothing but a time or a version.

    Examples:
        >>> [is_version(text) for text in ("March 2024", "v2.1", "2. Auflage", "1978 film", "planet", "")]
        [True, True, True, False, False, False]
    """
    return bool(text) and _ONLY_VERSION.fullmatch(text) is not None


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
    r"""Read version metadata from a file's name, from what the first lines of its text say, and from its front matter.

    Front matter goes first, then the lines ("Stand: Januar 2023", "Version 2.1", "Effective from 2024-05-01").

    Examples:
        >>> detect_version("leave-policy_v2_2024-03-01.md")
        {'version': '2', 'date': '2024-03-01'}
        >>> detect_version("policy.md", "---\ndate: 2023-05-04\n---\nText")
        {'date': '2023-05-04'}
        >>> detect_version("Handbook 2023.docx", "Handbook\nVersion 4.1, valid from 1 May 2024\n")
        {'date': '2024-05-01', 'version': '4.1', 'valid_from': '2024-05-01'}
    """
    name = PurePath(file_name).stem
    found: dict[str, str] = {}
    if version := _NAMED_VERSION.search(name) or _NAMED_NUMBER.search(name):
        found["version"] = version.group(1)
    if day := _NAMED_DATE.search(name):
        found["date"] = "-".join(part for part in day.groups() if part)
    elif written := named_time(re.sub(r"_|(?<=[a-zß-ÿ]{3})-", " ", name)):
        found["date"] = _written(written)
    found |= _stated(text)
    if front := _FRONT_MATTER.match(text):
        lines = re.findall(rf"^({'|'.join(_KEYS)}):[ \t]*(\S.*?)[ \t]*$", front.group(1), re.MULTILINE)
        found |= {key: value.strip("'\"") for key, value in lines}
    return found


def _stated(text: str) -> dict[str, str]:
    """What the first lines of a text say about when it holds."""
    found: dict[str, str] = {}
    for line in text[:_BEGINNING].splitlines()[:_FIRST_LINES]:
        if version := _STATED_VERSION.match(line):
            found.setdefault("version", version.group(1))
        if stated := _STATED_DATE.search(line):
            written = named_time(line[stated.end() :])
            key = "valid_from" if stated["valid"] else "date"
            if written and key not in found:
                found[key] = _written(written)
    return {**({"date": found["valid_from"]} if "valid_from" in found and "date" not in found else {}), **found}


def _written(period: Period) -> str:
    """A period as metadata has it: a day, a month or a year."""
    first, last = period
    return first.isoformat()[: 10 if first == last else 7 if first.month == last.month else 4]
