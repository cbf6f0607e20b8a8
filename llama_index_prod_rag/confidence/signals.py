"""What scores, words and vectors say about whether the evidence is there: one table, one entry per signal. Core.

A signal that cannot be had is left out, never guessed: `compute_signals` returns only what was measured, and
`not_assessed` says why the rest is missing. Leg signals carry the leg's name (`dense.top`, `bm25.gap`). Heads, the
choice of a head, the warnings about foreign scales and the documentation read the same table, and `register_signal`
adds one's own to it.

Sources: top score, gap and spread of a ranking as confidence in it: Gisserot-Boukhlef et al., "Towards Trustworthy
Reranking: A Simple yet Effective Abstention Mechanism" (TMLR 2024); normalised deviation and entropy as query
performance predictors: Shtok et al., "Predicting Query Performance by Query-Drift Estimation" (TOIS 2012); coverage
of query terms by idf: Zhao, Scholer, Tsegay, "Effective Pre-retrieval Query Performance Prediction" (ECIR 2008), here
of the passages found; agreement of rankings: Webber, Moffat, Zobel, "A Similarity Measure for Indefinite Rankings"
(TOIS 2010); coherence of the top passages: Diaz, "Performance Prediction Using Spatial Autocorrelation" (SIGIR 2007).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from llama_index_prod_rag.confidence import measures as m
from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.confidence.measures import Measured
from llama_index_prod_rag.errors import ConfigurationError

_logger = logging.getLogger(__name__)

Scale: TypeAlias = Literal["none", "leg", "pair", "vectors"]
"""Whose scale a signal is on: nobody's (shares, counts, ranks), a leg's, the cross-encoder's, or the embedder's."""

Value: TypeAlias = float | Mapping[str, float] | None
"""What a signal comes to; by leg for signals named `<leg>.something`; None where it cannot be had."""

NEEDS: Mapping[str, tuple[str, Callable[[Evidence], bool]]] = {
    "legs": ("the retriever left no record of its legs", lambda evidence: bool(m.legs_of(evidence))),
    "pairs": ("no cross-encoder left its scores", lambda evidence: bool(evidence.rerank and evidence.rerank.logits)),
    "rarity": ("no term statistics of the corpus were given", lambda evidence: evidence.statistics is not None),
    "vectors": ("the passages came without embeddings", lambda evidence: len(m.vectors_of(evidence)) > 1),
}
"""What may be missing: kind -> the reason to give, and whether it is there."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Describes one entry of the table of signals: what it measures, how, and what it needs.

    Attributes:
        name: such as `pair.top`; `<leg>` in it stands for the name of each leg.
        measures: what it measures, in words, with its range.
        compute: its value, from what was measured.
        needs: the kind in `NEEDS` without which it is missing; None where passages are enough.
        group: signals of a group enter a head together; None where heads leave it out, because it says nearly the
            same as another one (with a hundred labels it costs more than it tells) or is on a scale that nobody knows.
        scale: whose scale it is on.
        short_lists: whether it means the same when fewer than ten candidates were found.
        tells_scale: what of its values tells one model's scale from another's: `ends`, because a value beyond all
            known ones is foreign, and those within depend on what is asked; `low`, because it should be low whatever
            is asked, and the lower the longer the list.
    """

    name: str
    measures: str
    compute: Callable[[Measured], Value]
    needs: str | None = None
    group: str | None = None
    scale: Scale = "none"
    short_lists: bool = False
    tells_scale: Literal["", "ends", "low"] = ""


_BUILT_IN = (
    Signal("<leg>.top", "the leg's best raw score", m.leg_top, "legs", "<leg>", "leg", tells_scale="ends"),
    Signal("<leg>.gap", "best minus second-best raw score of the leg", m.leg_gap, "legs", "<leg>", "leg"),
    Signal("<leg>.lift", "best minus median raw score of the leg's list", m.leg_lift, "legs", "<leg>", "leg"),
    Signal("<leg>.peak", "the leg's best score in standard deviations above its list's mean", m.leg_peak, "legs"),
    Signal("<leg>.entropy", "entropy of the leg's scores above their minimum, 1: all alike", m.leg_entropy, "legs"),
    Signal(
        "agreement", "share of the top ten that each pair of legs has in common, 0 to 1", m.agreement, "legs",
        "agreement",
    ),
    Signal(
        "agreement_on_first", "mean over legs of 1 / rank of the passage shown first; 0 where a leg did not find it",
        m.agreement_on_first, "legs",
    ),
    Signal("shown.variance", "variance of the top five scores as shown", m.shown_variance),
    Signal("shown.gap", "first minus second score as shown", m.shown_gap),
    Signal(
        "pair.top", "the cross-encoder's highest logit", m.pair_top, "pairs", "pair", "pair", short_lists=True,
        tells_scale="ends",
    ),
    Signal("pair.gap", "highest minus second-highest logit", m.pair_gap, "pairs", "pairs", "pair"),
    Signal("pair.lift", "highest minus median logit of the candidates", m.pair_lift, "pairs", None, "pair"),
    Signal("pair.third", "third-highest logit", m.pair_third, "pairs", "pairs", "pair"),
    Signal("pair.low", "lowest logit of the candidates", m.pair_low, "pairs", None, "pair", tells_scale="low"),
    Signal(
        "pair.rank_change", "log2 of the place in the fused list of the cross-encoder's favourite; 0 when they agree",
        m.pair_rank_change, "pairs",
    ),
    Signal(
        "coverage.first", "share of the question's terms in the passage shown first", m.coverage_first, None,
        "terms", short_lists=True,
    ),
    Signal(
        "coverage.best", "highest share of the question's terms in one of the passages shown", m.coverage_best,
        short_lists=True,
    ),
    Signal(
        "coverage.all", "share of the question's terms in all passages shown together", m.coverage_all,
        short_lists=True,
    ),
    Signal(
        "missing.names", "how many of the question's names no passage shown mentions", m.missing_names, None,
        "terms", short_lists=True,
    ),
    Signal(
        "missing.numbers", "how many of the question's numbers no passage shown mentions", m.missing_numbers, None,
        "terms", short_lists=True,
    ),
    Signal(
        "rarity.first", "like coverage.first, each term weighted by how rare it is in the corpus", m.rarity_first,
        "rarity", "rarity",
    ),
    Signal("rarity.best", "like coverage.best, weighted by rarity", m.rarity_best, "rarity"),
    Signal("rarity.all", "like coverage.all, weighted by rarity", m.rarity_all, "rarity", "rarity"),
    Signal(
        "similarity.passages", "mean cosine similarity between the top three passages", m.similarity_passages,
        "vectors", "vectors", "vectors",
    ),
    Signal(
        "similarity.query", "cosine similarity between the question and the centre of the passages shown",
        m.similarity_query, "vectors", "vectors", "vectors",
    ),
    Signal(
        "entailment.best", "highest probability that one of the top three passages entails the question's words",
        m.entailment_best, None, "entailment", short_lists=True,
    ),
    Signal(
        "contradiction.best", "highest probability that one of the top three passages contradicts them",
        m.contradiction_best, None, "entailment", short_lists=True,
    ),
    Signal(
        "judge.answers", "whether a judge found the answer in the passages, 0 no to 1 yes; asked only before a hedge",
        m.judge_answers, short_lists=True,
    ),
)  # fmt: skip

_table: dict[str, Signal] = {signal.name: signal for signal in _BUILT_IN}
_BUILT_IN_NAMES = frozenset(_table)


def signal_table() -> tuple[Signal, ...]:
    """List every signal, the built-in ones first."""
    return tuple(_table.values())


def register_signal(signal: Signal) -> None:
    """Add a signal of one's own, or replace it.

    It is computed for each question from then on, is logged with the others, and enters the heads of calibrations that
    are fitted afterwards if it names a group. One that raises is left out for that question, with a warning in the
    log.

    Raises:
        ConfigurationError: it takes a built-in signal's name, or needs a kind that `NEEDS` does not know.

    Examples:
        >>> from llama_index_prod_rag.confidence.evidence import Passage, gather
        >>> register_signal(
        ...     Signal("own.length", "words of the first passage",
        ...            lambda measured: float(len(measured.evidence.passages[0].text.split())), group="own")
        ... )
        >>> compute_signals(gather("q", [Passage("a", "three short words")]))["own.length"]
        3.0
        >>> unregister_signal("own.length")
    """
    if signal.name in _BUILT_IN_NAMES:
        raise ConfigurationError(f"{signal.name!r} is a built-in signal: give your own another name")
    if signal.needs is not None and signal.needs not in NEEDS:
        raise ConfigurationError(f"needs={signal.needs!r}: choose one of {', '.join(NEEDS)}, or None")
    _table[signal.name] = signal


def unregister_signal(name: str) -> None:
    """Take away a signal of one's own; built-in ones stay."""
    if name not in _BUILT_IN_NAMES:
        _table.pop(name, None)


