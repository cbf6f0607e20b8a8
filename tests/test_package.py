"""What a user meets first: the import is light, and every public name is there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import llama_index_prod_rag

HEAVY = (
    "torch",
    "bm25s",
    "onnxruntime",
    "sentence_transformers",
    "elasticsearch",
    "sklearn",
    "sqlalchemy",
    "transformers",
)


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, llama_index_prod_rag; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert _python(code) == "[]"


def test_naming_every_component_loads_nothing_heavy_beyond_llama_index() -> None:
    names = "[getattr(llama_index_prod_rag, name) for name in llama_index_prod_rag.__all__]"
    code = (
        "import sys, llama_index.core; before = set(sys.modules); import llama_index_prod_rag; "
        f"{names}; print([name for name in {HEAVY!r} if name in sys.modules and name not in before])"
    )
    assert _python(code) == "[]"


def test_importing_takes_under_a_tenth_of_a_second_beyond_llama_index_core() -> None:
    code = (
        "import llama_index.core, time; start = time.process_time(); import llama_index_prod_rag; "
        "print(time.process_time() - start)"
    )
    assert min(float(_python(code)) for _ in range(2)) < 0.1


def test_public_names_can_all_be_looked_up() -> None:
    assert all(getattr(llama_index_prod_rag, name) is not None for name in llama_index_prod_rag.__all__)
    assert set(llama_index_prod_rag.__all__) - {"__version__"} <= set(dir(llama_index_prod_rag))


def test_public_names_are_all_on_the_api_page() -> None:
    page = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8").split()
    for name, home in llama_index_prod_rag._HOMES.items():
        module = f"llama_index_prod_rag.{home}"
        assert module in page or f"{module}.{name}" in page, name


def test_every_room_with_public_names_is_on_the_page_of_rooms() -> None:
    root = Path(llama_index_prod_rag.__file__).parent
    page = (root.parent / "docs" / "rooms.md").read_text(encoding="utf-8").split()
    rooms = {".".join(file.relative_to(root.parent).parent.parts) for file in root.glob("*/**/__init__.py")}
    exporting = {room for room in rooms if getattr(import_module(room), "__all__", ())}
    assert len(exporting) > 12
    assert {room for room in exporting if room not in page} == set()


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(llama_index_prod_rag, "NoSuchThing")


_IMPORT = re.compile(r"^[ \t>]*(?:from|import) (llama_index_prod_rag(?:\.\w+)*)", re.MULTILINE)


def _texts_for_users() -> dict[str, str]:
    root = Path(__file__).parents[1]
    pages = [root / "README.md", *(root / "docs").rglob("*.md"), *(root / "examples").rglob("*.py")]
    texts = {str(page.relative_to(root)): page.read_text(encoding="utf-8") for page in pages}
    for notebook in (root / "notebooks").glob("*.ipynb"):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        texts[notebook.name] = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return texts


def test_no_page_example_or_notebook_imports_from_deeper_than_a_room() -> None:
    rooms = {"llama_index_prod_rag.retrievers.elasticsearch"}
    found = {(page, module) for page, text in _texts_for_users().items() for module in _IMPORT.findall(text)}
    assert len(found) > 40
    assert {(page, module) for page, module in found if module.count(".") > 1 and module not in rooms} == set()


@pytest.mark.parametrize("room", sorted(path.name for path in Path(llama_index_prod_rag.__file__).parent.iterdir()))
def test_every_public_name_of_a_room_is_there(room: str) -> None:
    if not (Path(llama_index_prod_rag.__file__).parent / room / "__init__.py").is_file():
        return
    module = import_module(f"llama_index_prod_rag.{room}")
    for name in getattr(module, "__all__", ()):
        assert getattr(module, name) is not None
