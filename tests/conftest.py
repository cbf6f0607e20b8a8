"""What every test may ask for: data, weights, servers; each skips with its reason where absent."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.pair_scorers import scorer, short_scorer, tiny_model, two_label_model  # noqa: F401 - fixtures of several folders

# Generated inputs are new ones on every run at home and at night, where a finding is welcome, and the same ones in the
# gate. What fails at night prints how to run it again: it is then kept with `@example`.
settings.register_profile("gate", derandomize=True)
settings.register_profile("nightly", derandomize=False, print_blob=True)
if os.environ.get("PROD_RAG_NIGHTLY"):
    settings.load_profile("nightly")
elif os.environ.get("CI"):
    settings.load_profile("gate")

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test must never wait for a hub

_REQUIRED = os.environ.get("PROD_RAG_REQUIRE", "") == "all"


def skip(reason: str) -> None:
    """Skip, or fail where the gate says that everything has to be there."""
    if _REQUIRED:
        pytest.fail(f"not allowed to skip here: {reason}")
    pytest.skip(reason)


def fastest(call: Callable[[], object]) -> float:
    """This thread's own seconds for a call, the best of many: other work on the machine does not count."""
    spent = []
    for _ in range(50):
        started = time.thread_time()
        call()
        spent.append(time.thread_time() - started)
    return min(spent)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder with the public test collections."""
    folder = Path(os.environ.get("PROD_RAG_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        skip("no test collections here: set PROD_RAG_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def elasticsearch_url() -> str:
    """URL of a real Elasticsearch 8."""
    url = os.environ.get("ELASTICSEARCH_URL", "")
    if not url:
        skip("no Elasticsearch: set ELASTICSEARCH_URL")
    return url


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """URL of a real PostgreSQL database that tests may fill and empty."""
    url = os.environ.get("POSTGRES_URL", "")
    if not url:
        skip("no PostgreSQL: set POSTGRES_URL")
    return url


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A Chromium to look at pages with."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        skip("no Chromium: install it (Debian: apt-get install chromium)")
    return str(found)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Every unit test has an empty cache folder; integration tests keep the shared one, which saves embedding again."""
    if request.node.get_closest_marker("integration") is None:
        monkeypatch.setenv("PROD_RAG_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def _logging_stays() -> Iterator[None]:
    """Undo what the command line, called within a test, sets up for its process: the tests behind read their log."""
    root, own = logging.getLogger(), logging.getLogger("llama_index_prod_rag")
    handlers, levels = root.handlers[:], (root.level, own.level)
    yield
    for handler in set(root.handlers).difference(handlers):
        root.removeHandler(handler)
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(levels[0])
    own.setLevel(levels[1])
