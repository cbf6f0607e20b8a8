"""Which kinds of questions go wrong, and what mending each kind would gain. Core.

A slice is a name and a test on a question. A test may say "cannot tell" (no label, no signal): such questions are in
neither the slice nor its complement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from llama_index_prod_rag.evaluation.cases import Case
from llama_index_prod_rag.significance import Interval, proportion
from llama_index_prod_rag.text.terms import TermStatistics, names, term_set

SliceTest = Callable[[Case], bool | None]
"""Whether a question belongs to the slice; None: cannot tell."""

_ENOUGH = 30  # questions below which a rate is too uncertain to act on
_RARE = 5  # a name in at most this many passages is a rare entity
_DISAGREE = 0.1  # legs with at most one of their first ten in common
_COVERED = 0.5
_SHORT, _LONG = 3, 15  # words

_NUMBER = re.compile(r"(?<!\w)\d+(?:[.,:/]\d+)*(?!\w)")
_CODE = re.compile(
    r"""(?<!\w)(?:
        (?=\w*[A-Za-z])(?=\w*\d)\w{2,}(?:[-./:]\w+)*   # ERR42, x86, B-265
      | [A-Za-z]{1,8}[-/]\d[\w./-]*                     # ISO-9001, RFC/793
      | \w+_\w+ | [a-z]+[A-Z]\w* | \w+\(\) | \w+(?:::|->)\w+   # snake_case, camelCase, call(), a::b
    )""",
    re.VERBOSE,
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|except|excluding|cannot|\w+n['’]t)\b", re.IGNORECASE
)


def default_slices(
    questions: TermStatistics | None = None, corpus: TermStatistics | None = None
) -> dict[str, SliceTest]:
    """Make the slices that a report looks at when nobody asks for others.

    Args:
        questions: how often terms occur in the questions themselves, for the long tail.
        corpus: how often terms occur in the corpus, for rare entities; without it, a name that no passage shown
            contains counts as rare.

    Returns:
        Name -> test. The names say what is in the slice; `SLICE_DESCRIPTIONS` says how it is told.
    """
    return {
        "multi-hop": lambda case: case.gold > 1 if case.gold else None,
        "rare entities": lambda case: _rare_entity(case, corpus),
        "long tail": lambda case: _long_tail(case, questions),
        "out of corpus": _out_of_corpus,
        "legs disagree": lambda case: None if case.agreement is None else case.agreement <= _DISAGREE,
        "numbers": _matches(_NUMBER),
        "codes and identifiers": _matches(_CODE),
        "negation": _matches(_NEGATION),
        "short questions": lambda case: len(case.query.split()) <= _SHORT if case.query else None,
        "long questions": lambda case: len(case.query.split()) >= _LONG if case.query else None,
    }


SLICE_DESCRIPTIONS: Mapping[str, str] = {
    "multi-hop": "more than one passage or document is labelled relevant",
    "rare entities": f"a name in at most {_RARE} passages of the corpus, or in none of the passages shown",
    "long tail": "most of its terms occur in no other question",
    "out of corpus": "labelled unanswerable or not indexed; unlabelled: the passages shown lack most of its terms",
    "legs disagree": "at most one of the first ten passages is common to the legs",
    "numbers": "contains a number",
    "codes and identifiers": "contains a product code, version or identifier",
    "negation": "contains not, no, never, without, except",
    "short questions": f"at most {_SHORT} words",
    "long questions": f"at least {_LONG} words",
}
"""How each default slice is told."""


def _matches(pattern: re.Pattern[str]) -> SliceTest:
    return lambda case: bool(pattern.search(case.query)) if case.query else None


def _rare_entity(case: Case, corpus: TermStatistics | None) -> bool | None:
    if corpus is None:
        covered = case.signals.get("coverage.names")
        return None if covered is None and not case.query else covered is not None and covered < 1.0
    return (
        any(corpus.passages_with(name) <= _RARE for name in names(case.query, corpus.language)) if case.query else None
    )


def _long_tail(case: Case, questions: TermStatistics | None) -> bool | None:
    if questions is None or not (asked := term_set(case.query, questions.language)):
        return None
    return sum(questions.frequencies.get(term, 0) <= 1 for term in asked) > len(asked) / 2


def _out_of_corpus(case: Case) -> bool | None:
    if case.answerable is not None:
        return case.answerable is False or case.stage == "not_in_corpus"
    if case.status == "no_results":
        return True
    covered = case.signals.get("coverage.all")
    return None if covered is None else covered < _COVERED


@dataclass(frozen=True, slots=True)
class SliceResult:
    """One slice against the other questions.

    Attributes:
        name: the slice.
        description: how it is told; empty for a user's own.
        n: questions in it that have a verdict.
        failures: how many of them went wrong.
        rate: share that went wrong, with its interval.
        rest: the same for the questions outside; None where there are none.
        share_of_failures: of all questions that went wrong, how many are in the slice.
        gain: by how much the overall failure rate would fall if the slice failed no more often than the rest.
        enough: whether there are questions enough (30) to act on.
        examples: ids of questions in it that went wrong, the most confident first: these misled users.
    """

    name: str
    description: str
    n: int
    failures: int
    rate: Interval
    rest: Interval | None
    share_of_failures: float
    gain: float
    enough: bool
    examples: tuple[str, ...]


def evaluate_slices(
    cases: Sequence[Case], slices: Mapping[str, SliceTest] | None = None, *, examples: int = 5
) -> list[SliceResult]:
    """Compute how often each slice of the questions fails, and what mending it would gain.

    Slices overlap, so shares and gains do not add up.

    Args:
        cases: digested questions; those without a verdict are left out.
        slices: name -> test; None takes `default_slices` with the questions' own terms. Add your own with
            `{**default_slices(...), "invoices": lambda case: "invoice" in case.query.lower()}`.
        examples: how many questions to name for each.

    Returns:
        Non-empty slices, the largest gain first.

    Examples:
        >>> cases = [Case(query_id="1", query="error E42?", good=False), Case(query_id="2", query="who?", good=True)]
        >>> (row,) = evaluate_slices(cases, {"error codes": lambda case: "E42" in case.query})
        >>> row.name, row.failures, row.gain
        ('error codes', 1, 0.5)
    """
    judged = [case for case in cases if case.good is not None]
    if slices is None:
        slices = default_slices(TermStatistics.from_texts(case.query for case in cases))
    results = [
        result
        for name, test in slices.items()
        if (result := _evaluate(name, [(case, test(case)) for case in judged], examples)) is not None
    ]
    return sorted(results, key=lambda row: (-row.gain, -row.share_of_failures, row.name))


def _evaluate(name: str, told: Sequence[tuple[Case, bool | None]], examples: int) -> SliceResult | None:
    inside = [case for case, belongs in told if belongs]
    outside = [case for case, belongs in told if belongs is False]
    if not inside:
        return None
    failed = [case for case in inside if not case.good]
    everywhere = sum(not case.good for case, _ in told)
    rate = proportion(len(failed), len(inside))
    rest = proportion(sum(not case.good for case in outside), len(outside)) if outside else None
    excess = max(0.0, rate.mean - rest.mean) if rest else 0.0
    shown = sorted(failed, key=lambda case: (-(case.confidence or 0.0), case.query_id))[:examples]
    return SliceResult(
        name=name,
        description=SLICE_DESCRIPTIONS.get(name, ""),
        n=len(inside),
        failures=len(failed),
        rate=rate,
        rest=rest,
        share_of_failures=len(failed) / everywhere if everywhere else 0.0,
        gain=excess * len(inside) / len(told),
        enough=len(inside) >= _ENOUGH,
        examples=tuple(case.query_id for case in shown),
    )
