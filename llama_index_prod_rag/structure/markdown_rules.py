"""Block rules for what CommonMark does not have: front matter, and the code blocks of Liquid and its kin. Core.

Site builders (Jekyll, Hugo, Hexo, Docusaurus) take these out before Markdown sees them; so does this reader.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

_FENCES = {"---": re.compile(r"(?:---+|\.\.\.)\s*"), "+++": re.compile(r"\+\+\++\s*")}
# Liquid's tags around code, as Jekyll and its like read them: `{% highlight python %}`.
_CODE_TAG = re.compile(r"\s{0,3}\{%-?\s*(highlight|codeblock|prism|code)\b\s*(?P<rest>[^%]*?)-?%\}\s*")
_UNCLOSED = "liquid_unclosed"
_TITLE = re.compile(r"^(?:title|\"title\")[ \t]*[:=][ \t]*(?P<title>\S.*?)[ \t]*$", re.MULTILINE)
# A title in lines of its own, below `>` or `|`.
_FOLDED = re.compile(r"[|>][-+]?[ \t]*\n(?P<words>(?:[ \t]+[^\n]*(?:\n|\Z))*)")
_QUOTED = re.compile(r"([\"'])(.*)\1(?:\s*#.*)?")


def site_rules(parser: MarkdownIt) -> None:
    """Add the rules: tokens `front_matter` and `liquid`, both with `map`, `content` and `info`."""
    parser.block.ruler.before("table", "front_matter", _front_matter)
    parser.block.ruler.before("fence", "liquid", _liquid, {"alt": ["paragraph", "reference", "blockquote", "list"]})


def title_of(front_matter: str) -> str | None:
    r"""Find the title that YAML or TOML front matter gives, or None.

    Examples:
        >>> title_of('title: "Cron jobs"'), title_of("title = 'Cron'  # short"), title_of("weight: 80")
        ('Cron jobs', 'Cron', None)
        >>> title_of("title: >\n  Cron\n  jobs\nweight: 80")
        'Cron jobs'
    """
    match = _TITLE.search(front_matter)
    if match is None:
        return None
    if (folded := _FOLDED.match(front_matter, match.start("title"))) is not None:
        return " ".join(folded["words"].split()) or None
    quoted = _QUOTED.fullmatch(match["title"])
    words = quoted[2] if quoted is not None else re.sub(r"\s+#.*", "", match["title"])
    return " ".join(words.replace('\\"', '"').replace("''", "'").split()) or None


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] : state.eMarks[number]]


def _front_matter(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    opener = _line(state, start)
    closer = _FENCES.get(opener.rstrip()) if start == 0 else None
    if closer is None:
        return False
    last = next((number for number in range(1, end) if closer.fullmatch(_line(state, number))), None)
    if last is None or (last > 1 and not _line(state, 1).strip()):  # a rule, a blank line: no front matter
        return False
    if not silent:
        _push(state, "front_matter", start, last)
    return True


def _liquid(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    match = _CODE_TAG.fullmatch(_line(state, start))
    if match is None:
        return False
    unclosed = state.env.setdefault(_UNCLOSED, set())
    closer = re.compile(rf"\s*\{{%-?\s*end{match[1]}\s*-?%\}}\s*")
    numbers = range(start + 1, end if match[1] not in unclosed else start)
    last = next((number for number in numbers if closer.fullmatch(_line(state, number))), None)
    if last is None:
        unclosed.add(match[1])  # nor will one that comes later be closed: do not look again
        return False
    if not silent:
        _push(state, "liquid", start, last)
        language = match["rest"].replace("lang:", " ").split()
        state.tokens[-1].info = language[0] if language else ""
    return True


def _push(state: StateBlock, kind: str, first: int, last: int) -> None:
    token = state.push(kind, "", 0)
    token.map = [first, last + 1]
    token.content = state.src[state.bMarks[first + 1] : state.eMarks[last - 1]] if last > first + 1 else ""
    state.line = last + 1
