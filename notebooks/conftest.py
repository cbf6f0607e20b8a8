"""How `make notebooks` runs them: offline, and without those whose server is not there."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip a notebook whose server is missing, or let it fail where the gate says that everything has to be there."""
    if os.environ.get("ELASTICSEARCH_URL") or os.environ.get("PROD_RAG_REQUIRE") == "all":
        return
    for item in items:
        if item.path.name.startswith("06"):
            item.add_marker(pytest.mark.skip(reason="no Elasticsearch: set ELASTICSEARCH_URL"))
