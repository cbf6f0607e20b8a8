"""What can be read is read, what cannot is named, and nothing is lost in silence."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from llama_index.core.schema import Document

from llama_index_prod_rag.cli import reading
from llama_index_prod_rag.cli.selection import Selection
from llama_index_prod_rag.cli.sources import Source, files_source, topics_source
from llama_index_prod_rag.errors import InputError


def _load(source: Source) -> list[Document]:
    documents, left_out = source.read(source.files)
    source.say_left_out(left_out)
    return [document for group in documents.values() for document in group]


def _texts(path: Path, selection: Selection | None = None) -> dict[str, str]:
    return {document.metadata["file_path"]: document.text for document in _load(files_source(path, selection))}


def _stamps(path: Path) -> list[tuple[str, str]]:
    return [(file.name, file.stamp) for file in files_source(path).files]


def test_a_folder_is_read_with_everything_below_it_but_what_is_hidden(tmp_path: Path) -> None:
    for name in ("a.md", "deep/er/b.txt", ".git/config", "__pycache__/c.py", ".hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"text of {name}")
    assert _texts(tmp_path) == {"a.md": "text of a.md", "deep/er/b.txt": "text of deep/er/b.txt"}


@pytest.mark.parametrize(
    "text", ["line\r\nline\r\n", "漢字かな交じり", "emoji 👩‍👩‍👧", "a\x00b" * 0 + "tab\tend", "<|endoftext|>"]
)
def test_text_is_taken_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode())
    assert _texts(tmp_path) == {"a.txt": text}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_recognized(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("naïve café".encode(encoding))
    assert _texts(tmp_path) == {"a.txt": "naïve café"}


def test_bad_files_are_named_and_the_others_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "good.md").write_text("good")
    (tmp_path / "empty.md").write_text("  \n")
    (tmp_path / "binary.dat").write_bytes(b"\x00\x01\x02")
    with caplog.at_level(logging.WARNING):
        assert _texts(tmp_path) == {"good.md": "good"}
    assert "left out 2 of 3 files: " in caplog.text
    assert "empty: empty.md" in caplog.text
    assert "binary, not text: binary.dat" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "good.md").write_text("good")
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "secret.md").chmod(0)
    assert _texts(tmp_path) == {"good.md": "good"}
    assert "permission denied: secret.md" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("mode", [0o000, 0o400])
def test_a_folder_without_rights_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int) -> None:
    (tmp_path / "good.md").write_text("good")
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "secret.md").write_text("secret")
    (tmp_path / "closed").chmod(mode)
    try:
        assert _texts(tmp_path) == {"good.md": "good"}
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert "closed" in caplog.text
    assert "permission denied" in caplog.text


def test_what_is_no_regular_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("good")
    (tmp_path / "gone.md").symlink_to(tmp_path / "nothing")
    (tmp_path / "circle").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.md")
    assert _texts(tmp_path) == {"good.md": "good"}


def test_a_folder_with_nothing_to_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "binary.dat").write_bytes(b"\x00")
    with pytest.raises(InputError, match=r"nothing in .* could be read \(binary, not text: binary\.dat\)"):
        _load(files_source(tmp_path))


def test_an_empty_folder_and_a_missing_path_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no files"):
        files_source(tmp_path)
    with pytest.raises(InputError, match="there is nothing at"):
        files_source(tmp_path / "missing")


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(exclude=("*",)), r"holds no files that --exclude '\*' leaves: 2 files without it"),
        (Selection(include=("*.md", "c d")), r"--include '\*\.md' --include 'c d' leaves: 2 files"),
        (Selection(exclude=("*",), git_ignored=True), "leaves: 3 files"),
    ],
)
def test_patterns_that_leave_no_file_are_named(tmp_path: Path, selection: Selection, message: str) -> None:
    for name in ("a.txt", "b.txt", "c.log"):
        (tmp_path / name).write_text("text")
    (tmp_path / ".gitignore").write_text("*.log\n")
    with pytest.raises(InputError, match=message):
        files_source(tmp_path, selection)


def test_a_format_that_needs_a_reader_names_the_package(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(InputError, match=r"llama-index-readers-file|reader failed"):
        _load(files_source(tmp_path))


class _PagesWithoutText:
    """What LlamaIndex's reader makes of scanned pages, where it is installed."""

    def __init__(self, **_: object) -> None: ...

    def load_data(self) -> list[Document]:
        return [Document(text=" ", metadata={"page_label": 1})]


