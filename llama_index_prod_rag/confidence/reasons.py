"""Signals in sentences that a person can read."""

from __future__ import annotations

from collections.abc import Mapping

from llama_index_prod_rag.confidence.evidence import Evidence

_AGREEMENT_DEPTH = 10


def describe(evidence: Evidence, signals: Mapping[str, float]) -> tuple[str, ...]:
    """Say what was found, in plain words, from the most to the least telling.

    Args:
        evidence: what the signals were computed from.
        signals: from `compute_signals`.

    Examples:
        >>> from llama_index_prod_rag.confidence.evidence import Passage, gather
        >>> evidence = gather("wing drag in 1950", [Passage("a", "drag of a swept wing")])
        >>> describe(evidence, {})
        ('the best passage has 2 of 3 question terms', 'no passage mentions 1950')
    """
    sentences = [
        _coverage(evidence),
        describe_missing(evidence),
        _echoes(evidence),
        _agreement(evidence, signals),
        _pair(signals),
        _failures(evidence),
    ]
    return tuple(sentence for sentence in sentences if sentence)


def _coverage(evidence: Evidence) -> str:
    wanted = evidence.wanted
    if not wanted or not evidence.terms:
        return ""
    best = max(len(wanted & terms) for terms in evidence.terms)
    return f"the best passage has {best} of {len(wanted)} question terms"


def describe_missing(evidence: Evidence) -> str:
    """Say which names and numbers of the question no passage has; nothing where all are there, or there is no passage.

    Examples:
        >>> from llama_index_prod_rag.confidence.evidence import Passage, gather
        >>> describe_missing(gather("wing drag in 1950", [Passage("a", "drag of a swept wing")]))
        'no passage mentions 1950'
    """
    if not evidence.passages:
        return ""
    names, numbers = evidence.find_unmentioned()
    return f"no passage mentions {', '.join([*numbers, *names])}" if names or numbers else ""


def _echoes(evidence: Evidence) -> str:
    count = len(evidence.echoes)
    if not count:
        return ""
    passages = "a passage repeats" if count == 1 else f"{count} passages repeat"
    return f"{passages} the question, which is no evidence: only what else is said counts"


def _agreement(evidence: Evidence, signals: Mapping[str, float]) -> str:
    if "agreement" not in signals or evidence.retrieval is None:
        return ""
    depth = min(_AGREEMENT_DEPTH, max(map(len, evidence.retrieval.legs.values())))
    shared = round(signals["agreement"] * depth)
    legs = " and ".join(evidence.retrieval.legs)
    count = "none" if shared == 0 else str(shared)
    return f"{legs} agree on {count} of their top {depth}"


def _pair(signals: Mapping[str, float]) -> str:
    if "pair.top" not in signals:
        return ""
    return f"the cross-encoder's best score is {signals['pair.top']:+.1f} (above 0 means relevant)"


def _failures(evidence: Evidence) -> str:
    failed = evidence.retrieval.failed if evidence.retrieval else {}
    return "; ".join(f"the {leg} leg failed" for leg in failed)  # why, the record says: it is not for everybody's eyes
