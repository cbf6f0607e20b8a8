"""From documents alone to a calibration: questions are no copies, passages are kept out, scales match."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from llama_index_prod_rag.confidence.calibrated import default_calibration
from llama_index_prod_rag.confidence.calibration import Calibration
from llama_index_prod_rag.confidence.evidence import Passage
from llama_index_prod_rag.confidence.scales import distributions
from llama_index_prod_rag.errors import CalibrationError
from llama_index_prod_rag.evaluation.self_calibration import NOTE, Pipeline, calibrate_from_documents, match_scales
from llama_index_prod_rag.evaluation.synthetic_questions import WrittenQuestion, far_questions, write_questions
from llama_index_prod_rag.evaluation.twisted_questions import twist_questions
from llama_index_prod_rag.models.pairs import sigmoid
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from llama_index_prod_rag.text.terms import TermStatistics, term_set
from llama_index_prod_rag.trace.records import RerankRecord, RetrievalRecord, tracing
from tests.pair_scorers import OverlapScorer

THINGS = "valve pump rotor sensor cable filter gasket bearing nozzle piston turbine relay".split()  # noqa: SIM905
VERBS = "controls replaces cools heats drives seals".split()  # noqa: SIM905


def documents(number: int = 40) -> list[TextNode]:
    draw = random.Random(0)
    nodes = []
    for place in range(number):
        first, second, third = draw.sample(THINGS, 3)
        text = (
            f"The {first} of model {place} {draw.choice(VERBS)} the {second} under high pressure. "
            f"A technician inspects the {third} near station {place + 100} every {draw.randint(2, 90)} hours."
        )
        nodes.append(TextNode(text=text, id_=f"n{place}"))
    return nodes


NODES = documents()
PASSAGES = [Passage(node.node_id, node.text) for node in NODES]
STATISTICS = TermStatistics.from_texts(passage.text for passage in PASSAGES)


class Rescaled(OverlapScorer):
    name = "offline"  # nothing but its values tells that it is another

    def __init__(self, rescale: Callable[[float], float]) -> None:
        super().__init__()
        self.rescale = rescale

    def score(self, pairs: Sequence[tuple[str, str]], progress: Callable[[int], None] | None = None) -> list[float]:
        return [self.rescale(12.0 * share - 8.0) for share in map(_share, pairs)]


def _share(pair: tuple[str, str]) -> float:
    wanted = term_set(pair[0])
    return len(wanted & term_set(pair[1])) / max(1, len(wanted))


def stages(rescale: Callable[[float], float] = float) -> tuple[HybridFusionRetriever, list[CrossEncoderRerank]]:
    retriever = HybridFusionRetriever({"bm25": BM25FRetriever(NODES, similarity_top_k=30)}, similarity_top_k=12)
    return retriever, [CrossEncoderRerank(scorer=Rescaled(rescale), model="offline", top_n=5)]


def test_questions_are_about_their_passage_and_are_no_copies() -> None:
    written = write_questions(PASSAGES, STATISTICS, number=20)
    texts = {passage.id: passage.text for passage in PASSAGES}
    assert len({question.source for question in written}) == 20
    for question in written:
        assert question.source in question.answering
        assert question.text not in texts[question.source]
        assert term_set(question.text) & term_set(texts[question.source])
        assert len(question.text.split()) <= 12
    assert write_questions(PASSAGES, STATISTICS, number=20) == written
    assert write_questions(PASSAGES, STATISTICS, number=20, seed=1) != written


def test_a_near_duplicate_may_answer_too() -> None:
    twin = Passage("twin", PASSAGES[3].text.replace("every", "each"))
    (question,) = (q for q in write_questions([*PASSAGES, twin], STATISTICS, number=41) if q.source == PASSAGES[3].id)
    assert question.answering == {"n3", "twin"}


def test_german_and_unspaced_documents_have_questions_too() -> None:
    german = [Passage("a", "Der Signaturschlüssel wird von der Verwaltung alle neunzig Tage gewechselt und geprüft.")]
    statistics = TermStatistics.from_texts([german[0].text])
    (question,) = write_questions(german, statistics)
    assert statistics.language == "german"
    assert term_set(question.text, "german") <= term_set(german[0].text, "german")
    chinese = [Passage("a", "签名密钥每九十天轮换一次，并由管理员检查，旧密钥会立即销毁而不保留任何副本。")]
    (question,) = write_questions(chinese, TermStatistics.from_texts([chinese[0].text]))
    assert question.text in chinese[0].text


def test_far_questions_are_many_and_different() -> None:
    assert len(far_questions()) >= 200
    assert len(set(far_questions())) == len(far_questions())


def test_removed_passages_are_seen_by_nobody() -> None:
    retriever, _ = stages()
    question = write_questions(PASSAGES, STATISTICS, number=1)[0]
    seen: list[str] = []

    class Spy(CrossEncoderRerank):
        def _postprocess_nodes(
            self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
        ) -> list[NodeWithScore]:
            seen.extend(hit.node_id for hit in nodes)
            return super()._postprocess_nodes(nodes, query_bundle)

    pipeline = Pipeline(retriever, [Spy(scorer=Rescaled(float), model="offline", top_n=5)], STATISTICS)
    assert question.source in {passage.id for passage in pipeline.ask(question.text).passages}
    seen.clear()
    evidence = pipeline.ask(question.text, question.answering)
    assert evidence.retrieval is not None
    assert evidence.rerank is not None
    known = {*seen, *evidence.retrieval.fused, *evidence.retrieval.legs["bm25"], *evidence.rerank.scores}
    assert question.answering.isdisjoint(known)
    assert [hit.rank for hit in evidence.retrieval.legs["bm25"].values()] == list(
        range(1, len(evidence.retrieval.legs["bm25"]) + 1)
    )
    with tracing() as trace:
        retriever.retrieve(question.text)
    (record,) = (record for record in trace.records if isinstance(record, RetrievalRecord))
    assert question.source in record.fused  # the retriever itself is as it was
    assert not any(isinstance(record, RerankRecord) for record in trace.records)


def test_three_scales_make_one_calibrations_decisions() -> None:
    written = write_questions(PASSAGES, STATISTICS, number=20)
    home = Pipeline(*stages(), STATISTICS).rows(written, far_questions()[:20], lambda _: None)
    reference = distributions([row.signals for row in home])
    prior = replace(default_calibration(), reference=reference, ranges=reference, scales={})
    wanted = [row.signals for row in home]
    for rescale in (float, sigmoid, lambda logit: 1 + 9 * sigmoid(logit / 2)):
        asked: list[int] = []
        made = calibrate_from_documents(*stages(rescale), NODES, questions=20, prior=prior, progress=asked.append)
        assert 60 < sum(asked) <= 80
        assert bool(made.scales) is (rescale is not float)
        assert made.note.startswith(NOTE)
        assert made.promises == ()
        rows = Pipeline(*stages(rescale), STATISTICS).rows(written, far_questions()[:20], lambda _: None)
        for before, row in zip(wanted, rows, strict=True):
            assert made.place(row.signals).get("pair.top") == pytest.approx(before.get("pair.top"), abs=1.5)


class Nothing(BaseRetriever):
    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        del query_bundle
        return []


def test_too_few_documents_and_a_bare_prior_are_errors_that_say_what_to_do() -> None:
    prior = replace(default_calibration(), reference={"pair.top": (0.0,) * 15})
    with pytest.raises(CalibrationError, match="index more text, or label"):
        calibrate_from_documents(Nothing(), [], NODES[:3], prior=prior)
    with pytest.raises(CalibrationError, match="shipped calibration as prior"):
        calibrate_from_documents(Nothing(), [], NODES, prior=replace(prior, reference={}))


def test_a_twisted_question_is_one_that_its_passage_does_not_answer() -> None:
    written = write_questions(PASSAGES, STATISTICS, number=30)
    twisted = twist_questions(written, PASSAGES, STATISTICS)
    assert len(twisted) > 25
    texts = {passage.id: passage.text.casefold() for passage in PASSAGES}
    before = {question.source: question.text for question in written}
    for question in twisted:
        fresh = set(question.text.casefold().split()) - set(before[question.source].casefold().split())
        assert fresh
        assert not any(word in texts[question.source] for word in fresh)
        assert term_set(question.text) & term_set(before[question.source])


@pytest.mark.parametrize(
    ("asked", "twisted"),
    [
        ("pressure increases at start", "pressure decreases at start"),
        ("Vor dem Verkauf geprüft", "nach dem Verkauf geprüft"),
    ],
)
def test_an_opposite_is_exchanged(asked: str, twisted: str) -> None:
    language = "german" if "dem" in asked else "english"
    passages = [Passage("a", asked), Passage("b", "Etwas anderes" if language == "german" else "something else")]
    statistics = TermStatistics.from_texts((passage.text for passage in passages), language=language)
    assert [
        one.text for one in twist_questions([WrittenQuestion(asked, "a", frozenset("a"))], passages, statistics)
    ] == [twisted]


def test_the_note_says_what_the_gate_makes_of_each_kind() -> None:
    note = calibrate_from_documents(*stages(), NODES, questions=15).note
    for kind in ("with their passage", "without it", "twisted so that it no longer answers", "about something else"):
        assert re.search(rf"{kind} \d+% answered and \d+% refused", note)


def test_a_threshold_that_refuses_easy_questions_is_lowered_and_still_stops_other_subjects() -> None:
    rows = Pipeline(*stages(), STATISTICS).rows(
        write_questions(PASSAGES, STATISTICS, number=30), far_questions()[:30], lambda _: None
    )
    home = distributions([row.signals for row in rows])
    shipped = replace(default_calibration(), reference=home, ranges=home)
    strict = replace(shipped, heads=tuple(replace(head, refuse_below=0.999) for head in shipped.heads))
    made = match_scales(strict, rows)

    def refused(kind: str) -> float:
        judged = [
            (made.head_for(row.signals), row.signals)
            for row in rows
            if row.kind == kind and (row.shown or kind == "far")
        ]
        # Where nothing was found, no head is asked and everything is refused.
        stopped = [head is None or head.probability(signals) < head.refuse_below for head, signals in judged]
        return sum(stopped) / len(judged)

    assert refused("with") <= 0.1
    assert refused("far") >= 0.85
    lenient = replace(shipped, heads=tuple(replace(head, refuse_below=1e-9) for head in shipped.heads))
    assert [head.refuse_below for head in match_scales(lenient, rows).heads] == [1e-9] * len(shipped.heads)


def test_what_people_asked_moves_what_is_refused_and_leaves_the_scales_alone() -> None:
    pipeline = Pipeline(*stages(), STATISTICS)
    rows = pipeline.rows(write_questions(PASSAGES, STATISTICS, number=20), far_questions()[:20], lambda _: None)
    home = distributions([row.signals for row in rows])
    prior = replace(default_calibration(), reference=home, ranges=home)
    strict = replace(prior, heads=tuple(replace(head, refuse_below=0.999) for head in prior.heads))
    hard = [f"{thing} {verb} overnight in winter" for thing in THINGS for verb in VERBS][:60]
    asked = pipeline.asked([*hard, hard[0], " "])
    assert [row.question for row in asked] == hard
    without, made = match_scales(strict, rows), match_scales(strict, [*rows, *asked])
    assert (made.scales, made.ranges) == (without.scales, without.ranges)

    def refused(calibration: Calibration) -> float:
        """The share of what the asked questions' passages probably hold that is refused."""
        judged = [(calibration.head_for(row.signals), row.signals) for row in asked]
        said = [(head.probability(signals), head.refuse_below) for head, signals in judged if head is not None]
        return sum(p for p, lowest in said if p < lowest) / sum(p for p, _ in said)

    assert refused(made) < refused(without)
    assert refused(made) < refused(strict)