def signal_named(name: str) -> Signal | None:
    """Find the entry of a computed signal: `<leg>.top` for `dense.top`; None for one that nobody registered.

    Examples:
        >>> signal_named("dense.top").name, signal_named("pair.top").name
        ('<leg>.top', 'pair.top')
    """
    stage, _, shape = name.partition(".")
    known = {one.partition(".")[0] for one in _table}
    return _table.get(name) or (None if stage in known else _table.get(f"<leg>.{shape}"))


def group_of(name: str) -> str | None:
    """Find the group that a computed signal enters heads with; a leg's name for its shapes."""
    signal = signal_named(name)
    if signal is None or signal.group is None:
        return None
    return signal.group.replace("<leg>", f"leg {name.partition('.')[0]}")


def compute_signals(evidence: Evidence) -> dict[str, float]:
    """Compute every signal that can be had from what is there.

    Args:
        evidence: passages and records, from `gather`.

    Returns:
        Signal name -> finite value. No passages, no signals.

    Examples:
        >>> from llama_index_prod_rag.confidence.evidence import Passage, gather
        >>> compute_signals(gather("wing drag", [Passage("a", "drag of a swept wing")]))["coverage.first"]
        1.0
    """
    if not evidence.passages:
        return {}
    measured = Measured(evidence)
    values = (pair for signal in _table.values() for pair in _values(signal, measured))
    return {name: float(value) for name, value in values if math.isfinite(value)}


def _values(signal: Signal, measured: Measured) -> Iterator[tuple[str, float]]:
    if signal.needs is not None and not NEEDS[signal.needs][1](measured.evidence):
        return
    try:
        value = signal.compute(measured)
    except OverflowError:  # scores near the largest float: their squares and sums say nothing
        return
    except Exception:
        if signal.name in _BUILT_IN_NAMES:
            raise
        _logger.warning("the signal %s failed and is left out", signal.name, exc_info=True)
        return
    if isinstance(value, Mapping):
        yield from ((signal.name.replace("<leg>", leg), of_leg) for leg, of_leg in value.items())
    elif value is not None:
        yield signal.name, value


def not_assessed(evidence: Evidence) -> dict[str, str]:
    """Kinds of signals that are missing, each with the reason.

    Examples:
        >>> from llama_index_prod_rag.confidence.evidence import Passage, gather
        >>> sorted(not_assessed(gather("q", [Passage("a", "text")])))
        ['legs', 'pairs', 'rarity', 'vectors']
    """
    return {kind: reason for kind, (reason, is_there) in NEEDS.items() if not is_there(evidence)}
