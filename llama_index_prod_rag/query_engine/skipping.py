"""Which postprocessors an answer may go without when they fail: those known only to reorder or to cut.

One that masks names, checks permissions or replaces text would let through what it is there to keep back, so whatever
is not known to be harmless is required.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from llama_index.core.postprocessor.types import BaseNodePostprocessor

from llama_index_prod_rag.errors import ConfigurationError

# LlamaIndex, its integrations and this package call their rerankers ...Rerank, ...Reranker or ...Reorder.
_REORDERS_OR_CUTS = re.compile(
    r"Rerank(?:er|ing)?$|Reorder(?:er)?$|^Top[KN]|^SimilarityPostprocessor$|^TimeWeightedPostprocessor$"
)


def may_be_skipped(stage: BaseNodePostprocessor, required: Mapping[str, bool]) -> bool:
    """Tell whether an answer may go without a postprocessor that failed.

    Args:
        stage: the postprocessor.
        required: class name -> whether it must work, where the user said so.
    """
    name = type(stage).__name__
    return not required[name] if name in required else bool(_REORDERS_OR_CUTS.search(name))


def check_required(stages: Sequence[BaseNodePostprocessor], required: Mapping[str, bool]) -> None:
    """Refuse names of postprocessors that are not there, such as misspelled ones.

    Raises:
        ConfigurationError: `required` names another class than those of `stages`.
    """
    names = {type(stage).__name__ for stage in stages}
    if unknown := required.keys() - names:
        raise ConfigurationError(
            f"required={{{min(unknown)!r}: ...}} names no postprocessor of this engine: it has "
            f"{', '.join(sorted(names)) or 'none'}"
        )