def test_a_question_in_its_passages_own_words_is_no_echo() -> None:
    pipeline = Pipeline(*stages(), STATISTICS)
    copied = PASSAGES[5].text.split(". ")[0]
    assert PASSAGES[5].id in pipeline.ask(copied).echoes
    assert pipeline.row("with", copied).evidence.echoes == {}


class DotProduct(BaseRetriever):
    """Counts shared words, on a scale of its own, times the length of each passage's vector."""

    def __init__(self, spread: float) -> None:
        super().__init__()
        draw = random.Random(1)
        self.lengths = [40.0 * draw.lognormvariate(0.0, spread) for _ in NODES]

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = [
            NodeWithScore(node=node, score=length * (0.6 + 0.4 * _share((query_bundle.query_str, node.text))))
            for node, length in zip(NODES, self.lengths, strict=True)
        ]
        return sorted(hits, key=lambda hit: -(hit.score or 0.0))


@pytest.mark.parametrize(("spread", "told"), [(0.0, True), (0.6, False)])
def test_a_leg_whose_scores_follow_the_vectors_lengths_is_left_out(spread: float, told: bool) -> None:
    legs = {"dense": DotProduct(spread), "bm25": BM25FRetriever(NODES, similarity_top_k=30)}
    retriever = HybridFusionRetriever(legs, similarity_top_k=12)
    made = calibrate_from_documents(retriever, stages()[1], NODES, questions=20)
    assert "dense.top" in made.scales  # foreign either way
    assert any("dense.top" in head.signals for head in made.heads) is told
    assert any("pair.top" in head.signals and "bm25.top" in head.signals for head in made.heads)
    assert ("leg dense hardly ever tell" in made.note) is not told