class _Damaged(_PagesWithoutText):
    def load_data(self) -> list[Document]:
        raise ValueError("Error loading file") from OSError("no end of file")


@pytest.mark.parametrize(
    ("reader", "message"), [(_PagesWithoutText, "run OCR first"), (_Damaged, "its reader failed .no end of file")]
)
def test_a_scan_and_a_damaged_file_say_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: type[object], message: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: True)
    monkeypatch.setattr("llama_index.core.SimpleDirectoryReader", reader)
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(InputError, match=message):
        reading.read_file(tmp_path / "scan.pdf", "scan.pdf")


def test_code_without_its_grammar_is_read_as_prose_until_the_grammar_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.py").write_text("def f():\n    return 1\n")
    (tmp_path / "b.md").write_text("# Title\n")
    parsed = _stamps(tmp_path)
    monkeypatch.setattr(reading, "_has_grammar", lambda _: False)
    source = files_source(tmp_path)
    assert _stamps(tmp_path) != parsed
    assert [document.metadata.get("format") for document in _load(source)] == ["prose", None]
    assert "read as prose: .py; pip install 'llama-index-prod-rag[code]'" in caplog.text


def test_the_stamp_changes_with_any_file_and_only_then(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("one")
    first = _stamps(tmp_path)
    assert _stamps(tmp_path) == first
    (tmp_path / "a.md").write_text("another")
    second = _stamps(tmp_path)
    (tmp_path / "b.md").write_text("new")
    third = _stamps(tmp_path)
    assert first[0] != second[0] == third[0]
    assert len(third) == 2


def test_the_same_folder_by_another_path_is_the_same_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "deep" / "a.md").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "docs")
    monkeypatch.chdir(tmp_path / "docs")
    seen = [files_source(path) for path in (tmp_path / "docs", Path(), tmp_path / "link", tmp_path / "docs/deep/..")]
    assert {(source.name, source.files[0].name, source.files[0].stamp) for source in seen} == {
        (str(tmp_path / "docs"), "deep/a.md", seen[0].files[0].stamp)
    }


def test_what_git_ignores_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    files = ("a.md", "b.log", "keep.log", "out/c.md", "deep/d.md", "deep/d.tmp")
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\nout/\n")
    (tmp_path / "deep" / ".gitignore").write_text("*.tmp\n")
    assert set(_texts(tmp_path)) == {"a.md", "keep.log", "deep/d.md"}
    assert set(_texts(tmp_path, Selection(git_ignored=True))) == set(files)
    assert set(_texts(tmp_path, Selection(include=("*.md",), exclude=("deep",)))) == {"a.md"}


def test_a_file_that_is_linked_to_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text("text")
    (tmp_path / "a-link.md").symlink_to(tmp_path / "real.md")
    (tmp_path / "b-link.md").hardlink_to(tmp_path / "real.md")
    assert len(_texts(tmp_path)) == 1


def test_a_large_binary_file_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("text")
    with (tmp_path / "video.bin").open("wb") as file:
        file.write(b"\0" * 10)
        file.truncate(3 * 2**30)  # no blocks on disk
    with (tmp_path / "huge.txt").open("wb") as file:
        file.write(b"text " * 2_000)
        file.truncate(2**30)
    assert set(_texts(tmp_path)) == {"a.md"}


def test_a_name_that_is_no_utf8_is_shown_and_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("text")
    [name] = _texts(tmp_path)
    assert name == "caf\\xe9.txt"
    name.encode("utf-8")


def test_the_language_reference_is_there_in_every_python() -> None:
    documents = _load(topics_source())
    assert len(documents) > 50
    assert all(document.text.strip() for document in documents)
    assert len({document.id_ for document in documents}) == len(documents)
