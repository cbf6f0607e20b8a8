"""Files of rows, records and lines as people keep them, made from a few handwritten words by a seeded generator.

A `Table` says what its rows are about and what people ask of them; it becomes a Markdown or HTML table, CSV, JSON,
YAML, a configuration, Python, TypeScript or a log. Nothing in it is anybody's data.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

_DRAWN = re.compile(r"\{(?:(\d+)-(\d+)(?::(\d+))?|([^{}]+))\}")


@dataclass(frozen=True, slots=True)
class Table:
    """One file of records that are alike.

    Attributes:
        file: its name in the folder.
        form: how it is written, a key of `WRITERS`.
        title: what it is about, written where the form has a place for it.
        kind: what a record is about; the name of the first column.
        entities: the records' names.
        absent: names of the same kind that no record has.
        columns: column -> how its values are drawn: `{10-90:5}` a number, `{a|b}` one of several.
        asks: (question with `{}` for the name, the column that answers it).
        beyond: questions of the same kind about what no column says.
    """

    file: str
    form: str
    title: str
    kind: str
    entities: str
    absent: str
    columns: Mapping[str, str]
    asks: Sequence[tuple[str, str]]
    beyond: Sequence[str]


@dataclass(frozen=True, slots=True)
class Special:
    """A question that no table's pattern makes: a word, a list, yes or no, a story before the question.

    Attributes:
        kind: `one word`, `list`, `yes or no`, `typo`, `long`, or `prose`.
        text: the question; `{table.entity.column}` stands for what the file says there.
        answer: what the right passage says; empty where the folder does not answer.
    """

    kind: str
    text: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """A folder: tables, a few files of prose, and what is asked of it besides.

    Attributes:
        name: the folder's.
        tables: its files of records.
        prose: file name -> text.
        specials: questions besides those of the tables.
    """

    name: str
    tables: Sequence[Table]
    prose: Mapping[str, str] = field(default_factory=dict)
    specials: Sequence[Special] = ()


Records = list[dict[str, str]]


def draw_records(table: Table, seed: int) -> Records:
    """Draw the values of a table; the same for the same seed, whatever else is drawn."""
    draws = random.Random(f"{seed} {table.file} {table.title}")
    return [
        {table.kind: entity, **{column: _draw(how, draws) for column, how in table.columns.items()}}
        for entity in split_names(table.entities)
    ]


def split_names(names: str) -> list[str]:
    """Split names that are listed with commas."""
    return [name.strip() for name in names.split(",")]


def _draw(how: str, draws: random.Random) -> str:
    def one(match: re.Match[str]) -> str:
        low, high, step, choices = match.groups()
        if choices:
            return draws.choice(str(choices).split("|"))
        digits = len(low) if low.startswith("0") else 0
        return str(draws.randrange(int(low), int(high) + 1, int(step or 1))).zfill(digits)

    return _DRAWN.sub(one, how)


def write(table: Table, records: Records) -> str:
    """Write a table's file."""
    return WRITERS[table.form](table, records)


def _markdown(table: Table, records: Records) -> str:
    columns = list(records[0])
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [f"| {' | '.join(record.values())} |" for record in records]
    return f"# {table.title}\n\nKept by the office; changes are announced a month before.\n\n" + "\n".join(lines) + "\n"


def _html(table: Table, records: Records) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in records[0])
    rows = ["".join(f"<td>{escape(value)}</td>" for value in record.values()) for record in records]
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    title = escape(table.title)
    return (
        f"<!doctype html>\n<html><head><title>{title}</title></head>\n<body><h1>{title}</h1>\n"
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</body></html>\n"
    )


def _csv(table: Table, records: Records) -> str:
    del table
    rows = [list(map(snake, records[0])), *(list(record.values()) for record in records)]
    return "".join(",".join(f'"{cell}"' if "," in cell else cell for cell in row) + "\n" for row in rows)


def _json(table: Table, records: Records) -> str:
    rows = [{snake(name): _number(value) for name, value in record.items()} for record in records]
    return json.dumps({snake(table.title): rows}, indent=2, ensure_ascii=False) + "\n"


def _json_lines(table: Table, records: Records) -> str:
    del table
    rows = [{snake(name): _number(value) for name, value in record.items()} for record in records]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _number(value: str) -> str | int:
    return int(value) if value.isdecimal() and not value.startswith("0") else value


