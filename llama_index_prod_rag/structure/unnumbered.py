"""What begins a part of a legal text without a number: definitions, recitals, paragraphs, signatures, annexes. Core."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llama_index_prod_rag.structure.clause_numbers import UPPER
from llama_index_prod_rag.structure.line_starts import begins_own_line
from llama_index_prod_rag.structure.lines import Line, split_lines
from llama_index_prod_rag.structure.pages import PageBreak

# What a contract opens with, before its numbered clauses.
_RECITAL = re.compile(r"WHEREAS\b|NOW,?\s+THEREFORE\b|(?:WITNESSETH|RECITALS?)\b")
# A quoted term and, in the same sentence, the words that define it.
_DEFINED = re.compile(
    r"(?<!\w)[\"“][A-Z][^\"“”\n]{1,80}[\"”]"
    r"(?=[^.\n\"“”]{0,60}?\b(?:means?|shall\s+mean|has\s+the\s+meaning|have\s+the\s+meaning)\b)"
)
_LAST = re.compile(
    r"(?m)^[ \t]*(?:IN\s+WITNESS\s+WHEREOF\b"
    r"|END\s+OF\s+(?:THE\s+)?(?:TERMS|LICEN[CS]E|AGREEMENT|ACT|CONTRACT|DOCUMENT)\b"
    r"|\[?(?i:signature\s+page)|(?i:signatures?|unterschrift(?:en)?|firmas?)[ \t]*:?[ \t]*$"
    r"|(?i:(?:duly\s+)?(?:signed|executed)(?:\s+and\s+delivered)?(?:\s+as\s+a\s+deed)?\s+(?:by|for|on|at|this)\b)"
    r"|(?:Done|DONE)\s+(?:at|in)\s+[A-Z]|Fait\s+[àa]\s+[A-Z]|Geschehen\s+zu\b|Hecho\s+en\s+[A-Z]|Fatto\s+a\s+[A-Z]"
    r"|(?:HAVE|HAS)\s+ADOPTED\s+THIS\b|(?:ONT|A)\s+ADOPTÉ\s+L|HA(?:BEN|T)\s+FOLGENDEN?\b|HAN?\s+ADOPTADO\b"
    r"|HA(?:NNO)?\s+ADOTTATO\b"
    rf"|{UPPER}[\w.-]+(?:[ /][\w.-]+){{0,3}},[ \t]*(?:(?:den|le|il|a|em)[ \t])?[ \t]*"
    r"(?:\d{1,2}(?:\.|er|º)?[ \t](?:de[ \t])?[^\W\d_]{3,10}[ \t](?:de[ \t])?|\d{1,2}\.\d{1,2}\.|_{3,}[ \t]*)"
    r"(?:\d{4}|_*)[ \t]*$"
    r"|(?:By|Name|Title|Date|Signature|Unterschrift|Signed)[ \t]*:?[ \t]*_{3,}|_{10,}[ \t]*$"
    r"|(?P<annexed>(?:APPENDIX|SCHEDULES?|ANNEX(?:E|ES)?|EXHIBITS?|ATTACHMENTS?|ANHANG|ANLAGEN?|ANEXOS?|ALLEGAT[OI]"
    r"|EXPLANATORY[ ](?:NOTE|MEMORANDUM)|부[ ]?칙|附[ \u3000]?則)\b"
    r"(?=[ \t]*(?:$|[:–—<-]))|(?:Appendix|Schedule|Annexe?|Anhang|Anlage|Anexo|Allegato)(?=[ \t]*(?:$|:))))"
)
"""What stands below no clause any more: the end, signatures, and what is annexed without a number."""


def find_unnumbered(text: str, breaks: Sequence[PageBreak]) -> list[tuple[int, str, int]]:
    """(start, kind, indent) of what begins a line without a number: below no (a) that is open there, or below none."""
    found = [(match.start(), "definition", 0) for match in _DEFINED.finditer(text)]
    found += [(match.start(), "recital", 0) for match in _RECITAL.finditer(text)]
    found = [each for each in found if begins_own_line(text, each[0])]
    for match in _LAST.finditer(text):
        start = match.end() - len(match.group().lstrip())
        found.append((start, "annexed" if match["annexed"] else "closing", 0))
    taken = {start for start, _, _ in found}
    found += [each for each in _paragraph_starts(text, breaks) if each[0] not in taken]
    return sorted(found)


def _paragraph_starts(text: str, breaks: Sequence[PageBreak]) -> Iterator[tuple[int, str, int]]:
    """Lines behind a blank line, with their indentation; pages tear paragraphs, and their numbers do not begin one."""
    skipped = {each.start for each in breaks} | {each.after for each in breaks if each.torn}
    before: Line | None = None
    for line in split_lines(text):
        if not line.blank and before is not None and before.blank and line.start not in skipped:
            yield line.start, "paragraph", line.indent
        before = line
