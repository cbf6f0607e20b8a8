"""What the gate knows about one question before anything is written: passages and the records behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from llama_index_prod_rag.confidence.echoes import find_rest
from llama_index_prod_rag.text.languages import detect_language, language_named
from llama_index_prod_rag.text.terms import TermStatistics, content_words, find_unmentioned, found_terms, term_set
from llama_index_prod_rag.trace.records import Link, Record, RerankRecord, RetrievalRecord


@dataclass(frozen=True, slots=True)
class Passage:
    """Holds one passage that would be shown.

    Attributes:
        id: node id.
        text: what a reader would see.
        score: the last stage's score, on that stage's scale; None where it gave none.
        vector: the passage's embedding, where it came with the node.
        heading: its title and the headings above it, which say what the text is about and need not repeat.
    """

    id: str
    text: str
    score: float | None = None
    vector: Sequence[float] | None = field(default=None, repr=False)
    heading: str = ""

    @property
    def wording(self) -> str:
        """Heading and text: the words that may match the question's."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything signals are computed from. Build it with `gather`, which removes duplicate texts.

    Attributes:
        query: the question.
        passages: what would be shown, best first, no text twice.
        retrieval: the retriever call the passages came from, if it left a record.
        rerank: the last reranker call, if it left a record and did not fail.
        duplicates: ids of candidates whose text another candidate already has; left out of every list.
        echoes: id -> what else it says, of candidates that repeat the question: an empty string where that is all. What
            legs and reranker gave them, they gave the question's own words: it is left out of both records. Passages
            are what else they say, and `reread` takes the cross-encoder's logits of that.
        statistics: how rare terms are in the corpus; None where nobody counted.
        entailment: probabilities by label from an NLI model, `signal name -> value`; empty without one.
        ruling: what a judge said of the passages shown, 0 (no answer in them) to 1; None where none was asked.
        language: of question and passages, whose words the terms are made of.
        terms: the terms of each passage, heading and text; kept because stemming costs more than all other signals.
    """

    query: str
    passages: tuple[Passage, ...] = ()
    retrieval: RetrievalRecord | None = None
    rerank: RerankRecord | None = None
    duplicates: frozenset[str] = frozenset()
    echoes: Mapping[str, str] = field(default_factory=dict)
    statistics: TermStatistics | None = field(default=None, repr=False)
    entailment: Mapping[str, float] = field(default_factory=dict)
    ruling: float | None = None
    language: str = "english"
    terms: tuple[frozenset[str], ...] = field(default=(), repr=False)

    @property
    def wanted(self) -> frozenset[str]:
        """Collect the terms that the question asks for."""
        return term_set(self.query, self.language)

    @property
    def unread(self) -> dict[str, str]:
        """Find the passages that repeat the question and that the reranker read: id -> what else they say."""
        read = self.rerank is not None
        return {one.id: one.text for one in self.passages if read and one.id in self.echoes}

    def reread(self, logits: Mapping[str, float]) -> Evidence:
        """Make the same evidence with the cross-encoder's logits of what `unread` lists."""
        if self.rerank is None:
            return self
        return replace(self, rerank=replace(self.rerank, logits={**self.rerank.logits, **logits}))

    def find_unmentioned(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Find names and numbers of the question that no passage mentions, as the question writes them."""
        texts = [passage.wording for passage in self.passages]
        return find_unmentioned(self.query, texts, frozenset().union(*self.terms), self.language)

    def find_mentioned(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Find what the question asks about that a passage mentions, and what none does, as the question writes it.

        Where names and numbers are missing, they are what is missing: the other words may well be said otherwise.
        """
        names, numbers = self.find_unmentioned()
        found = frozenset().union(*self.terms)
        everything = "\n".join(passage.wording for passage in self.passages).casefold()
        mentioned: list[str] = []
        missing: list[str] = []
        for word, terms in content_words(self.query, self.language):
            if word not in {*names, *numbers}:
                has = not found.isdisjoint(terms) or word.casefold() in everything
                (mentioned if has else missing).append(word)
        return tuple(mentioned), (*names, *numbers) or tuple(missing)


def gather(
    query: str,
    passages: Sequence[Passage],
    records: Sequence[Record] = (),
    *,
    candidates: Mapping[str, str] | None = None,
    statistics: TermStatistics | None = None,
    entailment: Mapping[str, float] | None = None,
    language: str | None = None,
    find_echoes: bool = True,
) -> Evidence:
    """Put together what is known about a question, each text once.

    Args:
        query: the question.
        passages: what would be shown, best first.
        records: what the stages noted, oldest first.
        candidates: node id -> text of everything retrieved, in order, where it is known; finds duplicates that were
            cut before they were shown.
        statistics: how rare terms are in the corpus.
        entailment: signals of an NLI model, already computed.
        language: of question and passages; None takes the statistics' or tells it from the texts.
        find_echoes: whether what repeats the question is taken out of the passages; not for a question that was
            written from one of them in its own words.

    Returns:
        The evidence. Of several retrievals, the one that found most of the passages counts, the latest among equals
        (a query engine may search more than once); of several rerankings, the last that worked.
    """
    known = {passage.id: passage.text for passage in passages}
    texts = {**known, **{id_: text for id_, text in (candidates or {}).items() if id_ not in known}}
    duplicates = _duplicates(texts)
    unique = [passage for passage in passages if passage.id not in duplicates]
    language = language_named(language) if language else _language(query, unique, statistics)
    wordings = {**texts, **{passage.id: passage.wording for passage in passages}}
    echoes = {
        id_: rest
        for id_, text in wordings.items()
        if find_echoes and id_ not in duplicates and (rest := find_rest(query, text, language)) is not None
    }
    shown = tuple(_keep_rest(passage, echoes) for passage in unique if echoes.get(passage.id) != "")
    retrievals = [record for record in records if isinstance(record, RetrievalRecord)]
    rerankings = [record for record in records if isinstance(record, RerankRecord) and record.failed is None]
    retrieval = max(
        enumerate(retrievals), key=lambda pair: (sum(id_ in pair[1].fused for id_ in known), pair[0]), default=None
    )
    return Evidence(
        query,
        shown,
        retrieval[1].without(echoes.keys()) if retrieval else None,
        _leave_out(rerankings[-1], echoes, retrieval[1].links if retrieval else {}) if rerankings else None,
        duplicates,
        echoes,
        statistics,
        entailment or {},
        language=language,
        terms=tuple(found_terms(passage.wording, language) for passage in shown),
    )


def _keep_rest(passage: Passage, echoes: Mapping[str, str]) -> Passage:
    """What a passage says beside the question; its vector is the question's own as well."""
    return replace(passage, text=echoes[passage.id], heading="", vector=None) if passage.id in echoes else passage


def _leave_out(record: RerankRecord, echoes: Mapping[str, str], links: Mapping[str, Link]) -> RerankRecord:
    """Leave out the logits of what repeats the question, of its rows, and of what was read behind it."""
    if not echoes:
        return record
    logits, pieces, joint = (
        {id_: logit for id_, logit in known.items() if id_ not in echoes}
        for known in (record.logits, record.pieces, record.joint)
    )
    joint = {id_: logit for id_, logit in joint.items() if id_ not in links or links[id_].partner not in echoes}
    return replace(record, logits=logits, pieces=pieces, joint=joint)


def _language(query: str, passages: Sequence[Passage], statistics: TermStatistics | None) -> str:
    if statistics is not None:
        return statistics.language
    return detect_language([*(passage.text for passage in passages), query])


def _duplicates(texts: Mapping[str, str]) -> frozenset[str]:
    seen: set[str] = set()
    repeated: set[str] = set()
    for id_, text in texts.items():
        folded = " ".join(text.split()).casefold()
        (repeated if folded in seen else seen).add(id_ if folded in seen else folded)
    return frozenset(repeated)
