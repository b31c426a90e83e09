"""Writes the recipe of a new model and its section of promotion.toml, which run as they are."""

import json
import os
import re
import tomllib
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from promotion.cli.columns import Features, Roles, Sample
from promotion.cli.output import Misuse
from promotion.data_sources import is_url
from promotion.errors import ConfigError, DataError, UnknownName
from promotion.visible import visible

_WIDTH = 100
_REQUIRED = (
    ("key", "a unique column", "add a column to the file that numbers the rows"),
    ("label", "a single column of 0 and 1 that is named like a label", "write 1 and 0 instead of other values"),
)
_LABELS = (
    "The label says with 1 and 0 what to predict, in every row. Change the file, or write a recipe whose `load` and "
    "`task` fit your labels."
)

if TYPE_CHECKING:
    from promotion.interfaces.recipe import Split


def require_roles(roles: Roles, sample: Sample, path: Path) -> None:
    """Check that key and label are known, and that all columns are there and different.

    Raises:
        Misuse: one is missing, or one column has two roles.
        UnknownName: there is no such column.
    """
    present = sample.names
    for name, ways, without in _REQUIRED:
        if getattr(roles, name) is None:
            said = f"{path} has no column that is clearly the {name}: expected {ways}. Name it with --{name}"
            candidates = ", ".join(map(visible, sample.zero_or_one)) if name == "label" else ""
            way = f". Columns of 0 and 1 are: {candidates}" if candidates else f", or {without}"
            raise Misuse(f"{said}{way}.")
    named = [name for name in vars(roles).values() if name is not None]
    for name in named:
        if name not in present:
            raise UnknownName("column", name, present, hint=f"Name a column of {path}.")
        if named.count(name) > 1:
            raise Misuse(f"Column '{name}' cannot have two of the roles key, label, time and group. Name another one.")


def checked(path: Path, roles: Roles, features: Features) -> "tuple[Features, Split]":
    """Read the whole file as the recipe will; a feature that does not hold numbers throughout becomes text.

    Raises:
        DataError: the rows cannot be used with these roles.
    """
    from promotion import rows as reading

    while True:
        columns = {
            **_columns(roles),
            **dict.fromkeys(features.numbers, "number"),
            **dict.fromkeys(features.texts, "text"),
        }
        try:
            rows = reading.read_rows(path, columns)  # type: ignore[arg-type]
        except DataError as error:
            if error.column == roles.label:
                raise DataError(f"{error} {_LABELS}", path=path, column=roles.label) from error
            if error.column not in features.numbers:
                raise
            numbers = tuple(name for name in features.numbers if name != error.column)
            features = replace(features, numbers=numbers, texts=(*features.texts, str(error.column)))
        else:
            break
    try:
        reading.check_rows(rows, key=str(roles.key), label=str(roles.label), what=str(path))
    except DataError as error:
        if error.column != roles.label:
            raise
        raise DataError(f"{error} {_LABELS}", path=path, column=roles.label) from error
    if not features.numbers and not features.texts:
        raise DataError(f"{path} has no columns to learn from besides {', '.join(_columns(roles))}.", path=path)
    how, by = _split(roles)
    return features, getattr(reading, how)(rows, **by, holdout=0.3)


def write(model: str, where: str, roles: Roles, features: Features, settings: Path) -> tuple[Path, Path]:
    """Write the recipe, and add the model to the settings; returns both paths.

    Raises:
        ConfigError: the recipe exists, the settings have the model or are in pyproject.toml, or
            either cannot be written.
    """
    module = re.sub(r"\W", "_", f"{'' if model[0].isalpha() else 'model_'}{model}_recipe")
    recipe = Path(f"{module}.py")
    kind = "".join(part.capitalize() for part in module.split("_"))
    section = _template("model.toml").substitute(
        model=model if re.fullmatch(r"[\w-]+", model) else _literal(model),
        recipe=_literal(f"{module}:{kind}"),
        data=_literal(where if is_url(where) else _relative(Path(where), settings.parent)),
    )
    text = _extended(settings, section, model)
    if recipe.exists():
        raise ConfigError(f"{recipe} already exists and was not changed. Remove it first to start over.", path=recipe)
    try:
        with recipe.open("x", encoding="utf-8") as file:
            file.write(_recipe(model, kind, roles, features))
        with settings.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        at_fault = Path(str(error.filename))
        raise ConfigError(f"{at_fault} cannot be written ({error.strerror}).", path=at_fault) from error
    return recipe, settings


def _extended(settings: Path, section: str, model: str) -> str:
    """Return the text to add to the settings, whose result is valid TOML."""
    from promotion.toml import read_toml

    if settings.name == "pyproject.toml":
        message = f"The settings are in {settings}, which this command does not change. Use a promotion.toml instead."
        raise ConfigError(message, path=settings)
    if not settings.exists():
        head = (
            "# The models, and the policy that each new version must pass before it may serve. `promotion init` in an\n"
        )
        return f"{head}# empty folder writes a file with all settings.\n\n{section}"
    if model in read_toml(settings).get("models", {}):
        message = f"{settings} already has a model '{model}', so nothing was changed. Choose another name."
        raise ConfigError(message, key=f"models.{model}", path=settings)
    before = settings.read_text("utf-8")
    added = f"{'' if before.endswith(chr(10)) else chr(10)}\n{section}"
    try:
        tomllib.loads(before + added)
    except tomllib.TOMLDecodeError as error:
        message = f"A section [models.{model}] cannot be added to {settings} ({error}). Write models as such sections."
        raise ConfigError(message, path=settings) from error
    return added


def _recipe(model: str, kind: str, roles: Roles, features: Features) -> str:
    how, by = _split(roles)
    left_out = f"\n# Left out: {', '.join(map(_literal, features.left_out))}" if features.left_out else ""
    return _template("recipe.txt").substitute(
        model=model,
        kind=kind,
        numbers=_listed(features.numbers),
        texts=_listed(features.texts),
        left_out=left_out,
        key=_literal(roles.key),
        label=_literal(roles.label),
        time=_literal(roles.time),
        group=f"\n    group: str = {_literal(roles.group)}" if roles.group else "",
        columns=_literal(_columns(roles)),
        split=how,
        by=", ".join(f"{name}={_literal(value)}" for name, value in by.items()),
    )


def _columns(roles: Roles) -> dict[str, str]:
    kinds = {roles.key: "key", roles.label: "number", roles.time: "time", roles.group: "text"}
    return {name: kind for name, kind in kinds.items() if name is not None}


def _split(roles: Roles) -> tuple[str, dict[str, Any]]:
    """By time if there is one; otherwise by hash, with each group on one side."""
    if roles.time:
        return "split_by_time", {"time": roles.time}
    return "split_by_hash", {"key": roles.group or roles.key}


def _listed(names: tuple[str, ...]) -> str:
    short = _literal(names)
    return short if len(short) < _WIDTH else "[\n" + "".join(f"    {_literal(name)},\n" for name in names) + "]"


def _literal(value: object) -> str:
    """Return text, or a collection of text, as Python and TOML write it; Python's None."""
    return "None" if value is None else json.dumps(value, ensure_ascii=False)


def _template(name: str) -> Template:
    return Template(files("promotion.cli").joinpath(name).read_text("utf-8"))


def _relative(path: Path, folder: Path) -> str:
    near, root = path.resolve(), folder.resolve()
    return near.relative_to(root).as_posix() if near.is_relative_to(root) else os.fspath(near)
