"""Credentials in the words of errors."""

from __future__ import annotations

import time

import pytest

from llama_index_prod_rag.disclosure import describe, mask


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("no route to https://ada:hunter2@db.example:9200/docs", "hunter2"),
        ("postgresql://ada:p@ss@db/log refused", "p@ss"),
        ("Incorrect API key provided: sk-proj-1234abcd5678. Find yours at ...", "sk-proj-1234abcd5678"),
        ("401 for {'Authorization': 'Bearer abc.def-123'}", "abc.def-123"),
        ("headers: Authorization: Basic QWxhZGRpbjpvcGVu", "QWxhZGRpbjpvcGVu"),
        ("GET /search?q=x&api_key=0123abcd&size=3", "0123abcd"),
        ('{"password": "correct horse battery", "user": "ada"}', "horse"),
        ("AKIAIOSFODNN7EXAMPLE may not read", "AKIAIOSFODNN7EXAMPLE"),
        ("token=ghp_0123456789abcdefghij expired", "ghp_0123456789abcdefghij"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc is not valid", "eyJzdWIi"),
        ("key 0123456789abcdef0123456789abcdef is disabled", "0123456789abcdef0123456789abcdef"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc", "MIIEow"),
    ],
)
def test_credentials_are_masked(said: str, secret: str) -> None:
    told = describe(ConnectionError(said))
    assert secret not in told
    assert told.startswith("ConnectionError: ")


def test_what_the_environment_calls_a_secret_is_masked_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDOR_API_KEY", "tulips-in-may")
    assert mask("the vendor does not know tulips-in-may") == "the vendor does not know ***"


def test_the_folder_that_somebody_stands_in_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWD", "/home/ada/project")
    monkeypatch.setenv("OLDPWD", "/home/ada/docs")
    paths = "/home/ada/project/queries.db is no folder, /home/ada/docs is"
    assert mask(paths) == paths


@pytest.mark.parametrize(
    "said", ["no such file: notes.md", "KeyError: 'title'", "node 3f2504e0-4f89-11d3-9a0c-0305e82c33"]
)
def test_what_is_no_secret_stays(said: str) -> None:
    assert describe(OSError(said)) == f"OSError: {said}"


def test_an_error_is_one_printable_line_that_is_not_long() -> None:
    told = describe(ValueError("a\nb" + chr(27) + "]52;c;aGk=" + chr(7) + chr(0x202E) + "c" * 100_000))
    assert told.isprintable()
    assert len(told) < 600


def test_a_long_message_takes_no_time() -> None:
    began = time.process_time()
    for piece in ("://", "key", "a1B", "secret ", "-----BEGIN PRIVATE KEY-----"):
        describe(ValueError(piece * 200_000))
    assert time.process_time() - began < 5.0
