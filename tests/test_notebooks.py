"""Committed notebooks are clean, and what cleans them takes out noise and finds faults."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
_spec = importlib.util.spec_from_file_location("clean", FOLDER / "clean.py")
assert _spec is not None
assert _spec.loader is not None
clean = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(clean)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_committed_notebooks_are_clean(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert clean.cleaned(text) == text
    assert clean.faults(text) == []


def _book(*outputs: nbformat.NotebookNode) -> str:
    cell = nbformat.v4.new_code_cell("1", execution_count=7, outputs=list(outputs), metadata={"collapsed": True})
    return str(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])))


def test_noise_goes_and_results_stay() -> None:
    stderr = nbformat.v4.new_output("stream", name="stderr", text="a warning")
    stdout = nbformat.v4.new_output("stream", name="stdout", text="a result")
    cell = json.loads(clean.cleaned(_book(stderr, stdout)))["cells"][0]
    assert [output["text"] for output in cell["outputs"]] == [["a result"]]
    assert cell["execution_count"] is None
    assert cell["metadata"] == {}


def test_failures_and_local_paths_are_faults() -> None:
    error = nbformat.v4.new_output("error", ename="KeyError", evalue="x", traceback=[])
    named = nbformat.v4.new_output("stream", name="stdout", text=f"{Path.home()}/secret")
    assert clean.faults(_book(error)) == ["a cell failed"]
    assert len(clean.faults(_book(named))) == 1
