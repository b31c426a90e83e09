"""Find, create and check the recipe that the configuration names."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from promotion.canonical import digest
from promotion.config import ModelConfig
from promotion.data_files import file_digest
from promotion.draws import Draws, draws_of
from promotion.errors import ConfigError, PromotionError
from promotion.interfaces import Recipe, task_of_recipe
from promotion.modules import absent_members, import_module, stated_text, why_missing
from promotion.own_sources import own_sources
from promotion.vocabulary import Task

_MEMBERS = ("key", "label", "time", "load", "split", "train", "score")


def draws_by(settings: ModelConfig, recipe: Recipe) -> Draws:
    """Return what counts as an independent draw among a model's rows.

    Raises:
        ConfigError: the recipe's `group` is not a valid group, or a group is required and missing.
    """
    return draws_of(recipe, settings.group, settings.dependence, settings.time_unit, settings.clean_by)


def load_recipe(settings: ModelConfig, options: Mapping[str, Any]) -> Recipe:
    """Create the recipe `package.module:Class` with its configured options, overridden by `options`.

    Also finds modules in the working folder.

    Raises:
        ConfigError: there is no such module or class, it does not take the options, or it is not a
            valid recipe.
    """
    require_found(settings.recipe)
    module_name, _, class_name = settings.recipe.partition(":")
    try:
        kind = getattr(import_module(module_name), class_name)
        recipe = kind(**{**settings.options, **options})
    except ModuleNotFoundError as error:
        message = f"The recipe '{settings.recipe}' cannot be imported: there is no module '{error.name}' here."
        raise ConfigError(message, key="recipe") from error
    except (AttributeError, TypeError) as error:
        raise ConfigError(f"The recipe '{settings.recipe}' cannot be created: {error}.", key="recipe") from error
    except PromotionError:
        raise
    except (Exception, SystemExit) as error:  # raised by the user's code
        first = (str(error).strip().splitlines() or [""])[0]
        message = f"The recipe '{settings.recipe}' cannot be imported ({type(error).__name__}: {first})."
        raise ConfigError(message, key="recipe") from error
    if not isinstance(recipe, Recipe):
        raise _incomplete(settings.recipe, [name for name in _MEMBERS if not hasattr(recipe, name)])
    task_of_recipe(recipe)
    return recipe


def require_fit(settings: ModelConfig, recipe: Recipe) -> None:
    """Check that the policy's metrics apply to the recipe's task.

    Raises:
        ConfigError: they apply to others.
    """
    _require_task(settings, task_of_recipe(recipe))


def _require_task(settings: ModelConfig, task: str) -> None:
    tasks = settings.policy.tasks
    if task not in tasks:
        raise ConfigError(
            f"The policy's metrics apply to {' or '.join(sorted(tasks))} models, but the task of '{settings.recipe}' "
            f"is '{task}'. Name metrics for {task} models in the policy, or set `task` in the recipe.",
            key="policy",
        )


def code_digest(kind: type) -> str | None:
    """Return the SHA-256 of the modules that define a class and its bases, and of their imports that are not installed.

    None if a module has no file.
    """
    modules = {inspect.getmodule(one) for one in kind.__mro__ if one.__module__ != "builtins"}
    files = {getattr(module, "__file__", None) for module in modules}
    if None in files:
        return None
    imported = own_sources(module.__name__ for module in modules if module)
    return digest(sorted(file_digest(file) for file in {*map(Path, map(str, files)), *imported}))


def require_stated_fit(settings: ModelConfig) -> None:
    """Check the same as far as the recipe's file shows, without importing it."""
    module_name, _, class_name = settings.recipe.partition(":")
    task = stated_text(module_name, class_name, "task", default=Task.BINARY.value)
    if task in list(Task):
        _require_task(settings, task)


def require_found(recipe: str) -> None:
    """Check that `package.module:Class` exists and is a recipe, as far as its file shows, without importing it."""
    module_name, colon, class_name = recipe.partition(":")
    if not colon:
        raise ConfigError(f"A recipe must be named as package.module:Class, but is '{recipe}'.", key="recipe")
    why = why_missing(module_name, class_name)
    if why:
        raise ConfigError(f"The recipe '{recipe}' cannot be imported: {why}.", key="recipe")
    if missing := absent_members(module_name, class_name, _MEMBERS):
        raise _incomplete(recipe, missing)


def _incomplete(recipe: str, missing: Sequence[str]) -> ConfigError:
    return ConfigError(f"'{recipe}' is not a valid recipe: it is missing {', '.join(missing)}.", key="recipe")
