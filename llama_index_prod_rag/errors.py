"""The package's exceptions: one small tree, every message says what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral


class ProdRagError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigurationError(ProdRagError, ValueError):
    """A setting is out of range or contradicts another one."""


class InputError(ProdRagError, ValueError):
    """The documents, labels or question handed in cannot be used."""


class MissingExtraError(ProdRagError, ImportError):
    """An optional dependency is not installed.

    Args:
        needed_for: what the user was trying to do, as a noun phrase.
        extra: the extra of this package that brings the dependency.

    Examples:
        >>> str(MissingExtraError("the Elasticsearch retriever", extra="elasticsearch"))
        "the Elasticsearch retriever needs an extra: pip install 'llama-index-prod-rag[elasticsearch]'"
    """

    def __init__(self, needed_for: str, *, extra: str) -> None:
        super().__init__(f"{needed_for} needs an extra: pip install 'llama-index-prod-rag[{extra}]'")
        self.extra = extra


class ModelError(ProdRagError):
    """Model weights are missing, corrupt or of the wrong kind."""


class RetrievalError(ProdRagError):
    """No leg could answer, or one that was asked to be strict could not."""


class AccessError(ProdRagError, PermissionError):
    """Nobody asks, or somebody whom the access policy cannot place: nothing was searched."""


class ScoringError(ProdRagError):
    """A reranker returned something that is not a score."""


class CalibrationError(ProdRagError, ValueError):
    """There are too few labels for the guarantee asked for, or they are all alike."""


class QueryLogError(ProdRagError):
    """The query log cannot be opened, read or written."""


def check_count(name: str, count: object) -> None:
    """Refuse what is no number of things to return or to ask.

    Raises:
        ConfigurationError: it is not a whole number from 1 on.

    Examples:
        >>> check_count("similarity_top_k", 10)
        >>> check_count("similarity_top_k", 2.5)
        Traceback (most recent call last):
            ...
        llama_index_prod_rag.errors.ConfigurationError: similarity_top_k must be a whole number of at least 1, not 2.5
    """
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise ConfigurationError(f"{name} must be a whole number of at least 1, not {count!r}")


def refuse_unknown(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise where a setting is not one of those that its owner knows: a misspelled one would mean nothing, in silence.

    Args:
        owner: whose settings they are, as the user wrote it.
        given: names of the settings handed in.
        known: names of all settings.

    Raises:
        ConfigurationError: there is an unknown one; the message names the nearest, else all.

    Examples:
        >>> refuse_unknown("Parser", ["chunk_sise"], ["chunk_size", "tokenizer"])
        Traceback (most recent call last):
            ...
        llama_index_prod_rag.errors.ConfigurationError: Parser has no setting 'chunk_sise': did you mean 'chunk_size'?
    """
    names = list(known)
    for name in given:
        if name not in names:
            # 0.5 finds `chunk_size` for `target_size`: half of the letters in common.
            near = " or ".join(map(repr, get_close_matches(name, names, n=3, cutoff=0.5)))
            hint = f"did you mean {near}?" if near else f"it has {', '.join(sorted(names))}"
            raise ConfigurationError(f"{owner} has no setting {name!r}: {hint}")
