"""The whole pipeline over a corpus, as `prod-rag` runs it: hybrid retrieval, reranking, the gate."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import LLM
from llama_index.core.response_synthesizers import get_response_synthesizer

from llama_index_prod_rag.checked_json import parse_checked
from llama_index_prod_rag.cli.corpus import Corpus
from llama_index_prod_rag.confidence.assessment import Assessor, Status
from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor, default_calibration
from llama_index_prod_rag.confidence.calibration import Calibration
from llama_index_prod_rag.confidence.policy import Decision, Policy, StatusPolicy
from llama_index_prod_rag.confidence.verification import SupportPolicy
from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.evaluation.pair_scores import DiskScores
from llama_index_prod_rag.models.scorers import shared_scorer
from llama_index_prod_rag.models.weights import OFFLINE, find_weights
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.postprocessor.score_cache import CachedScorer
from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from llama_index_prod_rag.query_engine.writer import Log
from llama_index_prod_rag.retrievers.hybrid import DEFAULT_ALPHA, HybridFusionRetriever
from llama_index_prod_rag.retrievers.links import LinkedRetriever

if TYPE_CHECKING:
    from llama_index_prod_rag.query_log.store import QueryLog

WEIGHTS_FILE = "weights.json"
"""Beside an index: leg -> weight, as `prod-rag tune --save` leaves them."""

CANDIDATES = 50
"""Passages that the reranker reads: the depth at which its default weights were chosen."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user can turn on the command line.

    Attributes:
        top_k: passages that reach the answer, at least 1.
        alpha: weight of the dense leg against the lexical one, 0..1; None keeps the shipped default.
        rerank_model: as `models.find_weights` takes it.
        llm: the model that writes; None quotes.
        assessor: what judges the retrieval.
        policy: what the judgment leads to.
    """

    top_k: int = 5
    alpha: float | None = None
    rerank_model: str = OFFLINE
    llm: LLM | None = None
    assessor: Assessor = field(default_factory=CalibratedAssessor)
    policy: Policy = field(default_factory=StatusPolicy)


def settings_of(
    *,
    top_k: int,
    alpha: float | None,
    llm: str | None,
    calibration: Path | None,
    strict: bool | None,
    kind: str | None = None,
) -> Settings:
    """The settings that options of the command line stand for.

    Raises:
        ConfigurationError: an option names what is not there.
    """
    return Settings(
        top_k=top_k,
        alpha=alpha,
        llm=load_llm(llm),
        assessor=load_assessor(calibration, kind),
        policy=StatusPolicy() if strict is None else StatusPolicy(_STRICT if strict else _LENIENT),
    )


_STRICT: dict[Status, Decision] = {"uncertain": "refuse", "topic_drift": "refuse"}
_LENIENT: dict[Status, Decision] = {"low_confidence": "hedge"}


def load_llm(name: str | None) -> LLM | None:
    """A language model by its name on the command line: None for none, `offline`, or `module:callable` that makes one.

    Raises:
        ConfigurationError: the name has the wrong form, or what it names is not there or no LLM.
        ModelError: the offline model is not installed.
    """
    if name is None:
        return None
    if name == OFFLINE:
        from llama_index_prod_rag.models.llm import OfflineLLM

        find_weights(OFFLINE, "language-model")  # the gate would make a hedge of missing ones, after all the indexing
        return OfflineLLM()
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ConfigurationError(f"--llm {name}: write 'offline', or module:callable such as mymodels:make_llm")
    if "" not in sys.path:
        sys.path.insert(0, "")  # as `python -m` does: the user's module lies in the current folder
    try:
        made = getattr(import_module(module), attribute)()
    except Exception as error:  # the user's own code, whatever it raises
        raise ConfigurationError(f"--llm {name}: {type(error).__name__}: {error}") from error
    if not isinstance(made, LLM):
        raise ConfigurationError(f"--llm {name}: it returned {type(made).__name__}, not a LlamaIndex LLM")
    return made


def load_assessor(calibration: Path | None, kind: str | None = None) -> Assessor:
    """What judges a retrieval by a calibration file of `prod-rag calibrate`; None takes the shipped one.

    Raises:
        ConfigurationError: the file cannot be read, or has no thresholds for this kind of question.
    """
    loaded = default_calibration() if calibration is None else Calibration.load(calibration)
    if kind is None:
        return CalibratedAssessor(loaded)
    kind = kind.strip()
    if kind not in (known := {name for head in loaded.heads for name in head.by_slice}):
        has = f"it has {', '.join(sorted(known))}" if known else "make them with prod-rag calibrate --slice-by COLUMN"
        raise ConfigurationError(f"--slice {kind}: this calibration has no thresholds for it; {has}")
    return CalibratedAssessor(loaded, slice_of=lambda _: kind)


@contextmanager
def open_log(url: str | None) -> Iterator[QueryLog | None]:
    """The query log at a database URL, flushed and closed afterwards; None for none."""
    if url is None:
        yield None
        return
    from llama_index_prod_rag.query_log.store import QueryLog

    with QueryLog(url) as log:
        yield log


def saved_weights(folder: Path) -> dict[str, float] | None:
    """Weights that were tuned for this index; None where there are none.

    Raises:
        InputError: the file is damaged.
    """
    file = folder / WEIGHTS_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):  # never tuned, or a cache folder that cannot be made
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read ({error}): {_TUNE_AGAIN}") from error
    try:
        weights = {str(leg): float(weight) for leg, weight in parse_checked(text).items()}
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"{file} is damaged ({error}): {_TUNE_AGAIN}") from error
    if not weights or not all(math.isfinite(weight) and weight >= 0 for weight in weights.values()):
        raise InputError(f"{file} is damaged (weights are numbers from 0 on): {_TUNE_AGAIN}")
    return weights


_TUNE_AGAIN = "delete it for the default weights, or run `prod-rag tune ... --save` again"


def build_stages(corpus: Corpus, settings: Settings) -> tuple[BaseRetriever, CrossEncoderRerank]:
    """What finds the passages: the retriever, with two hops, and the reranker.

    Raises:
        ConfigurationError: a setting is out of range.
        ModelError: the reranker's weights cannot be found.
    """
    alpha = DEFAULT_ALPHA if settings.alpha is None else settings.alpha
    weights = saved_weights(corpus.folder) if settings.alpha is None else None
    hybrid = HybridFusionRetriever.from_index(corpus.index, alpha=alpha, similarity_top_k=CANDIDATES)
    retriever = LinkedRetriever(hybrid, index=corpus.index)
    # Reading fifty passages is most of what a question costs; the same question again costs a look into a file.
    scorer = CachedScorer(shared_scorer(settings.rerank_model), DiskScores())
    reranker = CrossEncoderRerank(model=settings.rerank_model, top_n=settings.top_k, weights=weights, scorer=scorer)
    return retriever, reranker


def build_engine(corpus: Corpus, settings: Settings, *, query_log: Log | None = None) -> ConfidenceGatedQueryEngine:
    """The gated engine over a corpus, with the weights that `tune --save` left beside its index.

    Raises:
        ConfigurationError: a setting is out of range.
        ModelError: the reranker's weights cannot be found.
    """
    retriever, reranker = build_stages(corpus, settings)
    return ConfidenceGatedQueryEngine(
        retriever,
        None if settings.llm is None else get_response_synthesizer(llm=settings.llm),
        [reranker],
        assessor=settings.assessor,
        policy=settings.policy,
        support_policy=SupportPolicy(),
        term_statistics=corpus.terms,
        query_log=query_log,
    )
