"""Text that is not UTF-8 is read in the encoding that it declares, or that its bytes show."""

from __future__ import annotations

from pathlib import Path

import pytest

from llama_index_prod_rag.cli.reading import read_file
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.readers.encodings import decode, find_encoding

_TEXTS = {
    "ru": "Ткацкий станок служит для производства тканей. Первые станки были вертикальными.\n",
    "el": "Ο αργαλειός είναι μηχανή για την ύφανση υφασμάτων.\n",
    "ja": "織機は布を織る機械である。経糸と緯糸を交差させて布を作る。カタカナも。\n",
    "zh": "织机是织布的机器，历史悠久。它在中国有很长的历史，人们用它来生产布料。\n",
    "tw": "織機是織布的機器，歷史悠久。它在中國有很長的歷史，人們用它來生產布料。\n",
    "ko": "베틀은 천을 짜는 기계이다. 아주 오래된 도구이며 지금도 쓰인다.\n",
    "de": "Die Straße ist groß. Mehr Text über Öl und Häuser für Gäste – „so“.\n",
    "fr": "Le métier à tisser est très ancien. Où êtes-vous ? Ça va.\n",
}


@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *(("ru", name) for name in ("cp1251", "koi8-r", "cp866", "iso8859-5")),
        *(("el", name) for name in ("cp1253", "iso8859-7")),
        *(("ja", name) for name in ("shift-jis", "euc-jp", "iso2022-jp")),
        *(("zh", "gb18030"), ("tw", "big5"), ("ko", "euc-kr"), ("de", "cp1252"), ("fr", "latin-1")),
        *((language, name) for language in _TEXTS for name in ("utf-8", "utf-8-sig", "utf-16", "utf-32")),
        *(("de", name) for name in ("utf-16-le", "utf-16-be")),
    ],
)
def test_the_bytes_of_a_text_tell_its_encoding(tmp_path: Path, language: str, encoding: str, times: int) -> None:
    text = "# T\n\n" + _TEXTS[language] * times
    (tmp_path / "a.md").write_bytes(text.encode(encoding))
    assert read_file(tmp_path / "a.md", "a.md")[0].text == text


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="windows-1250"><p>{}', "cp1250"),
        ('<?xml version="1.0" encoding="ISO-8859-2"?><p>{}</p>', "iso8859-2"),
        ("# -*- coding: cp1250 -*-\n# {}", "cp1250"),
        ("encoding: unicode_escape\n{}", "cp1252"),
    ],
)
def test_what_a_text_declares_is_believed(head: str, encoding: str) -> None:
    text = head.format("příze" if encoding != "cp1252" else "café \\n")
    assert decode(text.encode(encoding)) == text


def test_a_wrong_declaration_loses_nothing() -> None:
    assert decode('<meta charset="big5"><p>café au lait: é'.encode("cp1252")).endswith("café au lait: é")


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"text\x00text", b"\x7fELF\x02\x01\x01" + b"\0" * 100])
def test_what_is_no_text_says_so(content: bytes) -> None:
    with pytest.raises(InputError, match="binary"):
        find_encoding(content)
