"""What a reranker is told in groups: how its model runs, and what the full model need not read."""

from __future__ import annotations

from dataclasses import dataclass

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.models.pairs import Backend, Dtype


@dataclass(frozen=True, slots=True)
class Runtime:
    """How a model is loaded and run.

    Args:
        backend: `onnx`, `torch` (the `torch` extra), or `auto`: ONNX Runtime where the folder or repository has ONNX
            weights and no device is given, else torch.
        device: torch device; None lets sentence-transformers choose.
        dtype: precision in torch; `auto` halves it on a GPU.
        threads: workers of ONNX Runtime, at least 1; None takes one per usable core.
        onnx_file: weights file inside the model's folder or repository, for example
            `"onnx/model_qint8_avx512_vnni.onnx"`; None takes the usual names.
        trust_remote_code: run code that the model's repository brings.

    Raises:
        ConfigurationError: `threads` is below 1.
    """

    backend: Backend = "auto"
    device: str | None = None
    dtype: Dtype = "auto"
    threads: int | None = None
    onnx_file: str | None = None
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if self.threads is not None and self.threads < 1:
            raise ConfigurationError(f"threads is {self.threads}: it must be at least 1, or None for one per core")


@dataclass(frozen=True, slots=True)
class Cascade:
    """What the full model need not read.

    Args:
        prefilter: what chooses the candidates that the full model reads: `retrieval` takes the first `keep` of the list
            as it comes in, `beginning` lets the model read forty words of each passage first, and anything else is
            the name or folder of a smaller cross-encoder. None reads all.
        keep: how many the prefilter keeps, at least the reranker's `top_n`.
        early_stop: stop reading when no candidate that is left can reach the best `top_n`, judging by the range of
            the pair scores read so far. Candidates not read are not returned.

    Raises:
        ConfigurationError: `prefilter` without `keep` or the other way round, or `keep` is below 1.
    """

    prefilter: str | None = None
    keep: int | None = None
    early_stop: bool = False

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if (self.prefilter is None) != (self.keep is None):
            raise ConfigurationError("prefilter and keep belong together: set both or neither")
        if self.keep is not None and self.keep < 1:
            raise ConfigurationError(f"keep is {self.keep}: it must be at least 1")
