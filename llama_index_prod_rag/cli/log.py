"""`prod-rag log`: from the query log to a test set, and what people say about an answer."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llama_index_prod_rag.cli.progress import errors_console
from llama_index_prod_rag.disclosure import mask

if TYPE_CHECKING:
    from llama_index_prod_rag.query_log.sampling import Sampled
    from llama_index_prod_rag.query_log.sheets import TextOf
    from llama_index_prod_rag.query_log.store import QueryLog

_Log = Annotated[str, typer.Option(help="Database of the log, such as sqlite:///queries.sqlite.")]


def register(app: typer.Typer) -> None:
    """Add `log` with its subcommands to the program."""
    group = typer.Typer(help="Turn logged questions into a test set, and note what people say.", no_args_is_help=True)
    group.command("sample")(sample)
    group.command("import")(import_labels)
    group.command("feedback")(feedback)
    app.add_typer(group, name="log")


def sample(
    log: _Log,
    out: Annotated[Path, typer.Option(help="Sheet to write: .csv for a spreadsheet, .jsonl for labelling tools.")],
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Questions to draw.")] = 100,
    uncertain: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Share drawn where the gate was least sure; the rest is drawn at random."),
    ] = 0.5,
    documents: Annotated[
        Path | None,
        typer.Option(
            help="The files that were asked: the sheet then offers what each leg found, not only what was shown."
        ),
    ] = None,
    pool: Annotated[int, typer.Option(min=1, max=100, help="With --documents: passages of each list to offer.")] = 10,
    labelled: Annotated[Path | None, typer.Option(help="A label file; questions in it are not drawn again.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only questions asked from then on, local time.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only questions asked before then, local time.")] = None,
    seed: Annotated[int, typer.Option(help="Of the random draw.")] = 0,
) -> None:
    """Draw questions to label, and write a sheet to fill in."""
    from llama_index_prod_rag.errors import InputError
    from llama_index_prod_rag.evaluation.labels import read_labels
    from llama_index_prod_rag.query_log import sampling
    from llama_index_prod_rag.query_log.sheets import export_sheet
    from llama_index_prod_rag.query_log.store import QueryLog

    known = read_labels(labelled) if labelled is not None else {}
    with QueryLog(log) as opened:
        light = opened.records(since=since, until=until, passages=False, hits=False)
        fresh = (record for record in light if record.query_id not in known and record.query not in known)
        drawn = [_fetch_whole(opened, one) for one in sampling.sample(fresh, number, uncertain=uncertain, seed=seed)]
    if not drawn:
        raise InputError(f"{log} holds no question to label in this period")
    count = export_sheet(drawn, out, pool=pool, text_of=None if documents is None else _texts(documents))
    made = shlex.quote(str(out.with_suffix(".labels.jsonl")))
    errors_console.print(
        f"{count} questions in {out}: fill in relevant, answerable and right_answer as it says, then\n"
        f"  prod-rag log import {shlex.quote(str(out))} --out {made}\n"
        f"  prod-rag calibrate --log {shlex.quote(mask(log))} --labels {made} --out gate.json",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _fetch_whole(log: QueryLog, drawn: Sampled) -> Sampled:
    return replace(drawn, record=log.get(drawn.record.query_id) or drawn.record)


def _texts(documents: Path) -> TextOf:
    from llama_index.core.schema import MetadataMode

    from llama_index_prod_rag.cli.corpus import open_corpus
    from llama_index_prod_rag.cli.sources import files_source

    nodes = {node.node_id: node for node in open_corpus(files_source(documents)).nodes()}
    return lambda id_: nodes[id_].get_content(metadata_mode=MetadataMode.NONE) if id_ in nodes else None


def import_labels(
    sheet: Annotated[Path, typer.Argument(help="A filled-in sheet of `prod-rag log sample`.")],
    out: Annotated[Path, typer.Option(help="Label file to write, JSON lines.")],
) -> None:
    """Turn a filled-in sheet into the label file that report, evaluate, tune and calibrate read."""
    from llama_index_prod_rag.query_log.sheets import import_sheet

    count = import_sheet(sheet, out)
    errors_console.print(f"{count} labelled questions in {out}", markup=False, highlight=False, soft_wrap=True)


def feedback(
    query_id: Annotated[str, typer.Argument(help="Id of a logged question; `prod-rag ask --log` prints it.")],
    log: _Log,
    helpful: Annotated[bool | None, typer.Option("--helpful/--unhelpful", help="Whether the answer helped.")] = None,
    label: Annotated[
        str | None, typer.Option(help='A word for it; a failure stage such as "not retrieved" is used as one.')
    ] = None,
    score: Annotated[float | None, typer.Option(help="A number, higher is better.")] = None,
    comment: Annotated[str | None, typer.Option(help="Free text.")] = None,
    who: Annotated[str | None, typer.Option(help="Who judged; of one person the last judgment counts.")] = None,
) -> None:
    """Add a judgment to a logged question."""
    if helpful is None and label is None and score is None and comment is None:
        raise typer.BadParameter("say something: --helpful, --unhelpful, --label, --score or --comment")

    from llama_index_prod_rag.errors import InputError, QueryLogError
    from llama_index_prod_rag.query_log.store import QueryLog

    with QueryLog(log) as opened:
        if opened.get(query_id) is None:
            raise InputError(f"{log} holds no question with the id {query_id!r}")
        opened.add_feedback(query_id, helpful=helpful, label=label, score=score, comment=comment, who=who)
    if not opened.stats.written:
        raise QueryLogError(f"{log} could not be written: the feedback is not kept")
