"""What goes with a chunk's text: headings, facts and metadata, and how much of the budget they take. Core: strings.

A document's `Envelope` is data: its metadata and the templates that put metadata around a text. From it and the tree
follow the `Head`s, one for each place of the tree that has headings or facts of its own; all are counted in one batch
before anything is cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.text.tokens import TokenCounter

Path = tuple[str, ...]

HEADING_PATH = "heading_path"
"""Metadata key of the heading path as a list; never embedded."""

HEADINGS = "headings"
"""Metadata key of the heading path as people read it; embedded with the text."""

SEPARATOR = " > "
_FOR_FILTERS = frozenset({HEADING_PATH, "numbering"})
"""Keys that repeat in lists what `headings` says: never embedded, never shown to a language model."""

_PREFIX = "chunk_"
"""Leads our keys where the document has one of the same name: `chunk_language`."""

_METADATA_SHARE = 2  # metadata may take half of the chunk size: at least as much must be left for the text
_LONGEST_TITLE = 300  # characters of a step of the path; a caption of a law has a hundred, a long question two hundred
_HEADINGS_SHARE = 4  # and headings a quarter, so that they do not drive out all other metadata


@dataclass(frozen=True, slots=True)
class Envelope:
    r"""What is embedded around the text of a document's chunks, with LlamaIndex's templates as defaults.

    Attributes:
        metadata: the document's own.
        excluded: keys that are not embedded.
        embed_headings: whether the heading path is embedded.
        metadata_template: one entry, with `{key}` and `{value}`.
        metadata_separator: what stands between entries.
        text_template: the whole, with `{metadata_str}` and `{content}`.

    Examples:
        >>> Envelope({"title": "Birds"}).embedded("Owls hunt.", {"title": "Birds"})
        'title: Birds\n\nOwls hunt.'
    """

    metadata: Mapping[str, object] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    embed_headings: bool = True
    metadata_template: str = "{key}: {value}"
    metadata_separator: str = "\n"
    text_template: str = "{metadata_str}\n\n{content}"

    def embedded(self, text: str, shown: Mapping[str, object]) -> str:
        """Put the metadata that is embedded around a text, as LlamaIndex does."""
        entries = [self.metadata_template.format(key=key, value=str(value)) for key, value in shown.items()]
        metadata = self.metadata_separator.join(entries).strip()
        return self.text_template.format(content=text, metadata_str=metadata).strip() if metadata else text


@dataclass(frozen=True, slots=True)
class Head:
    """What goes with the text of chunks that lie in one place of the tree.

    Attributes:
        path: headings above, outermost first.
        metadata: all of it: the document's, the heading path, the facts of the blocks around.
        unembedded: keys that are not embedded.
        hidden: keys that are not shown to a language model.
        too_long: those of them that were left out because metadata took too much of the budget, longest first.
        tokens: what the rest takes.
    """

    path: Path
    metadata: Mapping[str, object]
    unembedded: frozenset[str]
    hidden: frozenset[str] = frozenset()
    too_long: tuple[str, ...] = ()
    tokens: int = 0

    @property
    def shown(self) -> dict[str, object]:
        """Keep only the metadata that is embedded with the text."""
        return {key: value for key, value in self.metadata.items() if key not in self.unembedded}


def plan_heads(root: Block, envelope: Envelope, counter: TokenCounter, chunk_size: int) -> dict[int, Head]:
    """Work out the head of every block of a tree.

    Metadata may take half of the chunk size. Past that, keys leave the embedded text, longest first; their values stay
    in the metadata. A heading path past a quarter loses its outermost steps in `headings` alone.

    Args:
        root: tree of the text's blocks.
        envelope: what is embedded around the text.
        counter: counts tokens.
        chunk_size: most tokens of a chunk with its metadata.

    Returns:
        The head of each block, by the block's `id`.
    """
    places, contexts = _places(root)
    paths = _readable_paths([path for path, _ in contexts], counter, chunk_size // _HEADINGS_SHARE)
    drafts = [_draft(envelope, path, facts, paths[path]) for path, facts in contexts]
    sizes = counter.count([envelope.embedded("", draft.shown) for draft in drafts])
    limit = chunk_size // _METADATA_SHARE
    heads = [
        replace(draft, tokens=size) if size <= limit else _shorten(draft, size, limit, envelope, counter)
        for draft, size in zip(drafts, sizes, strict=True)
    ]
    return {block: heads[number] for block, number in places.items()}


def _places(root: Block) -> tuple[dict[int, int], list[tuple[Path, Mapping[str, object]]]]:
    """Number of the context of each block by identity, and the contexts: headings above and facts, inner ones last."""
    places: dict[int, int] = {}
    numbers: dict[tuple[Path, str], int] = {}
    contexts: list[tuple[Path, Mapping[str, object]]] = []
    stack: list[tuple[Block, Path, Mapping[str, object], int]] = [(root, (), {}, -1)]
    while stack:
        block, path, facts, number = stack.pop()
        if block.title is not None:
            path = (*path, _cut(block.title))
        if block.metadata:
            facts = {**facts, **block.metadata}
        if number < 0 or block.title is not None or block.metadata:
            number = numbers.setdefault((path, repr(facts)), len(contexts))
            if number == len(contexts):
                contexts.append((path, facts))
        places[id(block)] = number
        stack.extend((child, path, facts, number) for child in block.children)
    return places, contexts


def _cut(title: str) -> str:
    """A title as a step of a path; a whole page that somebody marked as a heading would come with every chunk."""
    if len(title) <= _LONGEST_TITLE:
        return title
    begin = title[:_LONGEST_TITLE]
    return f"{begin.rpartition(' ')[0] or begin} …"


def _readable_paths(paths: Sequence[Path], counter: TokenCounter, limit: int) -> dict[Path, str]:
    """Each path as people read it; one that is too long loses its outermost steps."""
    readable = {path: SEPARATOR.join(path) for path in paths}
    sizes = counter.count(list(readable.values()))
    for path, size in zip(list(readable), sizes, strict=True):
        first = 0
        while size > limit and first < len(path) - 1:
            first += 1
            readable[path] = SEPARATOR.join(path[first:])
            size = counter.count([readable[path]])[0]  # noqa: PLW2901 - of the shorter one
    return readable


def _draft(envelope: Envelope, path: Path, facts: Mapping[str, object], readable: str) -> Head:
    """The head with all metadata; the document's own wins, ours takes another name where it would collide."""
    ours = {**facts, **({HEADING_PATH: list(path), HEADINGS: readable} if path else {})}
    names = {key: free_name(key, envelope.metadata) for key in ours}
    metadata = {**envelope.metadata, **{names[key]: value for key, value in ours.items()}}
    hidden = frozenset(names[key] for key in _FOR_FILTERS & ours.keys())
    silent = {names[HEADINGS]} if path and not envelope.embed_headings else set()
    return Head(path, metadata, envelope.excluded | hidden | silent, hidden)


def free_name(key: str, taken: Mapping[str, object]) -> str:
    """Find a name for one of our keys that the document's metadata does not have.

    Examples:
        >>> free_name("language", {"language": "de"})
        'chunk_language'
    """
    while key in taken:
        key = _PREFIX + key
    return key


def _shorten(head: Head, tokens: int, limit: int, envelope: Envelope, counter: TokenCounter) -> Head:
    """The head with keys left out of the embedding, longest first, until the rest is within the limit."""
    too_long: list[str] = []
    for key in sorted(head.shown, key=lambda key: -len(str(head.metadata[key]))):
        if tokens <= limit:
            break
        too_long.append(key)
        head = replace(head, unembedded=head.unembedded | {key})
        tokens = counter.count([envelope.embedded("", head.shown)])[0]
    return replace(head, too_long=tuple(too_long), tokens=tokens)
