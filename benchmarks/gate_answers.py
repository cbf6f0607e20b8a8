"""What the gate makes of a small model's answers: wrong answers without it, with it, and at what coverage.

    python -m benchmarks.gate_answers [--data DIR] [--limit N] [--passages N] --json

A folder with `data.jsonl` (question, answers, answerable, contexts); squad2_dev_sample without one. Each test question
is searched among all contexts of the file, and the offline language model writes an answer from the best passages. An
answer is wrong when it holds no gold answer and its token F1 with the nearest is under .5; any answer to an
unanswerable question is wrong.

`no gate` gives every answer; `shipped` and `own labels` (calibrated on the train questions) give it where the gate
decides to answer; `+ checks` also withdraws what `SupportPolicy()` objects to. A hedge and a refusal are not answers.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from llama_index.core.response_synthesizers import BaseSynthesizer, get_response_synthesizer
from llama_index.core.schema import NodeWithScore, TextNode
from rich.console import Console
from rich.progress import track

from benchmarks.gate import SHARED, example
from benchmarks.gate_cases import Case, Retrieval, load_task
from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor, default_calibration
from llama_index_prod_rag.confidence.fitting import calibrate
from llama_index_prod_rag.confidence.policy import StatusPolicy
from llama_index_prod_rag.confidence.verification import SupportPolicy, verify
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.answer_metrics import contains_answer, token_f1
from llama_index_prod_rag.models.llm import OfflineLLM
from llama_index_prod_rag.significance import proportion
from llama_index_prod_rag.text.sentences import split_sentences


@dataclass(frozen=True, slots=True)
class Answered:
    """One test question with what the model wrote.

    Attributes:
        case: the question and what was found.
        text: the answer.
        wrong: whether it is.
        objection: why the checks would withdraw it, or None.
    """

    case: Case
    text: str
    wrong: bool
    objection: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "rag/squad2_dev_sample", help="folder with data.jsonl")
    parser.add_argument("--limit", type=int, default=100, help="most questions of each split")
    parser.add_argument("--passages", type=int, default=2, help="passages the model reads")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        report = measure(chosen.data, chosen.limit, chosen.passages)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(report, indent=None if chosen.json else 1, allow_nan=False))
    return 0


def measure(folder: Path, limit: int, passages: int) -> dict[str, Any]:
    """Rates by system, each with its 95 % interval."""
    task = load_task(folder, limit=limit)
    retrieval = Retrieval(task)
    train = [example(case) for case in retrieval.cases(task.train)]
    cases = retrieval.cases(task.test)
    synthesizer = get_response_synthesizer(llm=OfflineLLM(num_output=48))
    console = Console(stderr=True)
    answers = [_answer(case, synthesizer, passages) for case in track(cases, "answering", console=console)]
    own = CalibratedAssessor(calibrate(train, prior=default_calibration()))
    gates: Mapping[str, Callable[[Answered], bool]] = {
        "no gate": lambda _: True,
        "shipped": lambda one: _answers(CalibratedAssessor(), one.case),
        "shipped + checks": lambda one: _answers(CalibratedAssessor(), one.case) and one.objection is None,
        "own labels": lambda one: _answers(own, one.case),
        "own labels + checks": lambda one: _answers(own, one.case) and one.objection is None,
    }
    return {
        "dataset": task.name,
        "questions": len(answers),
        "answerable": sum(one.case.question.answerable for one in answers),
        "labels": len(train),
        "systems": {
            name: _rates([one for one in answers if gives(one)], len(answers)) for name, gives in gates.items()
        },
    }


def _answer(case: Case, synthesizer: BaseSynthesizer, count: int) -> Answered:
    shown = case.evidence.passages[:count]
    hits = [
        NodeWithScore(node=TextNode(text=passage.wording, id_=passage.id), score=passage.score) for passage in shown
    ]
    query = case.question.text
    text = str(synthesizer.synthesize(query, hits)).strip() if hits else ""
    sentences = [text[start:end] for start, end in split_sentences(text)]
    found = verify(query, sentences, {passage.id: passage.wording for passage in shown})
    gold = case.question.answers
    right = case.question.answerable and bool(gold) and (contains_answer(text, gold) > 0 or token_f1(text, gold) >= 0.5)
    return Answered(case, text, not right, SupportPolicy().objection(found) if text else "nothing was written")


def _answers(assessor: CalibratedAssessor, case: Case) -> bool:
    return StatusPolicy().decide(assessor.assess(case.evidence)) == "answer"


def _rates(given: Sequence[Answered], questions: int) -> dict[str, Any]:
    wrong = sum(one.wrong for one in given)
    return {
        "coverage": asdict(proportion(len(given), questions)),
        "wrong_of_all": asdict(proportion(wrong, questions)),
        "wrong_of_answered": asdict(proportion(wrong, len(given))) if given else None,
        "correct": len(given) - wrong,
    }


if __name__ == "__main__":
    raise SystemExit(main())
