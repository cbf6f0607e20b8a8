"""A calibration for any models, from the documents alone: the shipped heads, on this pipeline's scales.

Questions are written from the documents and asked with their passage, without it and its near duplicates, and beside
them everyday questions about something else. Fitting a head to such labels is the wrong way: they are far easier than
people's questions, so thresholds come out too high and most real questions are refused. What carries over is the
scale: each score is placed, by its quantile, on the scale that questions of the same kind had where the heads were
fitted, and the shipped heads judge.

What to refuse follows from what those heads say of questions without labels: each counts as far as its evidence is
probably there. Written questions stand in for people's, and those that people asked join them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import BaseNode, NodeWithScore, QueryBundle

from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor, default_calibration
from llama_index_prod_rag.confidence.calibration import Calibration, Head
from llama_index_prod_rag.confidence.evidence import Evidence, gather
from llama_index_prod_rag.confidence.fingerprint import Fingerprint, fingerprint_of
from llama_index_prod_rag.confidence.policy import StatusPolicy
from llama_index_prod_rag.confidence.scales import Quantiles, Scale, distributions
from llama_index_prod_rag.confidence.signals import compute_signals, group_of
from llama_index_prod_rag.confidence.thresholds import estimate_unlabeled
from llama_index_prod_rag.confidence.watch import scale_groups, shares_scale, tells_scale
from llama_index_prod_rag.errors import CalibrationError
from llama_index_prod_rag.evaluation.synthetic_questions import WrittenQuestion, far_questions, write_questions
from llama_index_prod_rag.evaluation.twisted_questions import twist_questions
from llama_index_prod_rag.query_engine.sources import passages_of, text_of
from llama_index_prod_rag.text.terms import TermStatistics
from llama_index_prod_rag.trace.records import RetrievalRecord, join_records, note, tracing
from llama_index_prod_rag.trace.scored_node import carried_records, rescore

NOTE = "Estimated from synthetic questions, no promise: replace it with your own labels as they come."
"""What such a calibration says of itself."""

_KINDS = {
    "asked": "as people asked",
    "with": "with their passage",
    "near": "without it",
    "twisted": "twisted so that it no longer answers",
    "far": "about something else",
}
# How often each question counts where the threshold to refuse below is set. Written questions with their passage are
# far surer than people's, so those without it count three times. Chosen on train questions of five public sets by four
# pipelines, the same whichever set is left out: counted once, up to 27 % of those with evidence were refused, so 9 %.
_COUNTED = {"with": 1, "near": 3, "asked": 4}
_STOPPED_FAR = 0.9  # of the questions about something else: they are what a refusal is for
_FEWEST = 15  # questions: quantiles of fewer are noise
# Of the written questions: from here on a score tells its passage. Cosines of two embedders reach .32 to .76 on public
# sets; dot products of vectors of any length .02 to .08 on those where they mislead, and .30 where they do not.
_LEADS = 0.2


@dataclass(frozen=True, slots=True)
class AskedRow:
    """One question as the pipeline saw it.

    Attributes:
        kind: `with` its passage, `near` (without it and its like), `twisted` (so that its passage no longer answers),
            `far` (about something else), or `asked` by people, nobody knows with what.
        question: its words.
        evidence: what the gate would judge.
        signals: of that.
        shown: whether a passage that answers it is among those shown.
    """

    kind: str
    question: str
    evidence: Evidence
    signals: Mapping[str, float]
    shown: bool = False


class Pipeline:
    """Retriever and postprocessors, asked as the gate asks them, with passages kept out on request.

    Args:
        retriever: any retriever.
        postprocessors: in order.
        statistics: how rare terms are in the corpus.
    """

    def __init__(
        self,
        retriever: BaseRetriever,
        postprocessors: Sequence[BaseNodePostprocessor],
        statistics: TermStatistics | None,
    ) -> None:
        self._retriever, self._postprocessors, self._statistics = retriever, postprocessors, statistics

    def ask(self, question: str, removed: frozenset[str] = frozenset(), *, written: bool = False) -> Evidence:
        """What the gate would know about a question if the removed passages were not in the corpus.

        A question that was written from a passage has its words; that is no copy of the question as a planted one is.
        """
        with tracing() as trace:
            candidates = self._retriever.retrieve(QueryBundle(question))
        found = join_records(trace, carried_records(candidates))
        records = {id(record): record.without(removed) for record in found if isinstance(record, RetrievalRecord)}
        hits = [_replace_record(hit, records) for hit in candidates if hit.node.node_id not in removed]
        with tracing() as trace:
            for record in records.values():
                note(record)
            shown = hits
            for postprocessor in self._postprocessors:
                shown = postprocessor.postprocess_nodes(shown, query_bundle=QueryBundle(question))
        return gather(
            question,
            passages_of(shown),
            join_records(trace, carried_records(shown)),
            candidates={hit.node.node_id: text_of(hit) for hit in hits},
            statistics=self._statistics,
            find_echoes=not written,
        )

    def rows(
        self, questions: Sequence[WrittenQuestion], far: Sequence[str], progress: Callable[[int], None]
    ) -> list[AskedRow]:
        """Every question with its passage and without it, and the far ones."""
        asked = [("with", one.text, frozenset[str](), one.answering) for one in questions]
        asked += [("near", one.text, one.answering, frozenset[str]()) for one in questions]
        asked += [("far", text, frozenset[str](), frozenset[str]()) for text in far]
        rows: list[AskedRow] = []
        for kind, text, removed, answering in asked:
            rows.append(self.row(kind, text, removed, answering))
            progress(1)
        return rows

    def asked(self, questions: Sequence[str], progress: Callable[[int], None] = lambda _: None) -> list[AskedRow]:
        """What people asked, each question once."""
        rows = []
        for text in dict.fromkeys(filter(str.strip, questions)):
            rows.append(self.row("asked", text))
            progress(1)
        return rows

    def row(
        self, kind: str, text: str, removed: frozenset[str] = frozenset(), answering: frozenset[str] = frozenset()
    ) -> AskedRow:
        """One question as the pipeline sees it."""
        evidence = self.ask(text, removed, written=kind not in ("far", "asked"))
        shown = not answering.isdisjoint(passage.id for passage in evidence.passages)
        return AskedRow(kind, text, evidence, compute_signals(evidence), shown)


def _replace_record(hit: NodeWithScore, records: Mapping[int, RetrievalRecord]) -> NodeWithScore:
    own = getattr(hit, "retrieval", None)
    if hit.score is None or id(own) not in records:
        return hit
    return rescore(hit, hit.score, retrieval=records[id(own)])


def calibrate_from_documents(
    retriever: BaseRetriever,
    postprocessors: Sequence[BaseNodePostprocessor],
    nodes: Iterable[BaseNode],
    *,
    questions: int = 50,
    asked: Sequence[str] = (),
    term_statistics: TermStatistics | None = None,
    prior: Calibration | None = None,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> Calibration:
    """A calibration for this pipeline, from its documents: no questions, no labels, no language model.

    It asks up to four times `questions` questions, and those that were `asked`; with a reranker over 50 candidates on
    two processor cores that is five to fifteen minutes. The note says what the gate makes of them, twisted ones
    included, which no scale mends.

    Args:
        retriever: as the gate gets it.
        postprocessors: as the gate gets them.
        nodes: what the index holds.
        questions: how many to write, at least 15.
        asked: questions that people asked, from a query log or a search box, without labels: they know better than
            written ones what to refuse. Thirty help, two hundred are plenty.
        term_statistics: as the gate gets them; None counts the nodes. The gate needs the same for rarity signals.
        prior: whose heads judge; None takes the shipped calibration.
        seed: of the draw.
        progress: called with 1 after each question.

    Returns:
        The prior's heads with this pipeline's scales; scores that are on the prior's scale already stay as they are. A
        threshold to refuse below that would probably refuse more than 5 % of the questions with evidence is lowered.

    Raises:
        CalibrationError: too few passages to write questions from, or a prior without reference distributions.
    """
    prior = prior or default_calibration()
    if not prior.reference:
        raise CalibrationError("the prior has no reference distributions: take the shipped calibration as prior")
    passages = passages_of([NodeWithScore(node=node) for node in nodes])
    statistics = term_statistics or TermStatistics.from_texts(passage.wording for passage in passages)
    written = write_questions(passages, statistics, number=questions, seed=seed)
    if len(written) < _FEWEST:
        raise CalibrationError(
            f"questions could be written from {len(written)} of {len(passages)} passages, and {_FEWEST} are needed: "
            "index more text, or label questions of your own and use `calibrate`"
        )
    pipeline = Pipeline(retriever, postprocessors, statistics)
    rows = pipeline.rows(written, far_questions()[: len(written)], progress)
    rows += pipeline.asked(asked, progress)
    made = match_scales(prior, rows)
    twisted = twist_questions(written, passages, statistics, seed=seed)
    for question in twisted:
        rows.append(pipeline.row("twisted", question.text))
        progress(1)
    return replace(made, note=f"{made.note} {describe_trial(made, rows)}")


def describe_trial(calibration: Calibration, rows: Sequence[AskedRow]) -> str:
    """Say what a gate with this calibration makes of each kind of question."""
    assessor, policy = CalibratedAssessor(calibration), StatusPolicy()
    parts = []
    for kind, name in _KINDS.items():
        decisions = [policy.decide(assessor.assess(row.evidence)) for row in rows if row.kind == kind]
        if decisions:
            answered, refused = (decisions.count(decision) / len(decisions) for decision in ("answer", "refuse"))
            parts.append(f"{name} {answered:.0%} answered and {refused:.0%} refused")
    return f"Tried on them: {'; '.join(parts)}."


def match_scales(prior: Calibration, rows: Sequence[AskedRow]) -> Calibration:
    """The prior's heads on the scales of the pipeline that gave the rows, and no eagerer to refuse than they allow."""
    every, rows = rows, [row for row in rows if row.kind != "asked"]  # the reference has no such questions
    own = distributions([row.signals for row in rows])
    pipeline = next((fingerprint_of(row.evidence) for row in rows if row.evidence.passages), Fingerprint())
    groups = list(scale_groups(dict.fromkeys(own, 0.0)))
    foreign = _find_foreign(prior, pipeline, rows)
    silent = _find_silent(foreign, rows)
    made = replace(
        prior,
        heads=tuple(head for head in prior.heads if silent.isdisjoint(map(group_of, head.signals))) or prior.heads,
        promises=(),
        note=" ".join((f"{NOTE} {len(every)} questions; {pipeline.summary()}.", *map(_explain, sorted(silent)))),
        fingerprint=pipeline,
        ranges={
            name: _union(own[name], prior.ranges.get(name), group in foreign)
            for name, group in groups
            if is_watched(name, pipeline)
        },
        scales={
            name: Scale(own[name], prior.reference[name])
            for name, group in groups
            if group in foreign and name in prior.reference
        },
    )
    return replace(made, heads=tuple(_refuse_less(head, made, every) for head in made.heads))


