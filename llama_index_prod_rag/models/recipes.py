"""How an embedding model makes one vector of a text, as its own files say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llama_index_prod_rag.models.weights import read_settings

Pooling = Literal["cls", "mean"]
"""Which vectors of the last layer become the text's: the first token's, or the mean of all."""

# BAAI's model cards of bge-small-en, -base-en and -large-en (v1 and v1.5): the first token's vector, and this before
# a short query. Exports to ONNX often leave the files out that say so.
_BGE = re.compile(r"bge-(?:small|base|large)-en(?![a-z])", re.IGNORECASE)
_BGE_QUERY = "Represent this sentence for searching relevant passages: "


@dataclass(frozen=True, slots=True)
class Recipe:
    """Says what is done around the model: instructions before it, pooling after it.

    Attributes:
        pooling: which vectors count; None where the files do not say.
        query_instruction: put before every query.
        text_instruction: put before every text.
    """

    pooling: Pooling | None = None
    query_instruction: str = ""
    text_instruction: str = ""


def read_recipe(folder: Path, name: str) -> Recipe:
    """Read the recipe of a model from its folder.

    Reads what sentence-transformers writes: the pooling module's settings and the prompts. The English BGE models,
    whose exports leave those files out, are known by name.

    Args:
        folder: the model's files.
        name: what the model is called, a hub name or a folder's.

    Raises:
        ModelError: one of the files is damaged.
    """
    prompts = read_settings(folder / "config_sentence_transformers.json").get("prompts") or {}
    recipe = Recipe(_pooling(folder), _prompt(prompts, "query"), _prompt(prompts, "document", "passage"))
    if not _BGE.search(f"{name} {read_settings(folder / 'config.json').get('_name_or_path', '')}"):
        return recipe
    return Recipe(recipe.pooling or "cls", recipe.query_instruction or _BGE_QUERY, recipe.text_instruction)


def _prompt(prompts: Mapping[str, str], *names: str) -> str:
    return next((prompts[name] for name in names if prompts.get(name)), "")


def _pooling(folder: Path) -> Pooling | None:
    modules = read_settings(folder / "modules.json", list)
    paths = [module["path"] for module in modules if str(module.get("type", "")).endswith("Pooling")]
    settings = read_settings(folder / (paths[0] if paths else "1_Pooling") / "config.json")
    # sentence-transformers before 6 writes a flag for each mode, later versions the mode's name.
    on = [key.removeprefix("pooling_mode_") for key, value in settings.items() if value is True and "_mode_" in key]
    named: dict[str, Pooling] = {"cls": "cls", "cls_token": "cls", "mean": "mean", "mean_tokens": "mean"}
    modes = on or [settings.get("pooling_mode", "")]
    return named.get(modes[0]) if len(modes) == 1 else None
