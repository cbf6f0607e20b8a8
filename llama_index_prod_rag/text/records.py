"""Records of data and blocks of code, told by their indentation: JSON, YAML, settings, functions. Core: strings.

A record is a mapping that holds values (and not only other mappings), or a function as a whole. What stands above it
(`services`, `billing`) belongs to its meaning: a model reads "services, billing: port: 9800; replicas: 5".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

Line: TypeAlias = tuple[int, str]
"""Place of a line's first character, and the line without its end."""

_Group: TypeAlias = tuple[Line, list[Line]]
_Path: TypeAlias = tuple[str, ...]

SECTION = re.compile(r"\s*\[\[?[\w.\"' :/-]+\]?\]\s*$")
_CLOSER = re.compile(r"\s*[)\]}]+[;,]*\s*$")
_ANNOTATION = re.compile(r"\s*(?:@|#|//|/\*|\*|--|;)")
_FUNCTION = re.compile(r"\b(?:def|func|fn|function)\b|\)\s*(?::\s*[^=]*|->[^:]*)?[:{]\s*$")
_ENTRY = re.compile(r"\s*[\"']?([^\"':={}\[\]()]+?)[\"']?\s*[:=]\s*(.*)$")
# `export const limits: Limits = {` says no more about its entries than `limits` does.
_DECLARED = re.compile(
    r"\s*(?:(?:export|const|let|var|public|private|static|final|readonly|interface|type|enum|class)\s+)+([\w.]+).*[{\[(]\s*$"
)
_WORDS = re.compile(r"(?<=[^\W\d_])_+(?=[^\W_])|(?<=[^\W_])_+(?=[^\W\d_])|(?<=[a-z])(?=[A-Z][a-z])")
_SMALL = 400  # characters of a record that is left whole with the mappings in it
_FEW = 8  # settings in a row that are read together; of more each is one by itself
_DEEPEST = 20  # levels of nesting; data of people has five, and each level reads its lines again
_LONGEST_NAME = 60  # characters of what stands above a record


def split_words(text: str) -> str:
    """Take identifiers apart: a model reads `cacheSeconds` as two words only where they are two.

    Examples:
        >>> split_words("cacheSeconds of order_history")
        'cache Seconds of order history'
    """
    return _WORDS.sub(" ", text)


def find_records(
    lines: Sequence[Line], longest: int, path: _Path = (), *, depth: int = 0
) -> Iterator[tuple[_Path, list[Line]]]:
    """Find the records of a stretch of data or code, in order.

    Args:
        lines: the stretch; blank lines are left out of records' ends.
        longest: characters of a record that is not taken apart any further.
        path: what stands above it.
        depth: levels above it; below the twentieth nothing is taken apart.

    Returns:
        For each record what stands above it, from the outside in, and its lines.
    """
    alone: list[Line] = []
    for head, body in _group(lines):
        if not body:
            alone.append(head)
            continue
        yield from _settings(alone, path)
        alone = []
        if depth < _DEEPEST and _goes_deeper(head, body, longest):
            yield from find_records(body, longest, (*path, *_name(head, body)), depth=depth + 1)
        else:
            yield path, [head, *body]
    yield from _settings(alone, path)


def read_record(path: _Path, lines: Sequence[Line]) -> str:
    r"""Write a record as a model should read it: what stands above it, then its entries without their marks.

    Examples:
        >>> read_record(("services",), [(0, "billing:"), (9, "  port: 9800"), (22, "  dailyLimit: 5")])
        'services, billing: port: 9800; daily Limit: 5'
        >>> read_record((), [(0, "def turn(key):"), (15, "    return key.turned_by")])
        'def turn(key):\n    return key.turned by'
    """
    first = next((line for _, line in lines if not _ANNOTATION.match(line)), "")
    if _FUNCTION.search(first):
        return split_words("\n".join(line for _, line in lines)).strip()
    entries = [entry for _, line in lines if (entry := _read_entry(line))]
    head = ", ".join(path)
    if len(entries) > 1 and entries[0].endswith(":"):
        head = ", ".join((*path, entries.pop(0)[:-1]))
    said = "; ".join(entries).replace(":; ", ": ")
    return split_words(f"{head}: {said}" if head else said)


def _read_entry(line: str) -> str:
    """A line without quotation marks, brackets and commas; nothing where those are all of it."""
    if SECTION.match(line):
        return line.strip("[] \t").replace(".", " ") + ":"
    if (declared := _DECLARED.match(line)) is not None:
        return f"{declared.group(1)}:"
    bare = line.strip().removeprefix("- ").rstrip(",;")
    entry = _ENTRY.match(bare)
    if entry is not None:
        name, value = entry.group(1).strip(), entry.group(2).strip().rstrip("{[").strip()
        return f"{name}: {value.strip(_QUOTES)}" if value else f"{name}:"
    return bare.strip("{}[]() ")


_QUOTES = "\"'"


def _group(lines: Sequence[Line]) -> list[_Group]:
    """Lines of the least indentation, each with what stands below it: deeper lines, closing brackets, its section."""
    filled = [line for line in lines if line[1].strip()]
    opening = [line for line in filled if not _CLOSER.match(line[1])]
    if not opening:
        return []
    least = min(_indent(text) for _, text in opening)
    sections = any(SECTION.match(text) for _, text in opening)
    groups: list[list[Line]] = []
    waiting = False  # for what an annotation or a comment stands above
    for line in filled:
        text = line[1]
        begins = _indent(text) <= least and not _CLOSER.match(text) and (not sections or bool(SECTION.match(text)))
        if groups and (waiting or not begins):
            groups[-1].append(line)
        else:
            groups.append([line])
        waiting = (waiting or begins or len(groups[-1]) == 1) and bool(_ANNOTATION.match(text)) and not sections
    return [(group[0], group[1:]) for group in groups if not _CLOSER.match(group[0][1])]


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _goes_deeper(head: Line, body: Sequence[Line], longest: int) -> bool:
    """Whether the entries below a line are records themselves."""
    groups = _group(body)
    nested = sum(bool(below) for _, below in groups)
    if not nested:
        return False
    size = body[-1][0] + len(body[-1][1]) - head[0]
    if size > longest:
        return True
    if _FUNCTION.search(head[1]) or _ANNOTATION.match(head[1]):
        return False
    said = _read_entry(head[1])
    has_values = nested < len(groups) or bool(said and not said.endswith(":"))
    return size > _SMALL or not has_values


def _name(head: Line, body: Sequence[Line]) -> _Path:
    """What a line calls what stands below it; a bare bracket says nothing, but its first entry may."""
    said = _read_entry(head[1]) or (_read_entry(body[0][1]) if len(_group(body)) > 1 and not _group(body)[0][1] else "")
    name = said.rstrip(":").strip()
    return (name[:_LONGEST_NAME],) if name else ()


def _settings(lines: Sequence[Line], path: _Path) -> Iterator[tuple[_Path, list[Line]]]:
    """Entries of one level: few of them say something together."""
    if len(lines) > _FEW:
        yield from ((path, [line]) for line in lines)
    elif lines:
        yield path, list(lines)
