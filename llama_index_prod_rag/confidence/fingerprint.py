"""What a calibration was fitted on, and what of it a pipeline does not share. Core: names and numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.models.weights import OFFLINE, PUBLISHED_AS, Role

_VARIANT = re.compile(r"-(?:int8|uint8|fp16|onnx|quantized)$")  # the same model, stored otherwise
# MS MARCO's MiniLM cross-encoders were distilled from one teacher's logits, so their scale is one.
_LAYERS = re.compile(r"(?<=ms-marco-minilm)-l-?\d+")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Names the parts of a pipeline that scores depend on.

    Attributes:
        embedders: leg -> the model that embeds its queries; empty text for a leg without one.
        reranker: the cross-encoder; empty without one.
        rule: the fusion rule.
        candidates: passages that reached the reranker.
        language: of the documents.
    """

    embedders: Mapping[str, str] = field(default_factory=dict)
    reranker: str = ""
    rule: str = ""
    candidates: int = 0
    language: str = "english"

    def differences(self, other: Fingerprint) -> dict[str, str]:
        """Groups of signals that mean something else in another pipeline -> why, in words; unknown names differ not.

        Examples:
            >>> fitted = Fingerprint({"dense": "bge-small-en-v1.5"}, "ms-marco-minilm-v2")
            >>> fitted.differences(Fingerprint({"dense": "gte-large"}, "ms-marco-minilm-v2"))
            {'leg dense': 'dense embeds with gte-large, not with bge-small-en-v1.5', 'vectors': 'as for dense'}
        """
        found = {
            f"leg {leg}": f"{leg} embeds with {model}, not with {self.embedders[leg]}"
            for leg, model in other.embedders.items()
            if model and self.embedders.get(leg) and model != self.embedders[leg]
        }
        if found:
            found["vectors"] = f"as for {', '.join(group.partition(' ')[2] for group in found)}"
        if other.reranker and self.reranker and other.reranker != self.reranker:
            found["pair"] = f"{other.reranker} reranks, not {self.reranker}"
        return found

    def summary(self) -> str:
        """Describe the pipeline in one line: its legs and their models, its reranker, its rule, its language."""
        legs = ", ".join(f"{leg} ({model})" if model else leg for leg, model in self.embedders.items())
        return "; ".join(filter(None, [f"legs {legs}" if legs else "", self.reranker, self.rule, self.language]))


def fingerprint_of(evidence: Evidence) -> Fingerprint:
    """Describe the pipeline that one question's records tell of."""
    retrieval, rerank = evidence.retrieval, evidence.rerank
    models = retrieval.models if retrieval else {}
    legs = sorted(retrieval.legs) if retrieval else []
    return Fingerprint(
        {leg: model_name(models.get(leg, ""), "embedding") for leg in legs},
        model_name(rerank.model, "cross-encoder") if rerank else "",
        retrieval.rule if retrieval else "",
        len(rerank.logits) if rerank else 0,
        evidence.language,
    )


def model_name(name: str, role: Role) -> str:
    """Shorten a model's name: its organisation, its folder and the way it is stored are left out.

    Examples:
        >>> model_name("BAAI/bge-small-en-v1.5", "embedding"), model_name("offline", "embedding")
        ('bge-small-en-v1.5', 'bge-small-en-v1.5')
    """
    if name == OFFLINE:
        name = PUBLISHED_AS[role]
    short = re.split(r"[/\\]", name.rstrip("/\\"))[-1].lower()
    return _LAYERS.sub("", _VARIANT.sub("", short))
