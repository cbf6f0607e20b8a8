"""What can be read is read, what cannot is named, and nothing is lost in silence."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from llama_index_prod_rag.cli import sources
from llama_index_prod_rag.cli.sources import files_source, topics_source
from llama_index_prod_rag.errors import InputError


def _texts(path: Path) -> dict[str, str]:
    return {document.metadata["file_name"]: document.text for document in files_source(path).load()}


def test_a_folder_is_read_with_everything_below_it_but_what_is_hidden(tmp_path: Path) -> None:
    for name in ("a.md", "deep/er/b.txt", ".git/config", "__pycache__/c.py", ".hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"text of {name}")
    assert _texts(tmp_path) == {"a.md": "text of a.md", "b.txt": "text of deep/er/b.txt"}


@pytest.mark.parametrize(
    "text", ["line\r\nline\r\n", "漢字かな交じり", "emoji 👩‍👩‍👧", "a\x00b" * 0 + "tab\tend", "<|endoftext|>"]
)
def test_text_is_taken_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode())
    assert _texts(tmp_path) == {"a.txt": text}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("naïve café".encode(encoding))
    assert _texts(tmp_path) == {"a.txt": "naïve café"}


def test_bad_files_are_named_and_the_others_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "good.md").write_text("good")
    (tmp_path / "empty.md").write_text("  \n")
    (tmp_path / "binary.dat").write_bytes(b"\x00\x01\x02")
    with caplog.at_level(logging.WARNING):
        assert _texts(tmp_path) == {"good.md": "good"}
    assert "empty.md: empty" in caplog.text
    assert "binary.dat: binary, not text" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "good.md").write_text("good")
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "secret.md").chmod(0)
    assert _texts(tmp_path) == {"good.md": "good"}
    assert "secret.md: permission denied" in caplog.text


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
    with pytest.raises(InputError, match=r"nothing in .* could be read \(binary\.dat: binary, not text\)"):
        files_source(tmp_path).load()


def test_an_empty_folder_and_a_missing_path_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no files"):
        files_source(tmp_path)
    with pytest.raises(InputError, match="there is nothing at"):
        files_source(tmp_path / "missing")


def test_a_format_that_needs_a_reader_names_the_package(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(InputError, match=r"llama-index-readers-file|reader failed"):
        files_source(tmp_path).load()


def test_code_without_its_grammar_is_read_as_prose_until_the_grammar_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.py").write_text("def f():\n    return 1\n")
    (tmp_path / "b.md").write_text("# Title\n")
    parsed = files_source(tmp_path).stamp
    monkeypatch.setattr(sources, "_has_grammar", lambda _: False)
    source = files_source(tmp_path)
    assert source.stamp != parsed
    assert [document.metadata.get("format") for document in source.load()] == ["prose", None]
    assert "read as prose: .py; pip install 'llama-index-prod-rag[code]'" in caplog.text


def test_the_stamp_changes_with_any_file_and_only_then(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("one")
    first = files_source(tmp_path).stamp
    assert files_source(tmp_path).stamp == first
    (tmp_path / "a.md").write_text("another")
    second = files_source(tmp_path).stamp
    (tmp_path / "b.md").write_text("new")
    assert len({first, second, files_source(tmp_path).stamp}) == 3


def test_the_language_reference_is_there_in_every_python() -> None:
    documents = topics_source().load()
    assert len(documents) > 50
    assert all(document.text.strip() for document in documents)
    assert len({document.id_ for document in documents}) == len(documents)
