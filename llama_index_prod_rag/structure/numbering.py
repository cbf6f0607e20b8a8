"""Clause numbers: what they can mean, and which of them continue a numbering that is open. Core: strings alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from llama_index_prod_rag.structure.numerals import han_value, is_han, letter_value, roman_value
from llama_index_prod_rag.structure.ordinals import NUMBERS_WRITTEN_OUT

# How far out a kind of division stands, in the languages whose statutes and contracts are read.
_DIVISIONS = (
    (1, "annex appendix attachment exhibit schedule annexe anexo anhang anlage allegato bijlage приложение"),
    (2, "part book teil buch partie livre parte libro livro deel boek część księga část раздел 编 編 篇 部 편"),
    (3, "title titre título titolo titel tytuł dział hlava afsnit"),
    (4, "chapter kapitel kapittel chapitre capítulo capo hoofdstuk rozdział díl глава 章 장"),
    (5, "abschnitt sección sezione secção seção afdeling oddíl 节 節 절"),
    (6, "article artikel artículo articolo artigo artykuł статья art 条 條 조"),
)
# Those that stand behind a number, as in `Erste Abteilung`, `II. fejezet`, and before none.
_ONLY_BEHIND = (
    (2, "abteilung avdelning avdelningen avdeling avdelingen del delen osa rész"),
    (4, "hauptstück kap kapitlet luku fejezet"),
)
_KINDS_OF_PROVISIONS = ("adicional", "transitoria", "derogatoria", "final")
_RANKS = {word: rank for rank, words in _DIVISIONS for word in words.split()} | {
    f"disposición {kind}": 1
    for kind in _KINDS_OF_PROVISIONS  # below the last article of a Spanish law, and below none
}
ARTICLE = 6
"""The rank of articles; what holds them stands further out."""
DIVISIONS_BEHIND = tuple(
    word for rank, words in (*_DIVISIONS, *_ONLY_BEHIND) if rank < ARTICLE for word in words.split() if word.isalpha()
)
"""Kinds of divisions that may stand behind a number written out, in lower case: `Zweites Kapitel`, `First Schedule`."""
KEYWORDS = (*_RANKS, "section", "clause", "rule", "cláusula", "clausula", "paragraf", "sect", "sec")
"""Words that stand before a number, in lower case and without the full stop that shortens some."""
_RANKS |= {word: rank for rank, words in _ONLY_BEHIND for word in words.split()}
_SAME = {"art": "article"}
_PUT_IN_BY_POINT = frozenset({"статья", "глава"})
_PARAGRAPH_RANK = 7
"""`§ 4` of German and Austrian laws and contracts holds what is numbered `1.`; `§ 4.2` is a decimal like any other."""
_PARAGRAPH = "1§"
_DECIMAL_RANK = 8
"""`4` stands beside `Section 4`, `4.2` one below it, and so on."""
LIST_RANK = _DECIMAL_RANK
"""`一、` in a Chinese contract stands where another has `1.`"""
NESTED_RANK = 20
"""From here on ranks follow the order of appearance: (a) may hold (i), or the other way round."""
_MAX_GAP = 5
"""A number may skip so many before it: some are lost when pages are made into text."""
_LATIN = ["bis", "ter", "quater", "quinquies", "sexies", "septies", "octies", "novies", "decies"]
LATIN = "|".join(_LATIN)
"""What follows the number of a section put in between two others: 10bis."""
# A number with what put it in later: `4A`, `4 bis`, `4-1`.
_INSERTED = re.compile(rf"(\d+)(?:[ -]?({LATIN})|-?([a-z]{{1,2}}))?((?:-\d+[a-z]?)*)")
# French codes put a letter before the number: `L. 121-1`, `R* 421-5`.
_CODE = re.compile(r"(?:[lrda]\.? ?\*? ?)(?=\d)")
# First articles are ordinals in Romance languages: `1er`, `1º`.
_ORDINAL = re.compile(r"(?<=\d)(?:er|re|ère|\.?[ºª°])$")
# And their first chapters: `Chapitre Ier`.
_FIRST_ROMAN = re.compile(r"(?<=^I)(?:er|ER|re|RE)$")


def place_of(number: str) -> float | None:
    """Find the place of a number among its neighbours: one put in later stands between two whole ones.

    Examples:
        >>> place_of("12") < place_of("12A") < place_of("12B") < place_of("13"), place_of("1er"), place_of("x")
        (True, 1, None)
        >>> place_of("10bis") < place_of("10 ter"), place_of("80a-1") < place_of("80a-2"), place_of("L. 121-1")
        (True, True, 121.000001)
    """
    plain = unicodedata.normalize("NFC", number).lower().strip()
    if (known := NUMBERS_WRITTEN_OUT.get(plain) or han_value(plain)) is not None:
        return known
    match = _INSERTED.fullmatch(_ORDINAL.sub("", _CODE.sub("", plain)))
    if match is None:
        return None
    whole, latin, letters, parts = match.groups()
    place: float = int(whole)
    if latin or letters:
        inserted = 1 + _LATIN.index(latin) if latin else sum(ord(each) - 96 for each in letters)
        place += inserted / 1000
    for index, part in enumerate(part for part in parts.split("-") if part):
        place += int(part.rstrip("abcdefghijklmnopqrstuvwxyz")) / 10 ** (6 + 2 * index)
        place += (ord(part[-1]) - 96 if part[-1].isalpha() else 0) / 10 ** (8 + 2 * index)
    return place


@dataclass(frozen=True, slots=True)
class Reading:
    """Holds one way to read a number.

    Attributes:
        style: what the numbers of one run have in common.
        value: its place in the run, from 0 or 1; what was put in later lies between two whole numbers.
        above: for `4.2.1` the numbers before the last, (4, 2).
        rank: how far out it stands, 1 the outermost; 0 where only the context tells.
    """

    style: str
    value: float
    above: tuple[float, ...] = ()
    rank: int = 0


def readings(number: str, *, keyword: str = "", sign: str = "") -> list[Reading]:
    """List all ways to read a number.

    Args:
        number: `IV`, `4.2`, `a`, without what stands around it.
        keyword: a word before it, such as `Section`.
        sign: the brackets or the full stop around it: `()`, `)`, `.` or nothing.

    Examples:
        >>> [(reading.style, reading.value) for reading in readings("i", sign="()")]
        [('a()', 9), ('i()', 1)]
        >>> readings("4.2", keyword="Section")
        [Reading(style='decimal', value=2, above=(4,), rank=9)]
        >>> readings("十二", keyword="条")
        [Reading(style='1条', value=12, above=(), rank=6)]
    """
    return list(_read(number, keyword, sign))


@lru_cache(maxsize=4096)  # every document counts from 1
def _read(number: str, keyword: str, sign: str) -> Sequence[Reading]:
    keyword = keyword.lower().rstrip(".")
    rank = _RANKS.get(keyword, 0)
    frame = _SAME.get(keyword, keyword) if rank else sign
    places = _places_of(number)
    if places is not None:
        *above, value = places
        if len(above) == 1 and value == 0:  # "2.0 Grant" stands above 2.1
            value = above.pop()
        if rank:
            # "Exhibit 10.24" is how a filing numbers the contract itself.
            # Article 5.1 of a Russian statute was put in behind Article 5.
            inserted = above[0] + value / 1000 if len(above) == 1 and frame in _PUT_IN_BY_POINT else value
            return [] if above and inserted is value else [Reading(f"1{frame}", inserted, rank=rank)]
        if keyword == "§" and not above:
            return [Reading(_PARAGRAPH, value, rank=_PARAGRAPH_RANK)]
        if (sign in ("", ".") and not is_han(number)) or above:
            return [Reading("decimal", value, tuple(above), _DECIMAL_RANK + len(above))]
        return [Reading(f"{'一' if is_han(number) else '1'}{frame}", value)]
    number = _FIRST_ROMAN.sub("", number)
    letter, roman = ("A", "I") if number.isupper() else ("a", "i")
    found = ((letter, letter_value(number)), (roman, _roman_place(number)))
    return [Reading(style + frame, value, rank=rank) for style, value in found if value is not None]


def _places_of(number: str) -> list[float] | None:
    """`4.2A` to 4 and the place of 2A; None for letters and Roman numerals."""
    whole = place_of(number)
    parts = [whole] if whole is not None else [place_of(part) for part in number.split(".")]
    known = [part for part in parts if part is not None]
    return known if len(known) == len(parts) else None


def _roman_place(numeral: str) -> float | None:
    """`IV` and, put in after it, `IVA`."""
    value = roman_value(numeral)
    if value is None and len(numeral) > 1 and numeral[-1] in "ABEFGH":
        before = roman_value(numeral[:-1])
        return None if before is None else before + (ord(numeral[-1]) - 64) / 1000
    return value


@dataclass(frozen=True, slots=True)
class Open:
    """Holds a number whose clause is not over yet."""

    reading: Reading
    rank: int
    label: str
    indent: int | None = None
    is_part: bool = False


class Outline:
    """The open numbers, outermost first, and the rule that tells a clause's number from one in passing."""

    def __init__(self) -> None:
        self._open: list[Open] = []
        self._left: list[Open] = []
        """Numbers that a paragraph without one has closed, until another number is taken: their run may go on."""
        self._around: int | None = None
        """How many numbers were open where the sentence began whose parts are being numbered."""

    @property
    def path(self) -> tuple[str, ...]:
        """List the labels of the open numbers, outermost first."""
        return tuple(each.label for each in self._open)

    @property
    def in_sentence(self) -> bool:
        """Whether numbers are open that are parts of one sentence."""
        return self._around is not None

    def take(
        self,
        candidates: list[Reading],
        label: str,
        *,
        begins_line: bool,
        in_sentence: bool = False,
        indent: int | None = None,
        is_part: bool = False,
    ) -> int | None:
        """Open a number if it continues the outline.

        Args:
            candidates: ways to read it.
            label: how it is written.
            begins_line: whether nothing stands before it; then it may skip numbers and open a run anywhere.
            in_sentence: whether it numbers a part of a sentence; its run closes no run from before the sentence.
            indent: columns before it in its line, where they are known.
            is_part: whether the sentence before it goes on with it.

        Returns:
            Its rank, or None if it continues nothing.

        Examples:
            >>> outline = Outline()
            >>> outline.take(readings("4", keyword="Section"), "Section 4", begins_line=True)
            8
            >>> outline.take(readings("4.1"), "4.1", begins_line=False)
            9
            >>> outline.take(readings("9.7"), "9.7", begins_line=False) is None
            True
            >>> outline.take(readings("a", sign="()"), "(a)", begins_line=False), outline.path
            (20, ('Section 4', '4.1', '(a)'))
        """
        if label[:1].isdigit() and any(each.reading.style == _PARAGRAPH for each in self._open):
            candidates = [_below_paragraph(reading) for reading in candidates]
        self._resume(candidates)
        around = self._around
        if in_sentence and around is None:
            self._around = len(self._open)
        place = next(self._places(candidates, begins_line=begins_line), None)
        if place is None:
            self._around = around
            return None
        depth, reading = place
        if self._around is not None and depth < self._around:
            self._around = None
        rank = reading.rank or max(NESTED_RANK, self._open[depth - 1].rank + 1 if depth else 0)
        self._open[depth:] = [Open(reading, rank, label, indent, is_part)]
        self._left = []
        return rank

    def goes_on(self, candidates: list[Reading]) -> bool:
        """Whether a number would be the next of an open run, or the first of its kind.

        Examples:
            >>> outline = Outline()
            >>> _ = outline.take(readings("2", keyword="Article"), "Article 2", begins_line=True)
            >>> [outline.goes_on(readings(number, keyword="Article")) for number in ("3", "12")]
            [True, False]
        """
        styles = {each.reading.style for each in (*self._open, *self._left)}
        known = any(reading.style in styles for reading in candidates)
        return not known or any(True for _ in self._next_in_run(candidates, gap=1))

    def _resume(self, candidates: list[Reading]) -> None:
        """Open again what a paragraph has closed, where a number goes on with it."""
        depth = len(self._open)
        self._open += self._left
        if all(place < depth for place, _ in self._next_in_run(candidates, gap=1)):
            del self._open[depth:]
        else:
            self._left = []

    def leave_sentence(self, candidates: list[Reading]) -> None:
        """Close the runs that numbered parts of a sentence now over, unless a number goes on with one of them.

        Examples:
            >>> outline = Outline()
            >>> for number in ("a", "i"):
            ...     _ = outline.take(readings(number, sign="()"), f"({number})", begins_line=True)
            >>> _ = outline.take(readings("a", sign="()"), "(a)", begins_line=False, in_sentence=True)
            >>> outline.path
            ('(a)', '(i)', '(a)')
            >>> outline.leave_sentence(readings("b", sign="()"))
            >>> outline.path
            ('(a)', '(i)')
        """
        if self._around is None:
            return
        depths = [depth for depth, _ in self._next_in_run(candidates, gap=1)]
        if not depths or min(depths) < self._around:
            del self._open[self._around :]
            self._around = None

    def leave_all(self) -> bool:
        """Close every number, at the end of the clauses; whether any was open."""
        left = bool(self._open)
        self._open.clear()
        self._left = []
        self._around = None
        return left

    def leave_for(self, indent: int, *, over: bool) -> int | None:
        """Close what a paragraph without a number does not belong to, by its indentation or because a sentence is over.

        Args:
            indent: columns before the paragraph.
            over: whether the sentence before has ended, so that no part of a list goes on.

        Returns:
            The rank of the outermost number closed, or None.

        Examples:
            >>> outline = Outline()
            >>> _ = outline.take(readings("9", sign="."), "9", begins_line=True, indent=3)
            >>> _ = outline.take(readings("a", sign="()"), "(a)", begins_line=True, indent=6)
            >>> outline.leave_for(3, over=True), outline.path
            (20, ('9',))
        """
        depth = len(self._open)
        while depth and self._open[depth - 1].rank >= NESTED_RANK and self._ends_before(depth - 1, indent, over=over):
            depth -= 1
        if depth == len(self._open):
            return None
        rank = self._open[depth].rank
        self._left = [*self._open[depth:], *self._left]
        del self._open[depth:]
        self._around = None
        return rank

    def _ends_before(self, depth: int, indent: int, *, over: bool) -> bool:
        known = self._open[depth].indent
        if known is not None and indent != known:
            return indent < known
        return over and self._open[depth].is_part

    def leave_nested(self) -> bool:
        """Close the runs whose depth only the context tells, (a) and (i); whether any was open."""
        depth = next((depth for depth, each in enumerate(self._open) if each.rank >= NESTED_RANK), len(self._open))
        left = depth < len(self._open)
        del self._open[depth:]
        self._around = None
        return left

    def _places(self, candidates: list[Reading], *, begins_line: bool) -> Iterator[tuple[int, Reading]]:
        """Where a number could stand, the best first: (how many open numbers stay above it, its reading)."""
        yield from self._next_in_run(candidates, gap=1)
        yield from self._next_in_run([reading for reading in candidates if reading.above], gap=_MAX_GAP)
        for reading in candidates:
            if reading.value <= 1 and self._opens(reading, begins_line=begins_line):
                yield self._depth(reading), reading
        if begins_line:
            yield from self._next_in_run(candidates, gap=_MAX_GAP)
            yield from ((self._depth(reading), reading) for reading in candidates if reading.rank)

    def _next_in_run(self, candidates: list[Reading], gap: int) -> Iterator[tuple[int, Reading]]:
        for depth in range(len(self._open) - 1, -1, -1):
            last = self._open[depth].reading
            for reading in candidates:
                same = reading.style == last.style and reading.above == last.above
                if same and last.value < reading.value <= last.value + gap:
                    yield depth, reading

    def _opens(self, reading: Reading, *, begins_line: bool) -> bool:
        """Whether the first number of a run may stand here."""
        if begins_line or not reading.rank:
            return True
        if not reading.above:
            return reading.style == "decimal" and all(each.reading.style != "decimal" for each in self._open)
        *above, last = reading.above
        inside = [(*each.reading.above, each.reading.value) for each in self._open]
        # `5.1` opens below 5, and below 4 too, in case the heading of 5 was lost.
        return not {(*above, last), (*above, last - 1)}.isdisjoint(inside)

    def _depth(self, reading: Reading) -> int:
        """How many open numbers stay above a new run: those further out, or above the same style where it is open."""
        if reading.rank:
            holds = [each.rank < reading.rank and _holds(each.reading, reading) for each in self._open]
            return [*holds, False].index(False)
        styles = [each.reading.style for each in self._open[self._around :]]
        return (self._around or 0) + (styles.index(reading.style) if reading.style in styles else len(styles))


def _below_paragraph(reading: Reading) -> Reading:
    """A number such as `1.` below a `§`: it may stand below `(1)` there, too."""
    whole = reading.style == "decimal" and not reading.above
    return Reading("1.", reading.value) if whole and reading.rank == _DECIMAL_RANK else reading


def _holds(outer: Reading, inner: Reading) -> bool:
    """Whether a number may stand above another: 5 does not hold 7.1."""
    if outer.style != inner.style:
        return True
    number = (*outer.above, outer.value)
    return inner.above[: len(number)] == number
