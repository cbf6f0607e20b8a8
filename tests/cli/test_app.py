"""The command as users type it: exit codes, one-line errors, one JSON object."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from llama_index_prod_rag.cli.app import build_app, run

COMMAND = [sys.executable, "-c", "from llama_index_prod_rag.cli import main; main()"]
GUIDE = """# Keys

## Rotation

The signing key is rotated every 90 days with the command keyctl rotate.

## Storage

Keys lie in the vault and never in the repository.
"""


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    (folder / "keys.md").write_text(GUIDE)
    return folder


def test_help_loads_no_library_that_answers_need() -> None:
    code = (
        "import sys; from llama_index_prod_rag.cli.app import build_app; build_app(); "
        "print([name for name in ('llama_index', 'numpy', 'sqlalchemy', 'nltk') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=800)
    assert done.stdout.strip() == "[]"


def test_help_and_version_answer_at_once() -> None:
    began = time.process_time()
    assert "ask" in _run("--help").stdout
    assert _run("--version").stdout.strip()
    assert time.process_time() - began < 5


def test_the_libraries_advice_is_not_heard_and_ours_is() -> None:
    code = (
        "import logging; from llama_index_prod_rag.cli.app import _start_logging; _start_logging(False); import bm25s;"
        "logging.getLogger('bm25s').warning('theirs'); logging.getLogger('llama_index_prod_rag.x').warning('ours')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    assert "ours" in done.stderr
    assert "theirs" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ask", "{guide}", " "), "the question is empty"),
        (("ask", "{guide}", "x" * 20_000), "20,000 characters is not a question"),
        (("ask", "{guide}/missing", "why?"), "does not exist"),
        (("ask", "why is the path last?" * 20, "{guide}"), "does not exist"),
        (("ask", "{guide}", "why?", "--alpha", "2"), "alpha"),
        (("ask", "{guide}", "why?", "--top-k", "0"), "top-k"),
        (("no-such-command",), "No such command"),
    ],
)
def test_wrong_use_exits_with_2(guide: Path, arguments: tuple[str, ...], message: str) -> None:
    words = [argument.replace("{guide}", str(guide)) for argument in arguments]
    done = CliRunner().invoke(build_app(), words, env={"COLUMNS": "200"})
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert not done.stdout


def test_a_letter_that_the_output_lacks_costs_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "argv", ["prod-rag", "--version"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest's own Ctrl-C stays
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "cp1252"))
    with pytest.raises(SystemExit):
        run()
    Console().print("Łódź: 90 days")
    sys.stdout.flush()
    assert written.getvalue().endswith(b"?\xf3d?: 90 days\n")


def test_failure_exits_with_1_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"\x89PNG\x00")
    done = _run("ask", str(tmp_path), "what is on it?")
    assert done.returncode == 1
    assert "could be read" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in _run("--debug", "ask", str(tmp_path), "what is on it?").stderr


def test_an_unknown_llm_is_explained(guide: Path, tmp_path: Path) -> None:
    done = _run("ask", str(guide), "why?", "--llm", "json:loads", PROD_RAG_CACHE=str(tmp_path))
    assert done.returncode == 1
    assert "--llm" in done.stderr


@pytest.mark.integration
def test_ask_prints_one_json_object(guide: Path, tmp_path: Path) -> None:
    question = "How often is the signing key rotated?"
    done = _run("ask", str(guide), question, "--json", PROD_RAG_CACHE=str(tmp_path))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) >= {"question", "decision", "status", "confidence", "reasons", "answer", "sources", "timings"}
    assert answer["decision"] in {"answer", "hedge"}
    assert "90 days" in answer["answer"]
    source = answer["sources"][0]
    assert GUIDE[source["start"] : source["end"]] == source["text"]
    assert source["heading_path"] == ["Keys", "Rotation"] or "90 days" in source["text"]


@pytest.mark.integration
def test_changing_the_question_changes_the_decision(guide: Path, tmp_path: Path) -> None:
    question = "Who won the 1998 football World Cup in Łódź?"
    # What a file on Windows is written in: JSON says there by escapes what the encoding lacks.
    settings = {"PROD_RAG_CACHE": str(tmp_path), "PYTHONIOENCODING": "cp1252"}
    answer = json.loads(_run("ask", str(guide), question, "--json", **settings).stdout)
    assert answer["question"] == question
    assert answer["decision"] == "refuse"
    assert answer["reasons"]


@pytest.mark.integration
def test_ctrl_c_while_indexing_is_recovered_from(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(150):
        (folder / f"{number}.txt").write_text(f"Part {number} of the manual describes valve {number * 3}. " * 12)
    environment = {**os.environ, "PROD_RAG_CACHE": str(tmp_path / "cache")}
    command = [*COMMAND, "ask", str(folder), "What does part 7 describe?", "--json"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    embeddings = tmp_path / "cache" / "embeddings.sqlite"
    deadline = time.monotonic() + 120
    while not embeddings.exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert json.loads(_run(*command[3:], PROD_RAG_CACHE=str(tmp_path / "cache")).stdout)["sources"]


@pytest.mark.integration
def test_the_demo_answers_hedges_and_refuses_by_its_scores() -> None:
    done = _run("demo")
    assert done.returncode == 0, done.stderr
    assert "answer" in done.stdout
    assert done.stdout.count("refuse (") >= 2
    assert "hedge (" in done.stdout


@pytest.mark.integration
def test_a_cache_that_cannot_be_written_costs_no_answer(guide: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    question = "How often is the signing key rotated?"
    done = _run("ask", str(guide), question, "--json", PROD_RAG_CACHE=str(tmp_path / "file" / "cache"))
    assert done.returncode == 0, done.stderr
    assert "90 days" in json.loads(done.stdout)["answer"]
    assert "set PROD_RAG_CACHE" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.integration
def test_two_runs_at_once_on_one_folder_both_answer(guide: Path, tmp_path: Path) -> None:
    command = [*COMMAND, "ask", str(guide), "How often is the signing key rotated?", "--json"]
    environment = {**os.environ, "PROD_RAG_CACHE": str(tmp_path)}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    for process in running:
        output, errors = process.communicate(timeout=800)
        assert process.returncode == 0, errors
        assert "90 days" in json.loads(output)["answer"]
