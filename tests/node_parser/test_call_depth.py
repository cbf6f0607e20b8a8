"""A document's way through the parsers stays short: counted as `benchmarks.call_depth` prints it."""

from __future__ import annotations

import pytest

from benchmarks.call_depth import TEXTS, depths


@pytest.mark.integration
@pytest.mark.parametrize("format_name", TEXTS)
def test_a_document_passes_few_functions_and_enters_chunking_once(format_name: str) -> None:
    found = depths(format_name)
    for name in ("DocumentAwareNodeParser", "SemanticChunker"):
        assert len(found[name].deepest) <= 8, " > ".join(found[name].deepest)
        assert found[name].entries == 1
