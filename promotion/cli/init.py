"""`promotion init`: write a commented promotion.toml, or the recipe and the settings of a new model."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promotion.cli.output import Json, Misuse, say
from promotion.cli.progress import clear_progress
from promotion.visible import visible

if TYPE_CHECKING:
    import pandas as pd

    from promotion.cli.columns import Features, Roles, Sample

EXAMPLE = "promotion init churn --data data/customers.csv"
NONE = "none"
"""What a person writes for no time or no group."""
_QUESTIONS = {
    "key": "Column that identifies a row",
    "label": "Column to predict (0 or 1)",
    "time": "Column that orders rows in time, or none",
    "group": "Column of rows that belong together, or none",
}


def init(
    target: Annotated[
        str | None,
        typer.Argument(help="Name of the new model; without --data, the folder for promotion.toml.", metavar="[MODEL]"),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Data of the new model: a CSV or Parquet file, a folder, pattern or URL.", metavar="DATA"),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Column that identifies a row. Defaults to a guess.", metavar="COLUMN")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column to predict, 0 or 1. Defaults to a guess.", metavar="COLUMN")
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(help="Column that orders rows in time, or 'none'. Defaults to a guess.", metavar="COLUMN"),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(help="Column of rows that belong together, or 'none'. Defaults to a guess.", metavar="COLUMN"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a commented promotion.toml; with --data, a recipe for the data.

    With --data, guesses from the columns what identifies, labels, orders and groups its rows, asks at a
    terminal, writes MODEL_recipe.py, and adds the model to promotion.toml. `promotion retrain MODEL` then works.

    Without --data, writes a promotion.toml in which the fraud classifier is the example and other settings are
    commented out.
    """
    named = {"key": key, "label": label, "time": time, "group": group}
    if data is not None:
        if target is None:
            raise Misuse("Name the new model: `promotion init MODEL --data DATA`.")
        _write_model(target, data, named, as_json=as_json)
    elif any(one is not None for one in named.values()):
        raise Misuse("--key, --label, --time and --group describe the columns of data. Add --data DATA.")
    else:
        _write_settings(Path(target or ""), as_json=as_json)


def _write_model(model: str, data: str, named: Mapping[str, str | None], *, as_json: bool) -> None:
    from promotion.cli import skeleton
    from promotion.cli.columns import sample_of
    from promotion.cli.predictions import fetched
    from promotion.vocabulary import is_name

    if not is_name(model):
        raise Misuse(f"'{model}' cannot name a model: a name has at most 63 of a-z, 0-9, '_', '-', '.'.")
    _require_no_secret(data)
    asks = sys.stdin.isatty() and not as_json
    with fetched(data) as path:
        clear_progress()  # before it asks
        sample = sample_of(path)
        roles, guess = _roles(sample, named, asks=asks)
        skeleton.require_roles(roles, sample, path)
        features, split = skeleton.checked(path, roles, sample.features(roles))
    recipe, settings = skeleton.write(model, data, roles, features, _settings())
    guessed = [role for role in guess if named[role] is None and not asks]
    say(
        {
            "written": [str(recipe), str(settings)],
            **vars(roles),
            "guessed": guessed,
            **vars(features),
            "holdout_rows": len(split.holdout),
        },
        f"Wrote {recipe} and the model '{model}' in {settings}.",
        _roles_sentence(roles, guessed),
        _features_sentence(features),
        *_time_sentence(roles, sample.time_like((*features.left_out, *features.texts))),
        _holdout_sentence(split.holdout[roles.label], settings),
        f"`promotion retrain {model}` trains and judges a first version.",
        as_json=as_json,
    )


def _holdout_sentence(labels: "pd.Series[float]", settings: Path) -> str:
    positives = int((labels == 1).sum())
    rarer, of = min((positives, "labelled 1"), (len(labels) - positives, "labelled 0"))
    has = f"The holdout has {len(labels):,} rows, {rarer:,} of them {of}"
    return f"{has}; the policy in {settings} requires at least 500 rows, and 50 of each label."


def _require_no_secret(data: str) -> None:
    from promotion.data_sources import is_url, shown_url

    if is_url(data) and shown_url(data) != data:
        raise Misuse(
            f"--data contains a password or parameters ({shown_url(data)}), which the settings would keep. Name a file "
            "with the same columns instead, and set the URL as `data` in the environment."
        )


def _roles(
    sample: "Sample", named: Mapping[str, str | None], *, asks: bool
) -> "tuple[Roles, Mapping[str, str | None]]":
    """Return the columns by option, answer or guess, and the guesses."""
    from promotion.cli.columns import Roles

    taken = set(named.values())
    guess = {role: None if one in taken else one for role, one in vars(sample.guess()).items()}
    answers = {role: _answer(role, named[role], guess[role], asks=asks) for role in guess}
    return Roles(**{role: None if one == NONE else one for role, one in answers.items()}), guess


def _answer(role: str, named: str | None, guess: str | None, *, asks: bool) -> str | None:
    """The option, else the answer at the terminal, else the guess."""
    if named is not None or not asks:
        return guess if named is None else named
    default = guess or (None if role in {"key", "label"} else NONE)
    answer: str = typer.prompt(_QUESTIONS[role], default=visible(default) if default else None, err=True)
    return default if default and answer == visible(default) else answer


def _roles_sentence(roles: "Roles", guessed: Sequence[str]) -> str:
    shown = ", ".join(f"{role} '{one}'" if one else f"no {role}" for role, one in vars(roles).items())
    options = " ".join(f"--{role}" for role in guessed)
    ways = f" Guessed: correct them in the recipe, or start over with {options}." if guessed else ""
    return f"{shown[0].upper()}{shown[1:]}.{ways}"


def _features_sentence(features: "Features") -> str:
    from promotion.report.page import counted

    why = "texts with many values, or one value only"
    left_out = f"; left out ({why}): {', '.join(features.left_out)}" if features.left_out else ""
    numbers = counted(len(features.numbers), "column")
    return f"Learns from {numbers} of numbers and {len(features.texts)} of text{left_out}."


def _time_sentence(roles: "Roles", name: str | None) -> tuple[str, ...]:
    if roles.time or name is None:
        return ()
    said = f"'{visible(name)}' may be a time, but is not in ISO 8601 (2024-12-31 or 2024-12-31T14:30), so it does not"
    return (f"{said} order the rows. If it should, convert it in the file, or in the recipe's `load`.",)


def _settings() -> Path:
    """The file that has the settings of this folder, or is to have them."""
    from promotion.config import FILE_NAME, nearest_file

    if "PROMOTION_CONFIG" in os.environ:
        return Path(os.environ["PROMOTION_CONFIG"])
    near = nearest_file(Path.cwd())
    return Path(near.name if near and near.parent == Path.cwd() else FILE_NAME)


def _write_settings(folder: Path, *, as_json: bool) -> None:
    from importlib.resources import files

    from promotion.config import FILE_NAME
    from promotion.errors import ConfigError
    from promotion.vocabulary import is_name

    path = folder / FILE_NAME
    text = files("promotion.cli").joinpath("promotion.toml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        message = f"{path} already exists and was not changed. Remove it first to start over."
        raise ConfigError(message, path=path) from None
    except FileNotFoundError:
        model = (
            f" For a model named {folder}, run `promotion init {folder} --data DATA`." if is_name(str(folder)) else ""
        )
        raise ConfigError(f"There is no folder {folder}.{model}", path=path) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}).", path=path) from error
    words = f"Wrote {path}. With the data in place, `promotion retrain fraud_classifier` trains and judges a candidate."
    say({"written": str(path)}, words, as_json=as_json)
