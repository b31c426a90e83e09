"""Finding the recipe that the configuration names."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promotion.config import ModelConfig
from promotion.errors import ConfigError
from promotion.seams import Recipe


def load_recipe(settings: ModelConfig, options: Mapping[str, Any]) -> Recipe:
    """Make the recipe `package.module:Class` with its configured options and these over them.

    Modules in the working folder are found too.

    Raises:
        ConfigError: there is no such module or class, it does not take the options, or it is no recipe.
    """
    module_name, colon, class_name = settings.recipe.partition(":")
    if not colon:
        message = f"A recipe is named as package.module:Class, found '{settings.recipe}'."
        raise ConfigError(message)
    _find_beside(Path.cwd())
    try:
        kind = getattr(importlib.import_module(module_name), class_name)
        recipe = kind(**{**settings.options, **options})
    except ModuleNotFoundError as error:
        message = f"The recipe '{settings.recipe}' cannot be imported: there is no module '{error.name}' here."
        raise ConfigError(message) from error
    except (AttributeError, TypeError) as error:
        message = f"The recipe '{settings.recipe}' cannot be made: {error}."
        raise ConfigError(message) from error
    if not isinstance(recipe, Recipe):
        missing = [
            name for name in ("key", "label", "time", "load", "split", "train", "score") if not hasattr(recipe, name)
        ]
        message = f"'{settings.recipe}' is no recipe: it lacks {', '.join(missing)}."
        raise ConfigError(message)
    return recipe


def _find_beside(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
