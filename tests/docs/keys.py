"""The tables of keys in docs/reference/configuration.md, from the classes that the configuration is read into.

Fields give the keys, types and defaults; the docstring below a field gives the meaning of its key.
"""

import dataclasses
import json
import sys
import types
import typing
from enum import StrEnum
from functools import cache
from pathlib import Path

import griffe
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from promotion.config import Config, LinksConfig, ModelConfig
from promotion.config_types import Length, WebAddress
from promotion.data_sources import DataSource
from promotion.draws import GroupKey
from promotion.policy import Floor, Guardrail, Limits, Policy, Primary, SliceRule
from promotion.policy.rules import ColumnNames
from promotion.toml import Number, Span, WholeNumber

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "configuration.md"
TABLES = (Config, ModelConfig, Policy)
RULES = (LinksConfig, Primary, Guardrail, Floor, SliceRule, Limits)
BEGIN, END = "<!-- Keys of {}, written by `make reference` -->\n\n", "\n\n<!-- To here -->"
HEAD = "| key | type | default | meaning |\n|---|---|---|---|"
WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    WholeNumber: "whole number",
    Number: "number",
    SecretStr: "text",
    WebAddress: "URL",
    Length: "duration",
    Span: "number or duration",
    DataSource: "text or table",
    GroupKey: "text or table",
    ColumnNames: "text or list of texts",
}
MUST_BE_GIVEN = object()


def written():
    """The page with its tables as they should be."""
    page = PAGE.read_text("utf-8")
    for kind in TABLES:
        before, begin, rest = page.partition(BEGIN.format(kind.__name__))
        table = "\n".join([HEAD, *(f"| {' | '.join(row)} |" for row in rows_of(kind))])
        page = before + begin + table + "".join(rest.partition(END)[1:])
    return page


def rows_of(kind, prefix=""):
    """Key, type, default and meaning of every key of a class, and of the keys of the tables in it."""
    for name, (annotation, default) in fields_of(kind).items():
        inner = rule_in(annotation)
        if inner is not annotation:
            yield f"`{prefix}{name}`", words_for(annotation), shown(default), meaning_of(kind, name)
        if inner:
            yield from rows_of(inner, f"{prefix}{name}{'' if inner is annotation else '[]'}.")


def fields_of(kind):
    """Type and default of each field that is a key of the file."""
    hints = typing.get_type_hints(kind, include_extras=True)
    if dataclasses.is_dataclass(kind):
        fields = {field.name: field for field in dataclasses.fields(kind)}
    else:
        fields = {name: field for name, field in kind.model_fields.items() if not field.exclude}
    return {name: (hints[name], default_of(field)) for name, field in fields.items()}


def default_of(field):
    """What holds where the key is not given; None for empty lists and tables too."""
    if callable(field.default_factory):
        return field.default_factory() or None
    nothing = field.default in {dataclasses.MISSING, PydanticUndefined}
    return MUST_BE_GIVEN if nothing else field.default


def rule_in(annotation):
    """The table that a key is, or has a list of."""
    kinds = (annotation, *typing.get_args(annotation))
    return next((kind for kind in kinds if kind in RULES), None)


def words_for(annotation):
    """A type in the words of those who write TOML."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in WORDS:
        return WORDS[annotation]
    if origin in {types.UnionType, typing.Union}:
        return " or ".join(words_for(one) for one in arguments if one is not types.NoneType)
    if origin is tuple:
        return f"list of {words_for(arguments[0])}s"
    if origin is typing.Literal:
        return " or ".join(shown(one) for one in arguments)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " or ".join(shown(one) for one in annotation)
    return "table"


def shown(value):
    """A default as it would be written in the file."""
    if value is MUST_BE_GIVEN:
        return "must be given"
    return f"`{json.dumps(value)}`" if value not in (None, ()) else "none"


def meaning_of(kind, name):
    """The docstring below a field, as one line."""
    docstring = source_of(kind.__module__)[kind.__name__][name].docstring
    assert docstring, f"{kind.__name__}.{name} has no docstring below it."
    return " ".join(docstring.value.split())


@cache
def source_of(module):
    path = Path(sys.modules[module].__file__)
    return griffe.visit(module, filepath=path, code=path.read_text("utf-8"))
