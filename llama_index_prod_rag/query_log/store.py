"""`QueryLog`: what users and the gate hold."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import TypeAlias

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.query_log import normalize
from llama_index_prod_rag.query_log.database import PAGE, Database, parse_url
from llama_index_prod_rag.query_log.judgments import check_feedback, check_query_id
from llama_index_prod_rag.query_log.record import AnnotatorKind, Feedback, QueryRecord
from llama_index_prod_rag.query_log.schema import Row, annotation_row, feedback_of, query_record, query_row
from llama_index_prod_rag.query_log.writer import BackgroundWriter, LogStats

_logger = logging.getLogger(__name__)
_PRUNE_EVERY = 3600.0  # seconds

_Judgment: TypeAlias = tuple[str, str, Feedback]  # annotation id, query id, feedback
_Item: TypeAlias = QueryRecord | _Judgment


class QueryLog:
    """Keeps what happened, question by question, in SQLite or PostgreSQL.

    `add` and `add_feedback` only queue: they take microseconds and never wait for the database, `add` never raises, and
    `add_feedback` only for what is no judgment. A thread writes; `stats` says what became of everything. Close the log,
    or leave its `with` block, to write the rest; an exiting interpreter does it too. Nothing is opened before there is
    something to write or to read.

    Args:
        url: `sqlite:///queries.db` (four slashes for an absolute path) or `postgresql://user@host/name`.
        log_text: False keeps no question, answer, passage, reason, message or comment; ids, scores and times stay.
        redact: applied to each of those texts before it is stored, in the writing thread. Where it raises, the text
            is withheld.
        keep: how long records and feedback stay; None keeps them. Checked at the first write and then hourly.
        capacity: how many records may wait in memory for a slow or absent database; further ones are dropped and
            counted.

    Raises:
        ConfigurationError: a URL this log cannot use, or a setting out of range.
        MissingExtraError: PostgreSQL without its driver.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, QueryLog(f"sqlite:///{folder}/queries.db") as log:
        ...     log.add(QueryRecord(query="who earns most?", query_id="q1", answer="The board."))
        ...     log.add_feedback("q1", helpful=True, who="ada")
        ...     _ = log.flush()
        ...     [(record.query, record.feedback[0].helpful) for record in log.records()]
        [('who earns most?', True)]
    """

    def __init__(
        self,
        url: str,
        *,
        log_text: bool = True,
        redact: Callable[[str], str] | None = None,
        keep: timedelta | None = None,
        capacity: int = 5000,
    ) -> None:
        if capacity < 1:
            raise ConfigurationError("capacity must be at least 1")
        if keep is not None and keep <= timedelta():
            raise ConfigurationError("keep must be a positive time; None keeps everything")
        self._settings = {"log_text": log_text, "redact": redact, "keep": keep, "capacity": capacity}
        self._url = url
        self._database = Database(parse_url(url))
        sink = _Sink(self._database, redact if log_text else normalize.withhold, keep)
        self._writer: BackgroundWriter[_Item] = BackgroundWriter(sink.write, capacity=capacity)

    def __repr__(self) -> str:
        return f"QueryLog({self._database.url.render_as_string()!r})"

    def __reduce__(self) -> tuple[object, ...]:
        # A copy in another process writes to the same database with a queue of its own.
        return _rebuild, (self._url, self._settings)

    def add(self, record: QueryRecord) -> None:
        """Queue a record; its `feedback` is not written, see `add_feedback`."""
        self._writer.put(record)

    def add_feedback(
        self,
        query_id: str,
        *,
        helpful: bool | None = None,
        label: str | None = None,
        score: float | str | None = None,
        comment: str | None = None,
        who: str | None = None,
        kind: AnnotatorKind = "HUMAN",
        name: str = "feedback",
    ) -> None:
        """Queue somebody's judgment of an answer; the fields are those of `Feedback`.

        It may come from another process than the record, and before it: an unknown id is not an error. Ask `get` where
        a wrong id should be one.

        Raises:
            InputError: there is no id, or a field is not what it says: a score that is not a number (`"5"` is one),
                `helpful` that is neither true nor false.
        """
        given = Feedback(helpful=helpful, label=label, score=score, comment=comment, who=who, kind=kind, name=name)  # type: ignore[arg-type] # checked below
        self._writer.put((str(uuid.uuid4()), check_query_id(query_id), check_feedback(given)))

    def records(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        passages: bool = True,
        hits: bool = True,
    ) -> Iterator[QueryRecord]:
        """Read stored records with their feedback, newest first, page by page.

        Args:
            since: only questions asked at this moment or later; a naive time is local.
            until: only questions asked before this moment.
            limit: at most this many.
            passages: False leaves out the passages' texts, the larger part of a log.
            hits: False leaves out the places at every stage, which cost the most to read.

        Raises:
            QueryLogError: there is no log, or it cannot be read.
        """
        if limit is not None and limit < 1:
            return
        left = limit
        size = PAGE if limit is None else min(PAGE, limit)
        without = [column for column, kept in (("passages", passages), ("rankings", hits)) if not kept]
        for queries, judgments in self._database.pages(since=since, until=until, without=without, size=size):
            yield from _join(queries, judgments)[:left]
            if left is not None and (left := left - len(queries)) <= 0:
                return

    def get(self, query_id: str) -> QueryRecord | None:
        """Read the stored record of one question, or None.

        Raises:
            QueryLogError: there is no log, or it cannot be read.
        """
        for queries, judgments in self._database.pages(query_id=query_id, size=1):
            return next(iter(_join(queries, judgments)), None)
        return None

    @property
    def stats(self) -> LogStats:
        """Count what became of everything this process handed in."""
        return self._writer.stats

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything queued so far is dealt with.

        Args:
            timeout: seconds to wait at most; None waits as long as it takes.

        Returns:
            Whether the queue ran empty in time.
        """
        return self._writer.flush(timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Write what is queued and stop; what cannot be written in time is dropped and counted.

        Args:
            timeout: seconds to keep trying.
        """
        self._writer.close(timeout)
        self._database.dispose()

    def __enter__(self) -> QueryLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _rebuild(url: str, settings: dict[str, object]) -> QueryLog:
    return QueryLog(url, **settings)  # type: ignore[arg-type]


def _join(queries: Sequence[Row], annotations: Sequence[Row]) -> list[QueryRecord]:
    feedback: dict[str, list[Feedback]] = {}
    for row in annotations:
        feedback.setdefault(row["query_id"], []).append(feedback_of(row))
    return [record for row in queries if (record := _read(row, feedback.get(row["query_id"], ()))) is not None]


def _read(row: Row, feedback: Sequence[Feedback]) -> QueryRecord | None:
    """The record of a row; None, with a warning, where somebody wrote something else into it."""
    try:
        return query_record(row, feedback)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        _logger.warning(
            "the record %s of the query log is left out: it is not what was written (%r)", row["query_id"], error
        )
        return None


class _Sink:
    """Does the writing thread's work on a batch: withhold or redact, clean, store, and let the old go."""

    def __init__(self, database: Database, change: Callable[[str], str] | None, keep: timedelta | None) -> None:
        self._database = database
        self._change = change
        self._keep = keep
        self._prune_at = 0.0

    def write(self, batch: Sequence[_Item]) -> None:
        queries = [query_row(self._fit(item)) for item in batch if isinstance(item, QueryRecord)]
        annotations = [
            annotation_row(annotation_id, normalize.clean_text(query_id), self._fit_feedback(feedback))
            for annotation_id, query_id, feedback in (item for item in batch if not isinstance(item, QueryRecord))
        ]
        self._database.insert(queries, annotations)
        if self._keep is not None and time.monotonic() >= self._prune_at:
            with suppress(OverflowError):  # longer than there are years: everything stays
                self._database.delete_before(datetime.now(timezone.utc) - self._keep)
            self._prune_at = time.monotonic() + _PRUNE_EVERY

    def _fit(self, record: QueryRecord) -> QueryRecord:
        return normalize.clean_record(normalize.map_texts(record, self._redact))

    def _fit_feedback(self, feedback: Feedback) -> Feedback:
        return normalize.clean_feedback(normalize.map_comment(feedback, self._redact))

    def _redact(self, text: str) -> str:
        if self._change is None:
            return text
        try:
            return self._change(text)
        except Exception:
            _logger.exception("The query log withholds a text: the redaction hook raised")
            return normalize.WITHHELD
