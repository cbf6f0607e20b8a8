"""Records of data, and what a model reads of them."""

from __future__ import annotations

import time

import pytest

from llama_index_prod_rag.text.pieces import split_pieces, structured_pieces


def read(text: str, table_header: str = "") -> list[str]:
    pieces = structured_pieces(text, table_header)
    assert all(0 <= piece.start < piece.end <= len(text) for piece in pieces)
    return [piece.reading for piece in pieces]


SERVICES = "services:\n  billing:\n    port: 9800\n    replicas: 5\n  search:\n    port: 9722\n"
CARDS = (
    '{\n  "cards": [\n    {\n      "holder": "sales",\n      "monthly_limit": 700\n    },\n'
    '    {\n      "holder": "press"\n    }\n  ]\n}'
)
ROUTES = (
    'export const loginRoute: Route = {\n  path: "/login",\n  maxItems: 90,\n};\n\n'
    'export const homeRoute: Route = {\n  path: "/",\n};'
)


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        (SERVICES, ["services, billing: port: 9800; replicas: 5", "services, search: port: 9722"]),
        ("rules:\n  - kind: hotel\n    limit: 220\n  - kind: train\n    limit: 100\n",
         ["rules: kind: hotel; limit: 220", "rules: kind: train; limit: 100"]),
        (CARDS, ["cards: holder: sales; monthly limit: 700", "cards: holder: press"]),
        ('    {\n      "holder": "sales"\n    },\n    {\n      "holder": "press"\n    }\n  ]\n}',
         ["holder: sales", "holder: press"]),
        ("[alert.disk-full]\nthreshold = 74\nseverity = \"page\"\n\n[alert.door]\nthreshold = 9\n",
         ["alert disk-full: threshold: 74; severity: page", "alert door: threshold: 9"]),
        (ROUTES, ["login Route: path: /login; max Items: 90", "home Route: path: /"]),
        ('{"job": "sync", "time_out": 30}\n{"job": "purge", "time_out": 60}',
         ["job: sync; time out: 30", "job: purge; time out: 60"]),
    ],
    ids=["YAML tree", "YAML list", "JSON", "JSON cut in two", "TOML", "TypeScript", "JSON Lines"],
)  # fmt: skip
def test_a_record_is_read_with_what_stands_above_it(text: str, readings: list[str]) -> None:
    assert read(text) == readings


def test_a_small_record_keeps_what_is_nested_in_it() -> None:
    pod = "- name: web\n  limits:\n    cpu: 2\n    memory: 4\n- name: job\n  limits:\n    cpu: 1\n"
    assert read(pod) == ["name: web; limits: cpu: 2; memory: 4", "name: job; limits: cpu: 1"]


def test_a_function_stays_whole_with_its_blank_lines_and_decorators() -> None:
    code = (
        "@retry\ndef turn_key(key):\n    first = key.first\n\n    if first:\n        return key.turn()\n    return None"
    )
    other = "def other():\n    return 1"
    assert [code, other] == [
        f"{code}\n\n\n{other}\n"[piece.start : piece.end] for piece in structured_pieces(f"{code}\n\n\n{other}\n")
    ]
    assert "def turn key(key):" in read(code)[0]


def test_of_many_settings_each_line_is_one() -> None:
    assert read("".join(f"KEY_{number}={number}\n" for number in range(12)))[3] == "KEY 3: 3"


def test_a_trace_belongs_to_its_log_line() -> None:
    log = "2026-03-02 10:00:00 ERROR sync failed\n  at run (sync.ts:3)\n2026-03-02 10:00:01 INFO retried"
    assert read(log) == [
        "2026-03-02 10:00:00 ERROR sync failed\n  at run (sync.ts:3)",
        "2026-03-02 10:00:01 INFO retried",
    ]


@pytest.mark.parametrize(
    ("text", "header", "reading"),
    [
        ("vehicle | rate\n\nvan | 0.80\nbicycle | 0.90", "", "vehicle: van; rate: 0.80"),
        ("van | 0.80\nbicycle | 0.90", "vehicle | rate", "vehicle: van; rate: 0.80"),
        ("| van | 0.80 |\n| bicycle | 0.90 |", "| vehicle | rate |", "vehicle: van; rate: 0.80"),
        ("van,0.80\nbicycle,0.90", "vehicle,rate_per_km", "vehicle: van; rate per km: 0.80"),
    ],
    ids=["header apart", "rendered, cut in two", "Markdown, cut in two", "CSV, cut in two"],
)
def test_rows_find_their_header(text: str, header: str, reading: str) -> None:
    assert read(text, header)[0] == reading
    assert len(read(text, header)) == 2


def test_nesting_without_end_costs_no_time_and_loses_nothing() -> None:
    stairs = "".join(f"{' ' * level}key{level}:\n" for level in range(600)) + " " * 600 + "port: 1"
    began = time.process_time()
    pieces = structured_pieces(stairs)
    assert time.process_time() - began < 5.0
    assert pieces[-1].end == len(stairs)


@pytest.mark.parametrize(
    "prose",
    [
        "The hall is open. Nobody works alone after eight: bring a colleague.",
        "# Spills\n\n- Cover: use the grey granulate.\n- Report: call the desk.\n\nThen wash your hands.",
        "On 2026-03-02 we moved. The new hall has a lift.",
    ],
)
def test_prose_has_no_records(prose: str) -> None:
    assert structured_pieces(prose) == []
    assert all(piece.prose for piece in split_pieces(prose))