def _yaml_list(table: Table, records: Records) -> str:
    lines = [f"# {table.title}", f"{snake(table.title)}:"]
    for record in records:
        for place, (name, value) in enumerate(record.items()):
            lines.append(f"  {'-' if place == 0 else ' '} {snake(name)}: {value}")
    return "\n".join(lines) + "\n"


def _yaml_tree(table: Table, records: Records) -> str:
    lines = [f"{snake(table.title)}:"]
    for record in records:
        name, *rest = record.items()
        lines.append(f"  {kebab(name[1])}:")
        lines += [f"    {snake(column)}: {value}" for column, value in rest]
    return "\n".join(lines) + "\n"


def _ini(table: Table, records: Records) -> str:
    lines = [f"; {table.title}"]
    for record in records:
        name, *rest = record.items()
        lines += ["", f"[{kebab(name[1])}]", *(f"{snake(column)} = {value}" for column, value in rest)]
    return "\n".join(lines) + "\n"


def _toml(table: Table, records: Records) -> str:
    lines = [f"# {table.title}"]
    for record in records:
        name, *rest = record.items()
        lines += ["", f"[{snake(table.kind)}.{kebab(name[1])}]"]
        lines += [f"{snake(column)} = {json.dumps(_number(value), ensure_ascii=False)}" for column, value in rest]
    return "\n".join(lines) + "\n"


def _python(table: Table, records: Records) -> str:
    kind = pascal(table.kind)
    lines = [f'"""{table.title}."""', "", "from dataclasses import dataclass", "", "", "@dataclass(frozen=True)"]
    lines += [f"class {kind}:", f'    """What every {table.kind} says about itself."""', ""]
    lines += [f"    {snake(column)}: {_python_type(records[0][column])}" for column in table.columns]
    for record in records:
        name, *rest = record.items()
        values = ", ".join(f"{snake(column)}={json.dumps(_number(value))}" for column, value in rest)
        lines += ["", "", f"def {snake(name[1])}_{snake(table.kind)}() -> {kind}:"]
        lines += [f'    """Make the {table.kind} for {name[1]}."""', f"    return {kind}({values})"]
    return "\n".join(lines) + "\n"


def _python_type(value: str) -> str:
    return type(_number(value)).__name__


def _typescript(table: Table, records: Records) -> str:
    kind = pascal(table.kind)
    fields = [
        f"  {camel(column)}: {'number' if isinstance(_number(records[0][column]), int) else 'string'};"
        for column in table.columns
    ]
    lines = [f"// {table.title}.", f"export interface {kind} {{", *fields, "}", ""]
    for record in records:
        name, *rest = record.items()
        values = [f"  {camel(column)}: {json.dumps(_number(value))}," for column, value in rest]
        lines += [f"export const {camel(name[1])}{kind}: {kind} = {{", *values, "};", ""]
    return "\n".join(lines)


def _log(table: Table, records: Records) -> str:
    draws = random.Random(table.title)
    lines = []
    for place, record in enumerate(records):
        name, *rest = record.items()
        stamp = (
            f"2026-03-{place // 4 + 2:02} {draws.randrange(24):02}:{draws.randrange(60):02}:{draws.randrange(60):02}"
        )
        said = ", ".join(f"{column} {value}" for column, value in rest)
        level = draws.choice(("INFO", "INFO", "INFO", "WARN"))
        lines.append(f"{stamp} {level} {snake(table.title)}: {table.kind} {kebab(name[1])} done, {said}")
        lines.append(f"{stamp} DEBUG {snake(table.title)}: {draws.randrange(900)} entries flushed")
    return "\n".join(lines) + "\n"


WRITERS: Mapping[str, Callable[[Table, Records], str]] = {
    "markdown": _markdown,
    "html": _html,
    "csv": _csv,
    "json": _json,
    "json lines": _json_lines,
    "yaml list": _yaml_list,
    "yaml tree": _yaml_tree,
    "ini": _ini,
    "toml": _toml,
    "python": _python,
    "typescript": _typescript,
    "log": _log,
}


def snake(words: str) -> str:
    """Write words as `snake_case`."""
    return "_".join(re.findall(r"\w+", words.lower()))


def kebab(words: str) -> str:
    """Write words as `kebab-case`."""
    return "-".join(re.findall(r"\w+", words.lower()))


def pascal(words: str) -> str:
    """Write words as `PascalCase`."""
    return "".join(map(str.capitalize, re.findall(r"\w+", words)))


def camel(words: str) -> str:
    """Write words as `camelCase`."""
    name = pascal(words)
    return name[:1].lower() + name[1:]