def _find_silent(foreign: Set[str], rows: Sequence[AskedRow]) -> set[str]:
    """Foreign groups whose best score is seldom the one of the passage that a question was written from.

    Placed on the reference's scale such a score looks as telling as any other, and says nothing: that of a dot product
    follows the longest vectors.
    """
    near = {row.question: row.signals for row in rows if row.kind == "near"}
    pairs = [(row.signals, near[row.question]) for row in rows if row.kind == "with" and row.question in near]
    tops = {name: group for one, _ in pairs for name, group in scale_groups(one) if name.endswith(".top")}
    shares = {
        group: [found[name] > left.get(name, -math.inf) for found, left in pairs if name in found]
        for name, group in tops.items()
        if group in foreign
    }
    return {group for group, led in shares.items() if len(led) >= _FEWEST and sum(led) < _LEADS * len(led)}


def _explain(group: str) -> str:
    return (
        f"The scores of {group} hardly ever tell the passage that a question was written from: they are left out, as "
        "after dot products of vectors that are not normalized."
    )


def _refuse_less(head: Head, calibration: Calibration, rows: Sequence[AskedRow]) -> Head:
    """Lower the threshold to where it probably refuses a twentieth of people's questions that have their evidence.

    Where that would let more than a tenth of the questions about something else through, it stays where it stops those.
    """
    said: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    for row in rows:
        placed = calibration.place(row.signals)
        if not row.evidence.passages:
            said[row.kind].append(0.0)  # refused at any threshold
        elif head.fits(placed):
            said[row.kind].append(head.probability(placed))
    peoples = [probability for kind, times in _COUNTED.items() for probability in said[kind] * times]
    if len(peoples) < _FEWEST or len(said["far"]) < _FEWEST:
        return head
    highest = max(estimate_unlabeled(peoples), float(np.quantile(said["far"], _STOPPED_FAR)))
    return replace(head, refuse_below=min(head.refuse_below, highest))


def is_watched(name: str, pipeline: Fingerprint) -> bool:
    """Whether a signal's range is kept: a keyword search's scores grow with the question, and tell no scale."""
    return tells_scale(name) and pipeline.embedders.get(name.partition(".")[0]) != ""


def _union(own: Quantiles, known: Quantiles | None, foreign: bool) -> Quantiles:
    """What is usual: here alone for a foreign scale, and also where the heads were fitted for a shared one."""
    if foreign or known is None:
        return own
    middle = len(own) // 2
    ends = zip(own, known, strict=True)
    return tuple(min(pair) if place < middle else max(pair) for place, pair in enumerate(ends))


def _find_foreign(prior: Calibration, pipeline: Fingerprint, rows: Sequence[AskedRow]) -> set[str]:
    """Groups whose scores are on another scale: by the models' names, or because their values are unusual there."""
    found = set(prior.fingerprint.differences(pipeline)) if prior.fingerprint else set()
    names = {name: group for row in rows for name, group in scale_groups(row.signals) if tells_scale(name)}
    for name, group in names.items():
        known = prior.reference.get(name)
        values = [row.signals[name] for row in rows if name in row.signals]
        if known is not None and not shares_scale(name, values, known):
            found.add(group)
    return found
