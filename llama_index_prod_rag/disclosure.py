"""What of an error may be told to whom. Core.

Users are told in our own words what failed: an exception's text may hold addresses, accounts and keys, and never
reaches an answer. Operators get it in `degraded`, the log and the trace, on one line and with credentials masked.
"""

from __future__ import annotations

import os
import re

from llama_index_prod_rag.text.printable import make_line

MASK = "***"
"""Stands for a credential."""

_READ, _KEPT = 4000, 500  # characters of a message that are looked at, and that are kept: servers send whole pages back
_CREDENTIAL = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|authorization|signature|sig|sas|(?:\w+[-_ ]?)?keys?)"
)
_MASKS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL),
    # scheme://user:password@host
    re.compile(r"(?<=://)[^\s\"'<>]*@"),
    re.compile(r"(?<=[Bb]earer )\S+|(?<=[Bb]asic )[A-Za-z0-9+/=]{8,}|(?<=[Aa]pi[Kk]ey )\S+"),
    # password=..., "api_key": "...", Authorization: ..., ?sig=...
    re.compile(rf"(?i)(?<![a-z]){_CREDENTIAL}[\"']?\s?[:=]\s?(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"',;&)}}\]]+)"),
    # the prefixes that OpenAI, Stripe, GitHub, GitLab, Hugging Face, Slack, AWS, Google, Groq, NVIDIA and JWTs have
    re.compile(
        r"\b(?:[spr]k[-_][\w-]{8,}|gh[opsur]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|hf_\w{16,}|xox[abeoprs]-[\w-]{8,}"
        r"|A[KS]IA[0-9A-Z]{12,}|AIza[\w-]{20,}|gsk_\w{16,}|nvapi-[\w-]{16,}|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?)"
    ),
    # no known prefix: 32 hexadecimal digits (Azure, Datadog), or long, with digits and letters of both cases
    re.compile(r"\b[0-9a-fA-F]{32}\b|\b(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)\w{24,}"),
)
_NAMES_A_SECRET = re.compile(r"(?i)(?:key|token|secret|password|passwd|pwd|credentials?)$")
_FOLDERS = ("PWD", "OLDPWD")  # a shell's working directories, which stand in most paths
_SHORTEST_SECRET = 6  # a shorter value of the environment stands in too many innocent texts


def mask(text: str) -> str:
    """Replace what looks like a credential, and every value of an environment variable that is named like one.

    Examples:
        >>> mask("GET https://ada:hunter2@db.example/x?api_key=abc failed, Bearer tok123")
        'GET https://***@db.example/x?api_key=*** failed, Bearer ***'
    """
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and _NAMES_A_SECRET.search(name) and name not in _FOLDERS:
            text = text.replace(value, MASK)
    for pattern in _MASKS:
        text = pattern.sub(_mask, text)
    return text


def _mask(found: re.Match[str]) -> str:
    whole = found.group()
    if "value" in found.re.groupindex:
        return whole[: found.start("value") - found.start()] + MASK
    return MASK + "@" if whole.endswith("@") else MASK


def describe(error: BaseException) -> str:
    """An error on one line for operators: its kind and what it says, masked, printable and not long.

    Examples:
        >>> describe(ConnectionError("no route to https://ada:hunter2@db.example"))
        'ConnectionError: no route to https://***@db.example'
    """
    said = make_line(mask(str(error)[:_READ]))
    if len(said) > _KEPT:
        said = said[:_KEPT] + "..."
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
