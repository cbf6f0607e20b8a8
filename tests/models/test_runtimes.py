"""Whatever loads a model in torch: errors that name it, and no pickles."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.evaluation.semantic import BertScorer
from llama_index_prod_rag.models.embedding import load_embedding
from llama_index_prod_rag.models.nli import CrossEncoderNLI
from llama_index_prod_rag.models.reader import ExtractiveReader
from llama_index_prod_rag.models.scorers import load_scorer

LOADERS: dict[str, Callable[[str], object]] = {
    "embedding": lambda model: load_embedding(model, backend="torch", device="cpu"),
    "cross-encoder": lambda model: load_scorer(model, backend="torch", device="cpu"),
    "NLI": lambda model: CrossEncoderNLI(model, device="cpu"),
    "reader": lambda model: ExtractiveReader(model, backend="torch", device="cpu"),
    "BERTScore": BertScorer,
}


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_a_name_that_no_hub_answers_for_says_what_to_check(load: Callable[[str], object]) -> None:
    with pytest.raises(ModelError, match=r"(?s)owner/model cannot be loaded .*check the name, the connection"):
        load("owner/model")


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_a_damaged_folder_is_named(load: Callable[[str], object], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{cut")
    with pytest.raises(ModelError, match=rf"(?s){tmp_path}.* cannot be loaded .*get it again"):
        load(str(tmp_path))


@pytest.mark.parametrize("kind", ["embedding", "cross-encoder", "NLI", "reader"])
def test_a_folder_of_pickled_weights_is_refused(kind: str, tiny_model: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = tmp_path / "pickled"
    shutil.copytree(tiny_model, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    torch.save(load_file(tiny_model / "model.safetensors"), folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        LOADERS[kind](str(folder))
