"""Griffe extension: a pydantic class whose `__init__` takes `**anything` is documented with its fields instead.

griffe-pydantic knows a model only by bases that griffe can follow down to pydantic, which LlamaIndex's are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from griffe import (
    Attribute,
    Class,
    Expr,
    ExprCall,
    ExprKeyword,
    Extension,
    Function,
    Module,
    Parameter,
    ParameterKind,
    Parameters,
)


class FieldSignatures(Extension):
    """Shows `SemanticChunker(*, chunk_size: int = 250, ...)` where the source says `__init__(self, **data)`."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Rewrite the signatures, now that every base class of the package is known."""
        found = [each for each in _classes(pkg) if _takes_anything(each)]  # asked before any base is rewritten
        for cls in found:
            own, *_, passed_on = cls.parameters
            parameters = Parameters(own, *_fields(cls).values(), passed_on)
            cls.set_member("__init__", Function("__init__", parameters=parameters, parent=cls))


def _classes(module: Module) -> Iterator[Class]:
    for member in module.members.values():
        if isinstance(member, Class):
            yield member
        elif isinstance(member, Module):
            yield from _classes(member)


def _takes_anything(cls: Class) -> bool:
    return [each.kind for each in cls.parameters][1:] == [ParameterKind.var_keyword]


def _fields(cls: Class) -> dict[str, Parameter]:
    return {
        name: Parameter(name, annotation=field.annotation, kind=ParameterKind.keyword_only, default=_default(field))
        for base in (*reversed(cls.mro()), cls)
        for name, field in base.attributes.items()
        if field.annotation and not name.startswith("_") and "property" not in field.labels
    }


def _default(field: Attribute) -> str | Expr | None:
    """What a field is where it is not given: the value itself, or the one inside `Field(default=...)`."""
    if not isinstance(field.value, ExprCall):
        return field.value
    named = (each for each in field.value.arguments if isinstance(each, ExprKeyword))
    return next((each.value for each in named if each.name == "default"), None)
