"""`promotion init`: write a commented promotion.toml."""

from pathlib import Path
from typing import Annotated

import typer

from promotion.cli.output import Json, say

EXAMPLE = "promotion init"


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write promotion.toml.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a commented promotion.toml.

    The fraud classifier is configured as an example; other settings are commented out.
    """
    from importlib.resources import files

    from promotion.config import FILE_NAME
    from promotion.errors import ConfigError

    path = folder / FILE_NAME
    text = files("promotion.cli").joinpath("promotion.toml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        message = f"{path} already exists and was not changed. Remove it first to start over."
        raise ConfigError(message, path=path) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}).", path=path) from error
    words = f"Wrote {path}. With the data in place, `promotion retrain fraud_classifier` trains and judges a candidate."
    say({"written": str(path)}, words, as_json=as_json)
