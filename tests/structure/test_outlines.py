from __future__ import annotations

import pytest

from llama_index_prod_rag.structure.formats import detect_format, read
from llama_index_prod_rag.structure.tree import check_tree

ORG = """\
#+TITLE: Notes
#+AUTHOR: Ann

* Looms
:PROPERTIES:
:ID: a
:END:
They weave.

** DONE Oil them :shop:
#+BEGIN_SRC sh
* no heading
#+END_SRC

* Reeds
They part threads.
"""
ASCIIDOC = """\
= Looms
:toc:

== Oil

Do this:

[source,sh]
----
== no heading
----

=== How often

Daily.

[NOTE]
====
Be careful.
====

== Reeds ==

They part threads.
"""


@pytest.mark.parametrize(
    ("text", "kind", "titles", "code"),
    [
        (ORG, "org", ["Notes", "Looms", "Oil them", "Reeds"], "#+BEGIN_SRC sh\n* no heading\n#+END_SRC"),
        (ASCIIDOC, "asciidoc", ["Looms", "Oil", "How often", "Reeds"], "----\n== no heading\n----"),
    ],
)
def test_headings_are_told_from_what_blocks_show(text: str, kind: str, titles: list[str], code: str) -> None:
    assert detect_format(text, {}) == (kind, None)
    root = read(text, kind).root
    check_tree(root, text)
    assert [block.title for block in root.walk() if block.title] == titles
    assert code in [text[block.start : block.end] for block in root.walk() if block.kind == "code"]


def test_what_stands_right_above_a_block_is_glued_to_it() -> None:
    glued = [ASCIIDOC[block.start : block.end] for block in read(ASCIIDOC, "asciidoc").root.walk() if block.glued]
    assert {"[source,sh]", "[NOTE]"} <= set(glued)


def test_a_block_that_never_ends_hides_nothing() -> None:
    text = "* One\n#+BEGIN_SRC\nx\n\ny\n"
    root = read(text, "org").root
    assert text[root.children[0].start : root.children[0].end] == text.strip()


def test_a_key_is_no_asciidoc() -> None:
    text = "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
    assert detect_format(text, {"file_name": "loom.tar.asc"})[0] == "lines"
