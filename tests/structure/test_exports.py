"""What other programs export as JSON: docling's documents and chats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from llama_index.core import Document

from llama_index_prod_rag import DocumentAwareNodeParser
from llama_index_prod_rag.structure import Block, check_tree, detect_format
from llama_index_prod_rag.structure.chat import read_chat
from llama_index_prod_rag.structure.docling import read_docling
from llama_index_prod_rag.structure.view import View

PILOTS = (Path(__file__).parent / "gold" / "pilots.docling").read_text(encoding="utf-8")
"""Written by docling-core 2.104."""


def view_of(read: View | Block) -> View:
    assert isinstance(read, View)
    check_tree(read.root, read.text)
    return read


def test_a_docling_document_reads_in_its_order_without_running_heads() -> None:
    view = view_of(read_docling(PILOTS))
    assert view.text.startswith("Order on pilots\n\nThis order says")
    assert "Port of Westhaven" not in view.text
    assert "3 of 3" not in view.text
    assert "The call is made on channel 14 six hours before" in view.text
    kinds = [block.kind for block in view.root.walk()]
    assert {"list", "item", "table", "table_header", "row", "code", "caption"} <= set(kinds)
    table = next(block for block in view.root.walk() if block.kind == "table")
    assert table.metadata == {"table_header": "| Length of the ship | Fee by day | Fee by night |"}
    assert view.text[table.start : table.end].splitlines()[1] == "| up to sixty metres | 210 crowns | 290 crowns |"


def test_nodes_of_a_docling_document_know_their_pages_and_their_place_in_the_file() -> None:
    nodes = DocumentAwareNodeParser(chunk_size=90, tokenizer="simple")(
        [Document(text=PILOTS, metadata={"file_name": "pilots.json"})]
    )
    pages = [node.metadata["page_label"] for node in nodes]
    assert (pages[0], pages[-1]) == ("1", "3")
    assert all("page_label" in node.excluded_embed_metadata_keys for node in nodes)
    table = next(node for node in nodes if "340 crowns" in node.text)
    assert (table.metadata["page_label"], table.metadata["headings"]) == ("2", "Order on pilots > What a pilot costs")
    last = next(node for node in nodes if "draught" in node.text)
    assert "draught" in PILOTS[last.start_char_idx : last.end_char_idx]
    rows = next(node for node in nodes if "640 crowns" in node.text)
    assert "640 crowns" in PILOTS[rows.start_char_idx : rows.end_char_idx]


@pytest.mark.parametrize(
    "text",
    [
        '{"schema_name": "DoclingDocument"}',
        '{"schema_name": "DoclingDocument", "body": {"children": [{"$ref": "#/texts/9"}, {}, 3]}, "texts": [null]}',
        '{"schema_name": "DoclingDocument", "body": {"children": [{"$ref": "#/groups/0"}]}, '
        '"groups": [{"label": "list", "children": [{"$ref": "#/groups/0"}]}]}',
        '{"schema_name": "DoclingDocument", "body": {"children": [{"$ref": "#/tables/0"}]}, '
        '"tables": [{"data": {"table_cells": [{"text": "a", "start_row_offset_idx": -1}]}}]}',
        '{"schema_name": "DoclingDocument", "body": {"children": [{"$ref": "#/texts/0"}]}, "texts": [{"data": 5}]}',
        '{"schema_name": "DoclingDocument", "body": {"children": [{"$ref": "#/tables/0"}]}, "tables": [{"data": '
        '{"num_cols": 9000000000, "table_cells": [{"text": "a", "start_col_offset_idx": 9000000000}]}}]}',
        '{"schema_name": "DoclingDocument", "body": {"children": [{"$ref": "#/texts/0"}]}, '
        '"texts": [{"label": ["text"], "content_layer": {}, "text": "a"}]}',
        '{"schema_name": "DoclingDocument", "body":',
    ],
)
def test_a_broken_docling_document_is_read_somehow(text: str) -> None:
    read = read_docling(text)
    if isinstance(read, View):
        check_tree(read.root, read.text)
    else:
        assert (read.start, read.end) == (0, len(text))


def test_the_fields_of_a_form_are_read() -> None:
    cells = [{"label": "key", "text": "Name:"}, {"label": "value", "text": "Ann Lee"}]
    form = {"label": "key_value_region", "prov": [{"page_no": 4}], "graph": {"cells": cells}}
    body = {"children": [{"$ref": "#/key_value_items/0"}]}
    document = {"schema_name": "DoclingDocument", "body": body, "key_value_items": [form]}
    view = view_of(read_docling(json.dumps(document)))
    assert (view.text, view.facts(0, 5)) == ("Name:\nAnn Lee", {"page_label": "4"})


def ann(**more: object) -> dict[str, object]:
    return {"type": "message", "user": "U1", "user_profile": {"real_name": "Ann Lee", "name": "al"}, **more}


SLACK = [
    ann(text="Deploy at noon", ts="1700000000.000100", client_msg_id="a-b"),
    ann(text="", ts="1700000060.0", files=[{"name": "log.txt", "title": "Log of the night"}]),
]
TELEGRAM = {
    "name": "Choir",
    "messages": [
        {
            "id": 1,
            "type": "message",
            "date": "2024-01-01T10:00:00",
            "from": "Ann",
            "text": ["See ", {"text": "x.org"}, " a"],
        },
        {"id": 2, "type": "message", "date": "2024-01-01T10:01:00", "from": "Bob", "text": "Thanks!"},
    ],
}
TURNS = {
    "a": {"message": None},
    "b": {"message": {"author": {"role": "user"}, "create_time": 1700000000.5, "content": {"parts": ["It squeaks"]}}},
    "c": {"message": {"author": {"role": "assistant"}, "content": {"parts": ["# Steps\n\n1. Oil it."]}}},
}
CHATGPT = [{"title": "Loom repair", "create_time": 1.0, "mapping": TURNS}]
CLAUDE = [
    {
        "name": "Dyeing",
        "chat_messages": [
            {"text": "What dyes?", "content": [{"type": "text", "text": "What dyes?"}], "sender": "human"},
            {"text": "Madder.", "sender": "assistant", "created_at": "2024-05-01T10:00:09+02:00"},
        ],
    }
]
TEAMS = {
    "value": [
        {
            "createdDateTime": "2024-01-01T10:00:00Z",
            "from": {"user": {"displayName": "Ann"}},
            "body": {"content": "Ten"},
        }
    ]
}
MESSENGER = {"title": "Ann", "messages": [{"sender_name": "Bob", "timestamp_ms": 1700000000123, "content": "Bye"}]}
LINES = '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes."}]}\n' * 2


@pytest.mark.parametrize(
    ("export", "shown"),
    [
        (SLACK, "Ann Lee (2023-11-14 22:13): Deploy at noon\n\nAnn Lee (2023-11-14 22:14): Log of the night\nlog.txt"),
        (TELEGRAM, "Choir\n\nAnn (2024-01-01 10:00): See x.org a\n\nBob (2024-01-01 10:01): Thanks!"),
        (CHATGPT, "Loom repair\n\nuser (2023-11-14 22:13): It squeaks\n\nassistant: # Steps\n\n1. Oil it."),
        (CLAUDE, "Dyeing\n\nhuman: What dyes?\n\nassistant (2024-05-01 10:00+02:00): Madder."),
        (TEAMS, "Ann (2024-01-01 10:00): Ten"),
        (MESSENGER, "Ann\n\nBob (2023-11-14 22:13): Bye"),
        (LINES, "user: Hi\n\nassistant: Yes.\n\nuser: Hi\n\nassistant: Yes."),
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_exports_read_as_who_said_what_when(export: object, shown: str, indent: int | None) -> None:
    text = export if isinstance(export, str) else json.dumps(export, indent=indent)
    assert detect_format(text, {}) == detect_format(text, {"file_name": "a.json"}) == ("chat", None)
    assert view_of(read_chat(text)).text == shown


def test_messages_stay_whole_and_chunks_know_who_speaks_when() -> None:
    words = "so it is with cloth and yarn of all kinds here"
    talk = [{"author": f"P{n % 3}", "ts": 1_700_000_000 + 60 * n, "text": f'"{n}" {words}'} for n in range(30)]
    text = json.dumps(talk)
    nodes = DocumentAwareNodeParser(chunk_size=90, tokenizer="simple")([Document(text=text)])
    assert len(nodes) > 5
    assert all(node.text.startswith("P") and node.text.endswith("here") for node in nodes)
    first = nodes[0].metadata
    assert (first["authors"], first["date"]) == (["P0", "P1"], "2023-11-14 22:13")
    assert all(text[node.start_char_idx :].startswith('\\"') for node in nodes)


def test_a_long_message_is_cut_at_its_paragraphs_and_keeps_its_author() -> None:
    said = "\n\n".join(f"Part {n}: " + "words of it " * 12 for n in range(5)) + "\n\n```python\nx = 1\ny = 2\n```"
    nodes = DocumentAwareNodeParser(chunk_size=90, tokenizer="simple")(
        [Document(text=json.dumps([{"role": "user", "content": "Go"}, {"role": "assistant", "content": said}]))]
    )
    assert all(node.metadata["authors"][-1] == "assistant" for node in nodes[1:])
    assert [node.text.count("Part") for node in nodes if "Part" in node.text] != [5]
    assert any("x = 1\ny = 2" in node.text for node in nodes)


@pytest.mark.parametrize(
    "value",
    [
        {"name": "x", "author": "Ann", "version": "1", "description": "A tool for text", "content": ["a"], "date": "1"},
        [{"user": {"login": "ann"}, "title": "It breaks when I press", "body": "On Linux", "created_at": "2024"}] * 3,
        [{"author": "A. Lee", "date": "2024", "headline": "A long headline of it", "content": "Body."}] * 3,
        {"messages": [{"from": "a", "text": 3, "date": 1}]},
        [{"user": "ann", "date": "2024", "product": "Drill", "price": 12.5, "message": "Please gift wrap"}] * 3,
        [{"user": "ann", "timestamp": "2024", "level": "ERROR", "message": "payment failed", "order": "A-1"}] * 3,
        [{"author": "ann", "date": "2024", "rating": 4, "text": "A nice drill."}] * 3,
    ],
)
def test_other_records_lose_nothing_to_the_reader_of_chats(value: object) -> None:
    text = json.dumps(value, indent=1)
    nodes = DocumentAwareNodeParser(chunk_size=60, tokenizer="simple")([Document(text=text)])
    kept = "".join("".join(node.text.split()) for node in nodes)
    assert all(word in kept for word in text.split())


@pytest.mark.parametrize("date", [12.5, 2024, 20240301])
def test_a_number_that_is_no_time_of_a_clock_stays_as_it_is(date: float) -> None:
    export = [{"speaker": "Ann", "timestamp": date, "text": "Hello."}]
    assert view_of(read_chat(json.dumps(export))).text == f"Ann ({date}): Hello."


def test_the_caption_of_code_follows_it() -> None:
    body = {"children": [{"$ref": "#/texts/0"}]}
    code = {"label": "code", "text": "x = 1", "captions": [{"$ref": "#/texts/1"}]}
    caption = {"label": "caption", "text": "Listing 1"}
    document = {"schema_name": "DoclingDocument", "body": body, "texts": [code, caption]}
    view = view_of(read_docling(json.dumps(document)))
    assert view.text == "x = 1\n\nListing 1"
    check_tree(view.root, view.text)


def test_a_docling_document_without_an_order_loses_nothing() -> None:
    document = {
        "schema_name": "DoclingDocument",
        "body": {"children": []},
        "texts": [{"label": "text", "text": "Owls."}],
    }
    assert view_of(read_docling(json.dumps(document))).text == "Owls."


def test_answers_within_a_message_follow_it() -> None:
    inner = {"author": "Cy", "date": "2024", "text": "Thanks."}
    answer = {"author": "Bob", "date": "2024", "text": "Here they are.", "replies": [inner]}
    export = [{"author": "Ann", "date": "2024", "text": "Who has the keys?", "replies": [answer]}, ann(text="Good.")]
    said = view_of(read_chat(json.dumps(export))).text.split("\n\n")
    assert [line.partition(": ")[2] for line in said] == ["Who has the keys?", "Here they are.", "Thanks.", "Good."]


def test_words_of_other_lists_beside_the_messages_are_kept() -> None:
    talk = [{"role": "user", "content": "Hi."}]
    tickets = [{"id": 1, "summary": "Fix the lock of the door"}]
    text = "An introduction to all of it"
    for export in (
        {"messages": talk, "text": text, "tickets": tickets},
        [{"chat": talk}, {"tickets": tickets, "t": text}],
    ):
        shown = view_of(read_chat(json.dumps(export))).text
        assert all(words in shown for words in ("user: Hi.", text, "Fix the lock of the door"))


def test_words_beside_the_messages_are_kept() -> None:
    talk = [{"role": "user", "content": f"Question {n}"} for n in range(20)]
    export = {"title": "Looms", "summary": "They ask about looms", "messages": [*talk, {"text": "No one says this"}]}
    talk[3]["note"] = "a note by hand"
    text = view_of(read_chat(json.dumps(export))).text
    assert text.startswith("Looms\n\nThey ask about looms\n\nuser: Question 0")
    assert "user: Question 3\na note by hand" in text
    assert text.endswith("\n\nNo one says this")
