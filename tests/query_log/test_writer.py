from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from llama_index_prod_rag.errors import QueryLogError
from llama_index_prod_rag.query_log.writer import BackgroundWriter, LogStats


class Store:
    """A store that can be closed for a while, and takes no negative numbers."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.open = threading.Event()
        self.open.set()
        self.attempts = 0

    def write(self, batch: Sequence[int]) -> None:
        self.attempts += 1
        if not self.open.is_set():
            raise QueryLogError("closed for today")
        if any(item < 0 for item in batch):
            raise ValueError("negative")
        self.items += batch


@pytest.fixture
def store() -> Store:
    return Store()


def test_items_arrive_in_order_and_in_batches(store: Store) -> None:
    writer = BackgroundWriter(store.write, capacity=1000)
    for item in range(1000):
        writer.put(item)
    assert writer.flush(10)
    assert store.items == list(range(1000))
    assert store.attempts < 1000
    assert writer.stats == LogStats(written=1000)
    writer.close()


def test_what_cannot_be_written_waits_and_what_does_not_fit_is_counted(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.open.clear()
    writer = BackgroundWriter(store.write, capacity=3)
    writer.put(0)
    while writer.stats.queued and not store.attempts:
        time.sleep(0.001)
    for item in range(1, 6):
        writer.put(item)
    assert writer.stats == LogStats(queued=4, dropped=2)

    store.open.set()
    assert writer.flush(10)
    assert store.items == [0, 1, 2, 3]
    assert writer.stats == LogStats(written=4, dropped=2)
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.WARNING]
    assert "closed for today" in caplog.text
    assert "its queue is full" in caplog.text
    writer.close()


def test_one_bad_item_does_not_take_its_batch_along(store: Store) -> None:
    store.open.clear()
    writer = BackgroundWriter(store.write, capacity=10)
    for item in (1, 2, -3, 4):
        writer.put(item)
    store.open.set()
    assert writer.flush(10)
    assert store.items == [1, 2, 4]
    assert writer.stats == LogStats(written=3, rejected=1)
    writer.close()


def test_closing_writes_the_rest_and_then_takes_nothing(store: Store) -> None:
    writer = BackgroundWriter(store.write, capacity=100)
    for item in range(50):
        writer.put(item)
    writer.close()
    writer.put(99)
    writer.close()
    assert store.items == list(range(50))
    assert writer.stats == LogStats(written=50, dropped=1)


def test_closing_gives_up_in_time_and_counts_what_was_lost(store: Store) -> None:
    store.open.clear()
    writer = BackgroundWriter(store.write, capacity=100)
    for item in range(5):
        writer.put(item)
    start = time.monotonic()
    writer.close(timeout=0.3)
    assert time.monotonic() - start < 3
    assert not writer.flush(0.0) or writer.stats.dropped == 5
    assert store.items == []


def test_many_threads_lose_nothing(store: Store) -> None:
    writer = BackgroundWriter(store.write, capacity=4000)

    def produce(first: int) -> None:
        for item in range(first, first + 500):
            writer.put(item)

    threads = [threading.Thread(target=produce, args=(500 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert sorted(store.items) == list(range(4000))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_writes_its_own_items_and_not_its_parents(store: Store) -> None:
    store.open.clear()
    writer = BackgroundWriter(store.write, capacity=10)
    writer.put(1)
    if (child := os.fork()) == 0:
        status = 1
        try:
            store.open = threading.Event()
            store.open.set()
            writer.put(2)
            writer.close()
            status = 0 if store.items == [2] else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.open.set()
    writer.close()
    assert store.items == [1]


PROGRAM = """
import multiprocessing, sys, time
from llama_index_prod_rag.query_log.writer import BackgroundWriter

def write(batch):
    time.sleep(0.01)
    with open({path!r}, "a") as file:
        file.writelines(f"{{item}}\\n" for item in batch)

writer = BackgroundWriter(write, capacity=1000)

def produce(first):
    for item in range(first, first + 300):
        writer.put(item)

if __name__ == "__main__":
    {body}
"""


@pytest.mark.parametrize(
    "body",
    [
        "produce(0)",
        "produce(0); raise SystemExit(3)",
        "import atexit; atexit.register(produce, 0)",  # too late for a thread: written by the exit itself
        "p = multiprocessing.get_context('fork').Process(target=produce, args=(0,)); p.start(); p.join()",
        "p = multiprocessing.get_context('spawn').Process(target=produce, args=(0,)); p.start(); p.join()",
    ],
    ids=["exit", "sys.exit", "in atexit", "forked worker", "spawned worker"],
)
def test_an_exiting_interpreter_writes_the_rest(body: str, tmp_path: Path) -> None:
    items, program = tmp_path / "items", tmp_path / "program.py"
    program.write_text(PROGRAM.format(path=str(items), body=body))
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, program], check=False, env=environment, timeout=60)
    assert sorted(map(int, items.read_text().split())) == list(range(300))
