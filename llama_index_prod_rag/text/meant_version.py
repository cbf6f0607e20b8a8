"""Which of several versions a question means: the newest, that of a time, the one before, or all to compare. Core."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from llama_index_prod_rag.text.versions import Period, Stamp, named_times

_WORDS = r"(?:version|release|edition|revision|rev\.?|fassung|ausgabe|auflage|versión|versione|versie|édition|edición)"
_NUMBER = r"(\d+(?:\.\d+)*)(?![\w-])"
_VERSION = re.compile(rf"(?<![\w.])(?:{_WORDS}(?:s|en)?|v\.?)[\s_-]*{_NUMBER}", re.IGNORECASE)
_AND_VERSION = re.compile(
    rf"(?:\s*(?:,|and|und|or|oder|to|bis|vs\.?|y|et|e|en)\s*)(?:{_WORDS}\s*|v\.?\s*)?{_NUMBER}", re.IGNORECASE
)
_ORDER = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "erste": 1,
    "zweite": 2,
    "dritte": 3,
    "vierte": 4,
    "fünfte": 5,
}
_ORDINAL = re.compile(rf"\b(?:(\d{{1,3}})(?:st|nd|rd|th|\.)|({'|'.join(_ORDER)})[nrms]?)\s+{_WORDS}\b", re.IGNORECASE)
_KINDS = rf"(?:{_WORDS}|policy|policies|rules?|law|terms|regelung|ordnung|richtlinie|gesetz|stand)"
_FORMER = re.compile(
    r"\b(?:previous|prior|former|earlier|preceding|old|vorherige|vorige|frühere|bisherige|alte|anterior|précédente"
    rf"|precedente)[nrms]?\s+{_KINDS}\b",
    re.IGNORECASE,
)
_OLDEST = re.compile(
    rf"\b(?:original|initial|oldest|earliest|ursprüngliche|älteste)[nrms]?\s+{_KINDS}\b", re.IGNORECASE
)
_DIFFER = r"(?:differences?|differs?|change[sd]?|compared?|unterschied\w*|änderung\w*|vergleich\w*)"
_COMPARES = re.compile(
    r"\bwhat(?:'s| is| was| has)?(?: been)? (?:changed|new (?:in|since))\b"
    r"|\bwas (?:hat|wurde|ist)\b.{0,120}\b(?:geändert|neu (?:in|seit))\b"
    rf"|\b{_DIFFER}\b.{{0,120}}\b(?:{_WORDS}|v\d|(?:19|20)\d\d)"
    rf"|\b(?:all|every|each|alle|jede)\w*\s{_WORDS}|\bhistory of\b",
    re.IGNORECASE,
)
# "What has changed since version 2?" compares with the versions after it; "what is new in version 3?" asks of one.
_WITH_LATER = re.compile(r"\b(?:since|compared|now|today|current\w*|seit|gegenüber|heute|aktuell\w*)\b", re.IGNORECASE)
_LED = 40  # characters before a time that say whether it is meant, or what was before or after
_OF_YEAR = r"\s(?:the\s|dem\s)?(?:year\s|jahr\s)?$"
_BEFORE = re.compile(rf"\b(?:before|prior to|vor|avant|antes de|prima del?|voor){_OF_YEAR}", re.IGNORECASE)
_SINCE = re.compile(
    rf"\b(?:since|after|starting|seit|ab|nach|depuis|après|desde|después de|dal|dopo|sinds|na){_OF_YEAR}", re.IGNORECASE
)
_COUNTS = {
    "a": 1,
    "two": 2,
    "three": 3,
    "five": 5,
    "ten": 10,
    "einem": 1,
    "zwei": 2,
    "drei": 3,
    "fünf": 5,
    "zehn": 10,
}
_COUNT = rf"(\d{{1,2}}|{'|'.join(_COUNTS)})"
_AGO = re.compile(rf"\b{_COUNT} (year|month)s? ago\b|\bvor {_COUNT} (jahr|monat)(?:en)?\b", re.IGNORECASE)
_LAST = re.compile(r"\b(?:last|letzte[snm]?|vorige[snm]?|vergangene[snm]?) (year|month|jahr|monat)\b", re.IGNORECASE)


def named_version(text: str) -> tuple[int, ...]:
    """Find the version that a text names; empty without one.

    Examples:
        >>> named_version("What changed in version 2.1?"), named_version("What is IPv6?"), named_version("2. Auflage")
        ((2, 1), (), (2,))
    """
    return next(iter(named_versions(text)), ())


def named_versions(text: str) -> list[tuple[int, ...]]:
    """List the versions that a text names, as numbers, each once.

    Examples:
        >>> named_versions("What changed between versions 2.1 and 3?")
        [(2, 1), (3,)]
    """
    named, end = [], 0
    for found in _VERSION.finditer(text):
        if found.start() < end:
            continue
        named.append(_numbers(found.group(1)))
        end = found.end()
        while more := _AND_VERSION.match(text, end):
            named.append(_numbers(more.group(1)))
            end = more.end()
    ordinals = [(int(found.group(1) or 0) or _ORDER[found.group(2).lower()],) for found in _ORDINAL.finditer(text)]
    return list(dict.fromkeys([*named, *ordinals]))


def choose(stamps: Sequence[Stamp], question: str, today: date) -> list[Stamp]:
    """Choose the versions that a question means: one that it names, by number or time, several to compare, the newest.

    Args:
        stamps: of versions of one text, at least one.
        question: the question.
        today: what holds later is not yet in force.

    Examples:
        >>> from llama_index_prod_rag.text.versions import stamp_of
        >>> old, new = (stamp_of({"date": day}) for day in ("2020-01-01", "2023-06-01"))
        >>> def chosen(question): return [str(one) for one in choose([old, new], question, date(2024, 1, 1))]
        >>> chosen("the fee?"), chosen("the fee in 2021?"), chosen("the fee before June 2023")
        (['2023-06-01'], ['2020-01-01'], ['2020-01-01'])
        >>> chosen("the old rules"), chosen("What has changed?")
        (['2020-01-01'], ['2020-01-01', '2023-06-01'])
    """
    named = [*_of_versions(stamps, question), *_of_times(stamps, question, today)]
    if _COMPARES.search(question) and (len(_distinct(named)) != 1 or _WITH_LATER.search(question)):
        return _distinct(named) if len(_distinct(named)) > 1 else list(stamps)
    if named:
        return named[:1]
    in_force = _sorted([stamp for stamp in stamps if stamp.holds((today, today))] or stamps)
    if _OLDEST.search(question):
        return in_force[:1] if len(in_force) == len(stamps) else _sorted(stamps)[:1]
    former = [stamp for stamp in _sorted(stamps) if stamp.order < in_force[-1].order]
    if _FORMER.search(question) and former:
        return former[-1:]
    return in_force[-1:]


def meant_time(question: str, today: date) -> Period | None:
    """Find the time that a question means, the last of several; None where it names none.

    Examples:
        >>> today = date(2024, 5, 1)
        >>> [str(day) for day in meant_time("the fee last year", today)]
        ['2023-01-01', '2023-12-31']
        >>> meant_time("the fee before March 2022", today)[1], meant_time("the fees since 2022", today)[1]
        (datetime.date(2022, 2, 28), datetime.date(2024, 5, 1))
    """
    return max(_meant_times(question, today), key=lambda period: period[1], default=None)


def _meant_times(question: str, today: date) -> Iterator[Period]:
    named = named_times(question)
    for place, ((first, last), start) in enumerate(named, start=1):
        led = question[max(0, start - _LED) : start]
        if _BEFORE.search(led) and first > date.min:
            yield first - timedelta(days=1), first - timedelta(days=1)
        elif place == len(named) and _SINCE.search(led):  # not "ab 2019 bis 2021"
            yield first, max(last, today)
        else:
            yield first, last
    for found in _LAST.finditer(question):
        yield _back(today, 1, by_year=found.group(1).lower() in ("year", "jahr"))
    for found in _AGO.finditer(question):
        count, unit = (found.group(1) or found.group(3)).lower(), (found.group(2) or found.group(4)).lower()
        yield _back(today, _COUNTS.get(count) or int(count), by_year=unit in ("year", "jahr"))


def _back(today: date, count: int, *, by_year: bool) -> Period:
    """The year or month so many before a day's."""
    if by_year:
        year = max(1, today.year - count)
        return date(year, 1, 1), date(year, 12, 31)
    months = max(12, today.year * 12 + today.month - 1 - count)
    first = date(months // 12, months % 12 + 1, 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _of_versions(stamps: Sequence[Stamp], question: str) -> Iterator[Stamp]:
    for wanted in named_versions(question):
        if of_version := [stamp for stamp in stamps if stamp.version[: len(wanted)] == wanted]:
            yield _sorted(of_version)[-1]


def _of_times(stamps: Sequence[Stamp], question: str, today: date) -> Iterator[Stamp]:
    periods = sorted(_meant_times(question, today), key=lambda period: period[1], reverse=True)
    for period in periods:
        if of_time := [stamp for stamp in stamps if stamp.holds(period)]:
            yield _sorted(of_time)[-1]


def _sorted(stamps: Sequence[Stamp]) -> list[Stamp]:
    """From the oldest to the newest, by numbers where the dates compare only some."""
    if all(stamp.version for stamp in stamps) and not all(stamp.since for stamp in stamps):
        return sorted(stamps, key=lambda stamp: stamp.number)
    return sorted(stamps, key=lambda stamp: stamp.order)


def _distinct(stamps: Sequence[Stamp]) -> list[Stamp]:
    return list(dict.fromkeys(stamps))


def _numbers(written: str) -> tuple[int, ...]:
    return tuple(int(part) for part in written.split(".") if len(part) <= 18)
