"""Every Python block of the README and of the documentation is a test.

A page's blocks run in order in one namespace, in an empty folder, as a reader would paste them into one session. What
a reader does not need to see stands in `<!-- invisible-code-block: python ... -->`; a block that needs a server follows
`<!-- skip: next if(missing("ELASTICSEARCH_URL")) -->`. All pages but the README, the start page and Getting started go
on from Getting started, whose names (`documents`, `nodes`, `index`, `retriever`, ...) they find there.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # an example must never wait for a hub

_ROOT = Path(__file__).parent
_FIRST = _ROOT / "docs" / "getting-started.md"
_ALONE = ("README.md", "docs/index.md", "docs/getting-started.md")
_started: dict[str, Any] = {}


def _missing(variable: str) -> bool:
    """Whether a server is absent; never where the gate says that everything has to be there."""
    if os.environ.get(variable):
        return False
    if os.environ.get("PROD_RAG_REQUIRE") == "all":
        pytest.fail(f"not allowed to skip here: {variable} is not set")
    return True


def _enter(namespace: dict[str, Any]) -> None:
    os.chdir(tempfile.mkdtemp(prefix="prod-rag-docs-"))
    namespace.update({"__name__": "__main__", "missing": _missing})


def _go_on(namespace: dict[str, Any]) -> None:
    _enter(namespace)
    if not _started:
        document = Sybil([PythonCodeBlockParser()]).parse(_FIRST)
        document.namespace.update(namespace)
        for example in document.examples():
            example.evaluate()
        _started.update(document.namespace)
    namespace.update(_started)


def _leave(_namespace: dict[str, Any]) -> None:
    os.chdir(_ROOT)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Where several processes share the tests, one at a time uses a server; the wait counts for no limit of time."""
    server, run = _server(item), os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if server is None or run is None:
        return (yield)
    with FileLock(Path(tempfile.gettempdir()) / f"prod-rag-tests-{run}-{server}.lock"):
        return (yield)


def _server(item: pytest.Item) -> str | None:
    """The one PostgreSQL database, or the one Elasticsearch, which some tests overload on purpose."""
    if item.get_closest_marker("postgres"):
        return "postgres"
    asks = "elasticsearch" in item.nodeid or "elasticsearch_url" in getattr(item, "fixturenames", ())
    return "elasticsearch" if asks else None


_parsers = [PythonCodeBlockParser(), SkipParser()]
_alone = Sybil(_parsers, path=str(_ROOT), patterns=_ALONE, setup=_enter, teardown=_leave)
_further = Sybil(
    [PythonCodeBlockParser(), SkipParser()],
    path=str(_ROOT / "docs"),
    patterns=["*.md"],
    excludes=[Path(name).name for name in _ALONE[1:]],
    setup=_go_on,
    teardown=_leave,
)
pytest_collect_file = (_alone + _further).pytest()
