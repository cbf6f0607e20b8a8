"""What the parsers ask of an embedding model: vectors of unit texts, and to come back from its dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray

from llama_index_prod_rag.errors import ConfigurationError


def for_batches(texts: Sequence[str]) -> list[str]:
    """List each text once, longest first: a batch is padded to its longest text, so it should hold texts of one length.

    Examples:
        >>> for_batches(["b", "aa", "b"])
        ['aa', 'b']
    """
    return sorted(dict.fromkeys(texts), key=len, reverse=True)


def unit_vectors(texts: Sequence[str], vectors: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Make a row of length one for each text, from the vectors of `for_batches(texts)`.

    A vector of zeros or of no numbers stays without direction.

    Examples:
        >>> unit_vectors(["b", "aa", "b"], [[3.0, 4.0], [0.0, 0.0]]).tolist()
        [[0.0, 0.0], [0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    matrix = np.nan_to_num(np.asarray(vectors, dtype=np.float32))
    norms = np.linalg.norm(matrix, axis=1, keepdims=True).astype(np.float32)
    norms[norms == 0] = 1.0
    matrix /= norms
    rows = {text: row for row, text in enumerate(for_batches(texts))}
    return matrix[[rows[text] for text in texts]]


def restore_embed_model(data: Mapping[str, Any]) -> BaseEmbedding:
    """Make an embedding model from its `to_dict()`.

    Raises:
        ConfigurationError: its class is not imported and not one that LlamaIndex ships with this package.
    """
    name = data.get("class_name")
    if name == "HuggingFaceEmbedding":
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        restored: BaseEmbedding = HuggingFaceEmbedding.from_dict(dict(data))
        return restored
    if name == "OnnxEmbedding":
        from llama_index_prod_rag.models.onnx_embedding import OnnxEmbedding

        return OnnxEmbedding.from_dict(dict(data))
    classes = BaseEmbedding.__subclasses__()
    for known in classes:  # grows while it runs: subclasses of subclasses
        if known.class_name() == name:
            return known.from_dict(dict(data))
        classes.extend(known.__subclasses__())
    raise ConfigurationError(f"no embedding class {name!r} is imported: import it first, or pass embed_model again")
