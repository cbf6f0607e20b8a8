"""Text in any encoding: by its byte order mark, by what it declares, by its bytes."""

from __future__ import annotations

import codecs
import re

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.readers.archive import CONTAINER

PROBE = 8192
"""Bytes that tell whether a file is text; git decides by a NUL in nearly the same stretch."""
# The longer ones first: UTF-32 begins as UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# In the first lines of HTML, XML and scripts.
_DECLARED = re.compile(
    rb"""(?i)(?:charset|coding)\s*[=:]\s*["']?((?:iso|latin|windows|cp|koi|shift|s?jis|euc|gb|big5|mac)[\w.:-]{0,20})"""
)
_DECLARED_WITHIN = 1024
"""Bytes within which HTML has to declare its encoding (WHATWG)."""
_SEVEN_BITS = (b"\x1b$B", b"\x1b$@")  # how Japanese begins in ISO-2022-JP, whose bytes are all ASCII
_FOREIGN = 0.3
"""Share of letters outside ASCII from which on a text is in no Latin script."""
_FEW = 8
"""NULs of a file that may be text in UTF-16 without a mark."""
_SAMPLE = 2**16
# Encodings that are known by what only their language writes: kana, and hangul throughout.
_KNOWN_BY = (("euc_jp", re.compile("[\u3040-\u30ff]"), 0.2), ("cp949", re.compile("[\uac00-\ud7a3]"), 0.9))
_OTHER_SCRIPTS = (
    *("cp1251", "koi8_r", "cp866", "iso8859_5", "cp1253", "iso8859_7", "cp1255", "cp1256"),
    *("cp932", "gb18030", "big5", "cp949"),
)
_LATIN = "cp1252"  # what the web assumes of text that is not UTF-8 (WHATWG)


def find_encoding(head: bytes) -> str | None:
    r"""Find the encoding that the first bytes of a file tell; None where all of it has to be asked.

    Raises:
        InputError: it is no text.

    Examples:
        >>> [find_encoding(each) for each in ("naïve".encode("utf-16"), "naïve way".encode("utf-16-le"), b"ab")]
        ['utf-16', 'utf-16-le', None]
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if head.startswith(CONTAINER):
        raise InputError("of a format from before 2007: save it as a new one")
    if b"\0" not in head:
        return None
    even, odd = head[::2].count(0) / len(head), head[1::2].count(0) / len(head)
    if (
        head.count(0) < _FEW or max(even, odd) < 0.3 or min(even, odd) > 0.01
    ):  # NULs in every other byte: Latin text in UTF-16
        raise InputError("binary, not text")
    return "utf-16-le" if odd > even else "utf-16-be"


def decode(content: bytes, encoding: str | None = None) -> str:
    r"""Decode all of a text; what its encoding does not have is shown as `\ufffd`.

    Args:
        content: the text.
        encoding: what `find_encoding` found.

    Examples:
        >>> decode("Ткацкий станок".encode("koi8-r")), decode("naïve".encode("cp1252"))
        ('Ткацкий станок', 'naïve')
    """
    if encoding is None and any(sign in content for sign in _SEVEN_BITS):
        encoding = "iso2022_jp"
    if encoding is not None:
        return content.decode(encoding, errors="replace")
    for known in filter(None, ("utf-8", _find_declared(content))):
        try:
            return content.decode(known)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode(_guess(content), errors="replace")


def _find_declared(content: bytes) -> str | None:
    match = _DECLARED.search(content, 0, _DECLARED_WITHIN)
    return None if match is None else match[1].decode("ascii")


def _guess(content: bytes) -> str:
    sample = _cut(content[:_SAMPLE])
    foreign = sum(byte > 0x7F for byte in sample)
    if foreign < _FOREIGN * (foreign + sum(map(str.isalpha, sample.decode("ascii", "ignore")))):
        return _LATIN
    for encoding, letters, share in _KNOWN_BY:
        if _is_written_in(sample, encoding, letters, share):
            return encoding
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=list(_OTHER_SCRIPTS)).best()
    best = best or from_bytes(sample, cp_isolation=["cp874"]).best()  # Thai; a few words in Cyrillic look like it, too
    return _LATIN if best is None else best.encoding


def _cut(sample: bytes) -> bytes:
    """A sample up to the end of a line, lest it end inside a character."""
    end = sample.rfind(b"\n") + 1
    return sample[:end] if end else sample


def _is_written_in(sample: bytes, encoding: str, letters: re.Pattern[str], share: float) -> bool:
    try:
        shown = sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return len(letters.findall(shown)) > share * sum(each > "\x7f" and each.isalpha() for each in shown)
